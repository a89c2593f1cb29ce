"""Fetch the packages that hold the pictures and unpack them. The pictures are never committed.

| package                              | what                         | licence       |
|--------------------------------------|------------------------------|---------------|
| npm ``@lobehub/fluent-emoji-3d``     | Microsoft Fluent Emoji 3D    | MIT           |
| npm ``emojibase-data``               | names and keywords of emoji  | MIT           |
| Debian ``fonts-noto-color-emoji``    | Noto Color Emoji             | OFL 1.1       |
| Debian ``openclipart-png``           | Open Clip Art                | public domain |

Needs ``npm``, ``apt-get`` and ``dpkg-deb``. Whoever has the packages already may lay the archives
into the folder under their own names: nothing is fetched twice.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .checkpoints import appearing

NPM = ("@lobehub/fluent-emoji-3d@1.1.0", "emojibase-data@17.0.0")
DEBIAN = ("fonts-noto-color-emoji", "openclipart-png")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Where the unpacked pictures and names lie."""

    fluent: Path  # folder of <codepoints>.webp, 256 x 256 RGBA
    noto: Path  # the font file
    clip_art: Path  # folder tree of PNG
    names: Path  # emojibase's data.json (English)
    groups: Path  # emojibase's messages.json (English)


def fetch(folder: Path) -> Sources:
    """Download what is missing below `folder`, unpack it and say where it is.

    Raises subprocess.CalledProcessError when a download fails.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in NPM:
        stem = name.removeprefix("@").rsplit("@", 1)[0].replace("/", "-")
        archive = _archive(folder, f"{stem}-*.tgz", ["npm", "pack", "--silent", name])
        target = folder / stem
        if not target.exists():
            with appearing(target) as part, tarfile.open(archive) as tar:
                tar.extractall(part, filter="data")
    for name in DEBIAN:
        archive = _archive(folder, f"{name}_*.deb", ["apt-get", "download", name])
        target = folder / name
        if not target.exists():
            with appearing(target) as part:
                _unpack(archive, part)
    english = folder / "emojibase-data" / "package" / "en"
    return Sources(
        fluent=folder / "lobehub-fluent-emoji-3d" / "package" / "assets",
        noto=folder / DEBIAN[0] / "usr/share/fonts/truetype/noto/NotoColorEmoji.ttf",
        clip_art=folder / DEBIAN[1] / "usr/share/openclipart/png",
        names=english / "data.json",
        groups=english / "messages.json",
    )


def _archive(folder: Path, pattern: str, command: Sequence[str]) -> Path:
    if not any(folder.glob(pattern)):
        subprocess.run(command, cwd=folder, check=True)
    return next(iter(sorted(folder.glob(pattern))))


def _unpack(package: Path, target: Path) -> None:
    """Unpack a Debian package here, not in a child that would go on when this process is ended."""
    command = ["dpkg-deb", "--fsys-tarfile", str(package)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as child,
        tarfile.open(fileobj=child.stdout, mode="r|") as tar,
    ):
        tar.extractall(target, filter="data")
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
