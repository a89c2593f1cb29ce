"""Where results go: checked before anything is computed, written when all is there."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scumble import openraster
from scumble.cli.canvas import FileCanvas
from scumble.link.errors import ErrorCode, ScumbleError, bad_request

ENDINGS = (".ora", ".png")


def check_targets(targets: Sequence[Path], picture: Path | None) -> None:
    """Raises ScumbleError (bad_request) when one of them cannot be written as asked."""
    for target in targets:
        if target.suffix.lower() not in ENDINGS:
            raise bad_request(
                f"{target.name} is neither an .ora nor a .png file.",
                "OpenRaster keeps the layers, PNG the merged picture.",
            )
        folder = target.resolve().parent
        if not folder.is_dir():
            raise bad_request(f"There is no folder {folder}.", "Make it first.")
        if not os.access(folder, os.W_OK):
            raise bad_request(f"{folder} cannot be written to.", "Name another folder with -o.")
        if picture is None or not (picture.exists() and target.exists()):
            continue
        if target.samefile(picture):
            raise bad_request(f"{target.name} is the picture itself.", "Name another file with -o.")


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turns what the disk says into a ScumbleError (disk_full, internal)."""
    try:
        yield
    except OSError as error:
        full = error.errno == errno.ENOSPC
        raise ScumbleError(
            ErrorCode.DISK_FULL if full else ErrorCode.INTERNAL,
            f"{target} cannot be written: {error.strerror or error}.",
            "The result waits: scumble jobs save JOB -o FILE.",
        ) from error


def write_png(path: Path, data: bytes) -> None:
    """All of it or nothing."""
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@dataclass(frozen=True)
class ResultFiles:
    """targets: as given by -o. batch: how many results come; PNGs are numbered from 2 on."""

    targets: tuple[Path, ...]
    batch: int
    written: Callable[[Path], None]

    def keep(self, canvas: FileCanvas) -> None:
        """Write what has come so far. Raises ScumbleError (disk_full, internal)."""
        for target in self.targets:
            with writing(target):
                self._write(canvas, target)

    def _write(self, canvas: FileCanvas, target: Path) -> None:
        results = canvas.results
        if target.suffix.lower() == ".ora":
            openraster.write(target, canvas.as_document())
            if len(results) == self.batch:
                self.written(target)
            return
        index = max(results)
        path = target
        if self.batch > 1:
            path = target.with_name(f"{target.stem}-{index + 1}{target.suffix}")
        layer = results[index]
        write_png(path, openraster.png(canvas.merged_with(layer), layer.text))
        self.written(path)
