"""What installing consists of. Each step may be done again at any time and returns its undo."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from installer import kritarc, torch_build
from installer.bundle import write_bundle
from installer.card import Card
from installer.checkout import Checkout
from installer.editors import Editor
from installer.environment import OLDEST_PIP, Environment, Stamp, index_options, remove_folder
from installer.failure import InstallError
from installer.plugins import memory_folder, module_folder, plugin_files
from installer.progress import Task
from installer.undo import (
    Remove,
    RestoreSwitch,
    Undo,
    missing_parents,
    read_config,
    write_config,
)
from plugin.link.encoding import to_wire
from plugin.link.home import Install, write_private

# what an earlier version stood on -> what brings the same modules now
DISPLACED = {"opencv-python-headless": "opencv-contrib-python-headless"}


class Step(Protocol):
    @property
    def title(self) -> str: ...

    def do(self, task: Task) -> tuple[Undo, ...]:
        """Do it, show progress on `task`, return what takes it back. Raises InstallError."""


@dataclass(frozen=True)
class MakeEnvironment:
    environment: Environment

    @property
    def title(self) -> str:
        return "Python environment"

    def do(self, task: Task) -> tuple[Undo, ...]:
        task.note = str(self.environment.folder)
        undo = Remove(str(self.environment.folder), missing_parents(self.environment.folder))
        self.environment.make()
        if self.environment.pip_version() < OLDEST_PIP:
            # an old pip does the work too, only without showing how far it is
            try:
                self.environment.install(task, ["--upgrade", "--quiet", "pip"])
            except InstallError:
                task.note = ""
        return (undo,)


@dataclass(frozen=True)
class InstallTorch:
    """The build of torch that fits this computer; its dependencies come with the backend."""

    environment: Environment
    checkout: Checkout
    platform: str
    machine: str
    card: Card | None
    index: str | None = None  # the user's choice for all packages
    torch_index: str | None = None  # the user's choice for torch

    @property
    def title(self) -> str:
        return "PyTorch"

    def do(self, task: Task) -> tuple[Undo, ...]:
        task.note = "looking for the build that fits"
        build = torch_build.choose(
            self.checkout.pin("torch"),
            self.platform,
            self.machine,
            self.card,
            lambda index: self.environment.offered("torch", index),
            self.torch_index or self.index,
        )
        if build.warning:
            task.warn(build.warning)
        self.environment.install(
            task, ["--no-deps", *index_options(build.index), build.requirement]
        )
        self.environment.write_stamp(Stamp(torch=build.requirement, torch_kind=build.kind))
        return ()


@dataclass(frozen=True)
class InstallBackend:
    """Scumble and what it stands on; alone when only its source changed.

    editable: the environment runs the tree itself, for tests. extras and also:
    further packages, by the names of pyproject's extras and of the index.
    """

    environment: Environment
    checkout: Checkout
    dependencies: bool
    index: str | None = None
    editable: bool = False
    extras: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return "Scumble and its packages" if self.dependencies else "Scumble"

    def do(self, task: Task) -> tuple[Undo, ...]:
        fingerprint = self.checkout.source_fingerprint()
        options = ["-c", str(self.checkout.constraints), *index_options(self.index)]
        if self.dependencies:
            for old, new in DISPLACED.items():
                self.environment.displace(old, new)
            self.environment.install(task, [*options, "setuptools", *self.also])
        with tempfile.TemporaryDirectory(prefix="scumble-build-") as folder:
            source = self.checkout.root
            if not self.editable:
                source = Path(folder)
                self.checkout.copy_for_build(source)
            wanted = f"{source}[{','.join(self.extras)}]" if self.extras else str(source)
            options += ["--no-build-isolation"]
            if not self.dependencies:
                options += ["--no-deps", "--force-reinstall"]
            self.environment.install(task, [*options, *(["-e"] if self.editable else []), wanted])
        stamp = replace(
            self.environment.stamp(),
            dependencies=self.checkout.dependencies_fingerprint(),
            source=fingerprint,
            python=str(self.environment.python),
        )
        self.environment.write_stamp(stamp)
        return ()


@dataclass(frozen=True)
class RecordInstall:
    """Tell editors which python runs the daemon."""

    path: Path
    install: Install

    @property
    def title(self) -> str:
        return "Note for the editors"

    def do(self, task: Task) -> tuple[Undo, ...]:
        undo = Remove(str(self.path), missing_parents(self.path))
        write_private(self.path, to_wire(self.install))
        return (undo,)


@dataclass(frozen=True)
class PutPlugin:
    """The plugin in the folder where one editor looks for it, with its own install record."""

    editor: Editor
    checkout: Checkout
    install: Install

    @property
    def title(self) -> str:
        return f"Plugin for {self.editor.title}"

    def do(self, task: Task) -> tuple[Undo, ...]:
        resources, kind = self.editor.resources, self.editor.kind
        folder = resources / module_folder(kind)
        task.note = str(folder)
        undos: list[Undo] = [Remove(str(folder), missing_parents(folder))]
        memory = memory_folder(kind)
        # what an earlier plugin remembered is not this step's to take back if a later one fails
        if memory is not None and not (resources / memory).exists():
            undos.append(Remove(str(resources / memory)))
        fresh = folder.with_name(f".{folder.name}.new")
        try:
            remove_folder(fresh)
            beside: list[tuple[Path, bytes]] = []
            for file in plugin_files(self.checkout, kind):
                target = resources / file.target
                data = file.source.read_bytes()
                if not target.is_relative_to(folder):
                    beside.append((target, data))
                    continue
                target = fresh / target.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
                target.chmod(0o755 if file.executable else 0o644)
            write_private(fresh / "install.json", to_wire(self.install))
            # the folder is whole before it takes the old one's place
            remove_folder(folder)
            fresh.replace(folder)
            for target, data in beside:
                undos.append(Remove(str(target), missing_parents(target)))
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
        except OSError as error:
            remove_folder(fresh)
            raise InstallError(
                f"The plugin cannot be written to {folder}: {error.strerror or error}.",
                f"Close {kind.value} and check who owns that folder.",
            ) from error
        return tuple(undos)


@dataclass(frozen=True)
class EnableInKrita:
    kritarc: Path

    @property
    def title(self) -> str:
        return "Turn the plugin on in Krita"

    def do(self, task: Task) -> tuple[Undo, ...]:
        task.note = str(self.kritarc)
        made = not self.kritarc.exists()
        try:
            text = "" if made else read_config(self.kritarc)
            before, enabled = kritarc.read(text), kritarc.enable(text)
            if enabled == text:
                return ()
            parents = missing_parents(self.kritarc)
            self.kritarc.parent.mkdir(parents=True, exist_ok=True)
            write_config(self.kritarc, enabled)
        except OSError as error:
            raise InstallError(
                f"{self.kritarc} cannot be written: {error.strerror or error}.",
                "Turn Scumble on in Krita: Settings > Configure Krita > Python Plugin Manager.",
            ) from error
        return (RestoreSwitch(str(self.kritarc), before.value, before.group, made, parents),)


@dataclass(frozen=True)
class WriteBundle:
    checkout: Checkout
    path: Path

    @property
    def title(self) -> str:
        return "Plugin as a file for Krita's importer"

    def do(self, task: Task) -> tuple[Undo, ...]:
        undo = Remove(str(self.path), missing_parents(self.path))
        write_bundle(self.checkout, self.path)
        return (undo,)
