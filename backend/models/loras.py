"""LoRA files: whatever .safetensors lie in the models folder's loras/, links included."""

from __future__ import annotations

import os
from pathlib import Path

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.models.copying import copy_into
from scumble.models.entry import LoraEntry
from scumble.models.inspect import inspect
from scumble.models.ledger import cannot_write
from scumble.models.safetensors_header import rejected


class Loras:
    """The folder is the list: a file that is put there by hand counts too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def list(self) -> tuple[LoraEntry, ...]:
        """By name. One that cannot be used is listed with the reason in `error`."""
        if not self.folder.is_dir():
            return ()
        return tuple(self._entry(path) for path in sorted(self.folder.rglob("*.safetensors")))

    def find(self, name: str) -> LoraEntry:
        """By name, case and the suffix aside. Raises ScumbleError model_missing."""
        entry = self._search(name)
        if entry is not None:
            return entry
        raise ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"There is no LoRA “{name[:80]}”.",
            f"Put its .safetensors file into {self.folder}.",
        )

    def has(self, name: str) -> bool:
        return self._search(name) is not None

    def _search(self, name: str) -> LoraEntry | None:
        wanted = name.lower().removesuffix(".safetensors")
        return next((entry for entry in self.list() if entry.name.lower() == wanted), None)

    def add(self, path: Path, name: str, *, copy: bool = False) -> LoraEntry:
        """Bring a LoRA file into the folder: a link to it, or a copy where asked or needed.

        Raises ScumbleError: model_rejected when the name is taken, disk_full.
        """
        target = self.folder / f"{name.replace('/', '-').replace(os.sep, '-')}.safetensors"
        if target.exists() and os.path.samefile(target, path):
            return self._entry(target)
        if target.exists() or target.is_symlink():
            raise rejected(f"There is a LoRA “{name}” already.", "Give it another name: --name.")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if not copy and _link(path, target):
                return self._entry(target)
            os.replace(copy_into(path, self.folder), target)
        except OSError as error:
            raise cannot_write(target, error) from error
        return self._entry(target)

    def remove(self, name: str) -> bool:
        """Take a file or link out of the folder; true if the weights themselves went."""
        path = Path(self.find(name).path)
        linked = path.is_symlink() or path.stat().st_nlink > 1
        try:
            path.unlink()
        except OSError as error:
            raise cannot_write(path, error) from error
        return not linked

    def _entry(self, path: Path) -> LoraEntry:
        name = path.stem
        try:
            found = inspect(path)
            if found.kind != "lora":
                raise rejected(f"“{path.name}” is no LoRA but a whole model.")
        except ScumbleError as error:
            return LoraEntry(name, str(path), "", 0, error.info.message)
        return LoraEntry(name, str(path), found.architecture, found.size)


def _link(path: Path, target: Path) -> bool:
    """A symbolic or hard link; false where the system allows neither."""
    for link in (os.symlink, os.link):
        try:
            link(path, target)
        except OSError:
            continue
        return True
    return False
