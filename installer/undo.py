"""What takes a step back, as data: it is kept in a record until the day of uninstalling."""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from installer import kritarc
from installer.environment import remove_folder
from installer.failure import InstallError


@dataclass(frozen=True)
class Remove:
    """Take away what a step made. parents: folders made on the way, taken away when empty."""

    path: str
    parents: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"remove {self.path}"

    def apply(self) -> None:
        try:
            remove_folder(Path(self.path))
        except OSError as error:
            raise InstallError(
                f"{self.path} cannot be removed: {error.strerror or error}.",
                "Close the editors, then start this again.",
            ) from error
        remove_empty(self.parents)


@dataclass(frozen=True)
class RestoreSwitch:
    """Put the plugin's switch in a kritarc back as it was, and take its settings away.

    made: the file itself was new. parents: folders made on the way, as for Remove.
    """

    path: str
    value: str | None
    group: bool
    made: bool
    parents: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return f"turn the plugin off in {self.path}"

    def apply(self) -> None:
        path = Path(self.path)
        if not path.exists():
            return
        text = read_config(path)
        restored = kritarc.restore(text, kritarc.Previous(self.value, self.group))
        restored = kritarc.forget(restored)
        if self.made and not restored.strip():
            path.unlink()
            remove_empty(self.parents)
        elif restored != text:
            write_config(path, restored)


Undo = Remove | RestoreSwitch
_KINDS: dict[str, type[Remove] | type[RestoreSwitch]] = {
    "remove": Remove,
    "restore_switch": RestoreSwitch,
}


@dataclass(frozen=True)
class Record:
    """The undos of all that was made on this computer and still stands, in the order of making."""

    path: Path

    def load(self) -> tuple[Undo, ...]:
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
            return tuple(_from_entry(entry) for entry in entries)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise InstallError(
                f"The installer's record {self.path} cannot be read.",
                "Remove it; then `install` writes a new one for what it finds.",
            ) from error

    def add(self, undo: Undo) -> None:
        """Keep `undo`. What an earlier run recorded for the same path counts: it knew the start."""
        entries = self.load()
        if all((entry.path, type(entry)) != (undo.path, type(undo)) for entry in entries):
            self._save((*entries, undo))

    def forget(self, undo: Undo) -> None:
        left = tuple(entry for entry in self.load() if entry != undo)
        if left:
            self._save(left)
        else:
            self.path.unlink(missing_ok=True)

    def _save(self, undos: tuple[Undo, ...]) -> None:
        names = {kind: name for name, kind in _KINDS.items()}
        entries = [{"undo": names[type(undo)], **asdict(undo)} for undo in undos]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(self.path.name + ".part")
        unfinished.write_text(json.dumps(entries, indent=1), encoding="utf-8")
        unfinished.replace(self.path)


def _from_entry(entry: dict[str, Any]) -> Undo:
    fields: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in entry.items()
        if key != "undo"
    }
    return _KINDS[entry["undo"]](**fields)


def remove_empty(folders: tuple[str, ...]) -> None:
    """Take away those of `folders`, innermost first, that nothing is in."""
    for folder in folders:
        with contextlib.suppress(OSError):
            Path(folder).rmdir()


def read_config(path: Path) -> str:
    # newline="" and surrogates: bytes that this program does not understand survive it
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def write_config(path: Path, text: str) -> None:
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        file.write(text)
    if path.exists():
        unfinished.chmod(path.stat().st_mode & 0o777)
    unfinished.replace(path.resolve())


def missing_parents(path: Path) -> tuple[str, ...]:
    """The folders that must be made before `path` can be, innermost first."""
    return tuple(str(parent) for parent in path.parents if not parent.exists())
