"""Which files make up the plugin of an editor, and where below its resources they go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from installer.checkout import Checkout, source_files
from installer.editors import Kind

NAME = "scumble"


@dataclass(frozen=True)
class PluginFile:
    """source: in the tree. target: below the editor's resource folder."""

    source: Path
    target: PurePosixPath
    executable: bool = False


def module_folder(kind: Kind) -> PurePosixPath:
    """The plugin's own folder, below the editor's resources."""
    parent = {Kind.KRITA: "pykrita", Kind.GIMP: "plug-ins"}[kind]
    return PurePosixPath(parent, NAME)


def memory_folder(kind: Kind) -> PurePosixPath | None:
    """What the plugin itself writes below the editor's resources; Krita's uses kritarc."""
    return PurePosixPath(NAME) if kind is Kind.GIMP else None


def package_folder(kind: Kind) -> PurePosixPath:
    """Where the plugin's Python package lies: GIMP starts a script that only leads into it."""
    module = module_folder(kind)
    return module / f"{NAME}_gimp" if kind is Kind.GIMP else module


def is_there(checkout: Checkout, kind: Kind) -> bool:
    """Whether this source tree has a plugin for the editor."""
    return (_room(checkout, kind) / _ENTRY[kind]).is_file()


def plugin_files(checkout: Checkout, kind: Kind) -> tuple[PluginFile, ...]:
    """All files of the plugin, the copy of link among them, sorted by target."""
    files = [*_own_files(checkout, kind), *_link_files(checkout, kind)]
    return tuple(sorted(files, key=lambda file: file.target.as_posix()))


_ENTRY = {Kind.KRITA: "__init__.py", Kind.GIMP: f"{NAME}.py"}


def _room(checkout: Checkout, kind: Kind) -> Path:
    return checkout.root / "plugin" / kind.name.lower()


def _own_files(checkout: Checkout, kind: Kind) -> Iterator[PluginFile]:
    room = _room(checkout, kind)
    for source in source_files(room):
        if source.suffix == ".png":  # the README's pictures
            continue
        below = PurePosixPath(source.relative_to(room).as_posix())
        target = package_folder(kind) / below
        # GIMP starts the file that is named like its folder as a program
        started = kind is Kind.GIMP and str(below) == _ENTRY[kind]
        if started:
            target = module_folder(kind) / below
        elif kind is Kind.KRITA and below.suffix == ".desktop":
            # Krita finds its plugins by these, beside their folders
            target = PurePosixPath("pykrita", below.name)
        elif kind is Kind.KRITA and below.suffix == ".action":
            target = PurePosixPath("actions", below.name)
        yield PluginFile(source, target, started)


def _link_files(checkout: Checkout, kind: Kind) -> Iterator[PluginFile]:
    link = checkout.root / "plugin" / "link"
    for source in source_files(link):
        target = package_folder(kind) / "link" / source.relative_to(link).as_posix()
        yield PluginFile(source, target)
