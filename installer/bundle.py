"""scumble-krita.zip, which Krita's own Tools > Scripts > Import Python Plugin from File takes.

Krita's importer looks for a .desktop file, for an *entry* of the folder that
its X-KDE-Library names (folders must stand in the zip as entries of their
own), and for an .action file of that name.
"""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath

from installer.checkout import Checkout
from installer.editors import Kind
from installer.plugins import plugin_files

FILE_NAME = "scumble-krita.zip"
_DATE = (1980, 1, 1, 0, 0, 0)  # the zip format's earliest: same source, same bytes


def write_bundle(checkout: Checkout, path: Path) -> None:
    """Write the zip to `path`, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    try:
        with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in _entries(checkout):
                info = zipfile.ZipInfo(name, _DATE)
                folder = name.endswith("/")
                info.external_attr = (0o40755 << 16 | 0x10) if folder else 0o100644 << 16
                info.compress_type = zipfile.ZIP_STORED if folder else zipfile.ZIP_DEFLATED
                archive.writestr(info, data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _entries(checkout: Checkout) -> list[tuple[str, bytes]]:
    entries: dict[str, bytes] = {}
    for file in plugin_files(checkout, Kind.KRITA):
        # pykrita/scumble/x.py -> scumble/x.py; the importer sorts .action files by itself
        inside = PurePosixPath(*file.target.parts[1:])
        for parent in inside.parents:
            if parent.parts:
                entries[f"{parent.as_posix()}/"] = b""
        entries[inside.as_posix()] = file.source.read_bytes()
    return sorted(entries.items())
