"""The source tree that this installer belongs to, and fingerprints of what an environment holds."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# What an installed backend is built from
_BUILD_FILES = ("pyproject.toml", "README.md", "LICENSE")
_BUILD_FOLDERS = ("backend", "plugin/link")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@dataclass(frozen=True)
class Checkout:
    """root: the folder that holds installer/, backend/ and plugin/."""

    root: Path

    @property
    def constraints(self) -> Path:
        return self.root / "installer" / "constraints.txt"

    @property
    def sample(self) -> Path:
        return self.root / "installer" / "sample"

    @property
    def version(self) -> str:
        text = (self.root / "backend" / "__init__.py").read_text(encoding="utf-8")
        found = re.search(r'^__version__\s*=\s*"([^"]+)"', text, re.MULTILINE)
        return found.group(1) if found else "0"

    def pin(self, package: str) -> str:
        """The version that constraints.txt names for `package`."""
        text = self.constraints.read_text(encoding="utf-8")
        found = re.search(rf"^{re.escape(package)}==(\S+?)\s*(;|$)", text, re.MULTILINE)
        if found is None:
            raise LookupError(f"constraints.txt does not pin {package}.")
        return found.group(1)

    def dependencies_fingerprint(self) -> str:
        """Changes when the environment must be made anew."""
        return _fingerprint(self.root, [self.root / "pyproject.toml", self.constraints])

    def source_fingerprint(self) -> str:
        """Changes when the backend must be installed again into a good environment."""
        files = [self.root / name for name in _BUILD_FILES]
        for folder in _BUILD_FOLDERS:
            files += source_files(self.root / folder)
        return _fingerprint(self.root, files)

    def copy_for_build(self, folder: Path) -> None:
        """A clean copy to build from: building inside the tree would leave stale files there."""
        for name in _BUILD_FILES:
            if (self.root / name).is_file():
                shutil.copy2(self.root / name, folder / name)
        for name in _BUILD_FOLDERS:
            shutil.copytree(self.root / name, folder / name, ignore=_LEFT_OUT)


def source_files(folder: Path) -> list[Path]:
    """Every file below `folder` that belongs to the project, sorted."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and path.suffix != ".pyc"
        and not any(
            part == "__pycache__" or part.startswith(".") for part in path.relative_to(folder).parts
        )
    )


def _fingerprint(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        if path.is_file():
            digest.update(path.relative_to(root).as_posix().encode() + b"\0")
            digest.update(str(path.stat().st_size).encode() + b"\0")
            digest.update(path.read_bytes())
    return digest.hexdigest()
