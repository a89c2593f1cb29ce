"""A result's way from the store onto a layer: fetch, paste, acknowledge.

Pasted first and acknowledged second, so that nothing is lost when either side
dies in between; the marker on the layer keeps it from being pasted twice.
What cannot be pasted (its document is closed or has another size, another
session asked for it) waits and is offered to the artist.
"""

from __future__ import annotations

from functools import partial
from typing import Callable, Dict, List, Optional, Sequence, Set, Tuple

from .canvas import Canvas, PasteOutcome, View
from .channel import DisconnectedError, Reply
from .client import Client
from .encoding import from_wire
from .errors import ErrorCode, ErrorInfo, ScumbleError
from .values import Job, Result, Size

Key = Tuple[str, int]
Then = Callable[[Optional[Reply], Optional[ScumbleError]], None]

_RESIZED = ErrorInfo(
    ErrorCode.BAD_REQUEST,
    "The picture was cropped, resized or rotated while this was drawn.",
    "Paste it from the recovered results.",
)


class Delivery:
    """All results on their way to a layer.

    `name_of` gives the name of a result's layer. `emptied` is called when the
    artist has pasted or discarded the last result that waited.
    """

    def __init__(
        self,
        client: Client,
        canvas: Canvas,
        view: View,
        name_of: Callable[[Result], str],
        emptied: Callable[[], None],
    ) -> None:
        self._client = client
        self._canvas = canvas
        self._view = view
        self._name_of = name_of
        self._emptied = emptied
        self._under_way: Set[Key] = set()
        self._done: Set[Key] = set()  # pasted or given up; acknowledged as often as it is told
        self._waiting: Dict[Key, Result] = {}
        self._unwanted: Set[str] = set()  # jobs whose further results the artist does not want
        self._held: Dict[Key, Tuple[Result, bytes, Sequence[str], Optional[Size]]] = {}

    def deliver(
        self, result: Result, documents: Sequence[str], canvas: Optional[Size] = None
    ) -> None:
        """Fetch the result and paste it into the first of `documents` that is open.

        canvas: the size that this document must have, or else the result is offered.
        """
        key = _key(result)
        if key in self._done:
            self._acknowledge(key)
        elif result.job_id in self._unwanted:
            self.discard([result])
        elif key not in self._under_way:
            self._under_way.add(key)
            fields = {"job_id": result.job_id, "index": result.index}
            ask(self._client, "fetch", partial(self._fetched, result, documents, canvas), fields)

    def offer(self, results: Sequence[Result]) -> None:
        """Let the artist decide: the results wait until they are pasted or discarded."""
        before = len(self._waiting)
        for result in results:
            key = _key(result)
            if key in self._done:
                self._acknowledge(key)
            elif key not in self._under_way:
                self._waiting.setdefault(key, result)
        if len(self._waiting) > before:
            self.tell_waiting()

    def discard(self, results: Sequence[Result]) -> None:
        """The artist does not want them: acknowledge them without a layer."""
        keys = [_key(result) for result in results]
        for key in keys:
            self._done.add(key)
            self._acknowledge(key)
        self._wait_no_more(keys)

    def forsake(self, job_id: str) -> None:
        """The job was cancelled: what comes of it from now on is discarded."""
        self._unwanted.add(job_id)

    def paste_held(self) -> None:
        """Try again to paste what the canvas was too busy for."""
        held, self._held = self._held, {}
        for key, (result, pixels, documents, canvas) in held.items():
            self._under_way.discard(key)
            self._paste_or_offer(result, pixels, documents, canvas)

    def waiting(self) -> List[Result]:
        return list(self._waiting.values())

    def tell_waiting(self) -> None:
        self._view.recovered(self.waiting())

    def settled_elsewhere(self, job: Job) -> None:
        """Forget offers of the job that another editor has pasted meanwhile."""
        gone = [
            key
            for key in self._waiting
            if key[0] == job.id and key[1] < job.results and key[1] not in job.unacknowledged
        ]
        for key in gone:
            del self._waiting[key]
        if gone:
            self.tell_waiting()

    def _fetched(
        self,
        result: Result,
        documents: Sequence[str],
        canvas: Optional[Size],
        reply: Optional[Reply],
        error: Optional[ScumbleError],
    ) -> None:
        key = _key(result)
        self._under_way.discard(key)
        if isinstance(error, DisconnectedError):
            return  # it is told again after the next resume
        if result.job_id in self._unwanted:  # cancelled while it was fetched
            self.discard([result])
            return
        try:
            if reply is None:
                raise error or DisconnectedError()
            fetched, pixels = _read_fetched(result, reply)
        except ScumbleError as failure:
            self._view.failed(failure.info)
            self.offer([result])
            return
        self._paste_or_offer(fetched, pixels, documents, canvas)

    def _paste_or_offer(
        self, result: Result, pixels: bytes, documents: Sequence[str], canvas: Optional[Size]
    ) -> None:
        try:
            self._paste(result, pixels, documents, canvas)
        except ScumbleError as failure:
            self._view.failed(failure.info)
            self.offer([result])

    def _paste(
        self, result: Result, pixels: bytes, documents: Sequence[str], canvas: Optional[Size]
    ) -> None:
        name = self._name_of(result)
        outcome = PasteOutcome.CLOSED
        for document in documents:
            outcome = self._into(document, result, pixels, name, canvas)
            if outcome is not PasteOutcome.CLOSED:
                break
        key = _key(result)
        if outcome is PasteOutcome.CLOSED:
            if key in self._waiting:  # the artist asked for it, and closed the document then
                self._view.failed(
                    ErrorInfo(ErrorCode.BAD_REQUEST, "No document is open.", "Open one.")
                )
            self.offer([result])
            return
        if outcome is PasteOutcome.RESIZED:
            if key not in self._waiting:  # it is told again after a resume
                self._view.failed(_RESIZED)
            self.offer([result])
            return
        if outcome is PasteOutcome.BUSY:
            self._under_way.add(key)
            self._held[key] = (result, pixels, documents, canvas)
            return
        self._done.add(key)
        if outcome is PasteOutcome.PASTED:
            self._view.finished(result, name)
        self._acknowledge(key)
        self._wait_no_more([key])

    def _into(
        self, document: str, result: Result, pixels: bytes, name: str, canvas: Optional[Size]
    ) -> PasteOutcome:
        try:
            return self._canvas.paste(document, result, pixels, name, canvas)
        except ScumbleError:
            raise
        except Exception as error:  # an editor's API raises anything; the result must not be lost
            raise ScumbleError(
                ErrorCode.INTERNAL,
                "The layer could not be made: %s." % (str(error) or type(error).__name__),
                "The result waits under Recovered results.",
            ) from error

    def _wait_no_more(self, keys: Sequence[Key]) -> None:
        before = len(self._waiting)
        for key in keys:
            self._waiting.pop(key, None)
        if len(self._waiting) < before:
            self.tell_waiting()
            if not self._waiting:
                self._emptied()

    def _acknowledge(self, key: Key) -> None:
        # lost on the way, it is told again after the next resume and acknowledged then
        self._client.request("acknowledge", {"job_id": key[0], "index": key[1]})


def ask(
    client: Client,
    kind: str,
    then: Then,
    fields: Optional[Dict[str, object]] = None,
    blobs: Sequence[bytes] = (),
) -> None:
    """Send a request; `then(reply, error)` gets one of the two, nothing when the client closes."""
    future = client.request(kind, fields, blobs)

    def done(_: object) -> None:
        if future.cancelled():
            return
        failure = future.exception()
        if failure is None:
            try:
                then(future.result(), None)
            except ScumbleError as unreadable:  # a reply whose values do not fit
                then(None, unreadable)
        elif isinstance(failure, ScumbleError):
            then(None, failure)

    future.add_done_callback(done)


def _key(result: Result) -> Key:
    return (result.job_id, result.index)


def _read_fetched(wanted: Result, reply: Reply) -> Tuple[Result, bytes]:
    result = from_wire(Result, reply.fields.get("result"))
    pixels = reply.blobs[0] if reply.blobs else b""
    if _key(result) != _key(wanted) or len(pixels) != 4 * result.region.size.pixels:
        raise ScumbleError.from_info(
            ErrorInfo(ErrorCode.INTERNAL, "The backend sent a picture of another size.")
        )
    return result, pixels
