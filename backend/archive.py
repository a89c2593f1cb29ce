"""Journal and store as one: what is written down has its bytes, what is kept is written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from typing import Any

from scumble.journal import Entry, Journal
from scumble.link.errors import ScumbleError, bad_request
from scumble.link.values import GenerationRequest, Region, Result
from scumble.store import Store, disk_full

MAX_METADATA = 40 * 1024  # bytes of JSON; a message's header holds 64 KiB


class Archive:
    """Safe to call from many threads. Raises ScumbleError (disk_full) where it writes."""

    def __init__(self, journal: Journal, store: Store) -> None:
        self.journal = journal
        self._store = store
        self._clearing = threading.Lock()

    def tidy(self) -> None:
        """Forget blobs that no row needs, and the oldest finished jobs."""
        self._store.remove(self._store.names() - self.journal.blobs())
        self.journal.prune()

    def keep_request(
        self, client_id: str, request: GenerationRequest, blobs: Sequence[bytes]
    ) -> bool:
        """Pixels first, then the row; false when a job of that id is there already.

        Room for the pictures to come is looked for now, not after minutes of work.
        """
        pictures = request.batch * request.region.size.pixels * 4
        self._make_room(sum(map(len, blobs)) + pictures + self._promised())
        names = [f"{request.id}.{kind}" for kind in ("pixels", "mask")][: len(blobs)]
        pixels, mask = (*names, "", "")[:2]
        try:
            for name, blob in zip(names, blobs, strict=True):
                self._store.put(name, blob)
            return self.journal.add(client_id, request, pixels, mask)
        except ScumbleError:
            self._store.remove(names)
            raise

    def pixels(self, entry: Entry) -> tuple[bytes, bytes]:
        """A request's pixels and mask, b"" where it has none. KeyError: they are gone."""
        pixels, mask = (
            self._store.get(name) if name else b"" for name in (entry.pixels, entry.mask)
        )
        return pixels, mask

    def drop_pixels(self, entry: Entry) -> None:
        """The job is over and will not need them again."""
        self._store.remove({entry.pixels, entry.mask} - {""})

    def keep_picture(
        self, job_id: str, index: int, region: Region, pixels: bytes, metadata: dict[str, Any]
    ) -> Result:
        """Bytes first, then the row; metadata that no header could carry are left out."""
        blob = f"{job_id}.{index}.rgba"
        self._make_room(len(pixels))
        self._store.put(blob, pixels)
        if len(json.dumps(metadata).encode()) > MAX_METADATA:
            metadata = {}
        result = Result(job_id, index, region, blob, metadata)
        self.journal.add_result(result)
        return result

    def result(self, job_id: str, index: int) -> Result:
        for result in self.journal.results(job_id):
            if result.index == index:
                return result
        raise bad_request("The job has no such picture.")

    def fetch(self, job_id: str, index: int) -> tuple[Result, bytes]:
        """A picture and its RGBA8 bytes. bad_request when there is none, or none any more."""
        result = self.result(job_id, index)
        try:
            if result.blob:
                return result, self._store.get(result.blob)
        except KeyError:
            pass
        raise bad_request(
            "The picture was pasted before and has since made room for others.",
            "Make it again: its settings are in the history.",
        )

    def _promised(self) -> int:
        """Bytes that the pictures of all open jobs will take."""
        return sum(
            (entry.request.batch - entry.job.results) * entry.request.region.size.pixels * 4
            for entry in self.journal.open_entries()
        )

    def _make_room(self, size: int) -> None:
        """Let the pictures go that were pasted longest ago; others stay, whatever happens."""
        with self._clearing:
            if not self._store.lacking(size):
                return
            for result in self.journal.spare():
                self._store.remove([result.blob])
                self.journal.drop_blob(result)
                if not self._store.lacking(size):
                    return
        raise disk_full("There is no room left for the pictures.")
