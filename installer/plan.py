"""From what stands on this computer to what is to be done: pure, nothing is looked up here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from installer.bundle import FILE_NAME
from installer.card import Card
from installer.checkout import Checkout
from installer.editors import Editor, Kind
from installer.environment import Environment, Stamp
from installer.steps import (
    EnableInKrita,
    InstallBackend,
    InstallTorch,
    MakeEnvironment,
    PutPlugin,
    RecordInstall,
    Step,
    WriteBundle,
)
from installer.undo import Remove, Undo
from plugin.link.home import Home, Install

TEST_EXTRAS = ("test",)
# What tests use beside pyproject's extra: the docker's widgets under PyQt6, mypy's stubs
TEST_PACKAGES = ("PyQt6", "types-tqdm")


@dataclass(frozen=True)
class Facts:
    """All that a plan follows from.

    stamp: of the environment, empty when it does not work. plugins: the editors
    that this source tree has a plugin for.
    """

    home: Home
    checkout: Checkout
    version: str
    dependencies: str
    source: str
    platform: str
    machine: str
    card: Card | None
    environment: Environment
    works: bool
    stamp: Stamp
    editors: tuple[Editor, ...] = ()
    plugins: frozenset[Kind] = frozenset(Kind)


@dataclass(frozen=True)
class Wishes:
    """What the user asked for. fresh: make the environment anew."""

    index: str | None = None
    torch_index: str | None = None
    fresh: bool = False


def plan_environment(facts: Facts, wishes: Wishes, tests: bool = False) -> tuple[Step, ...]:
    """What is missing until the environment runs this source; nothing when it does."""
    steps: list[Step] = []
    renew = wishes.fresh or not facts.works
    dependencies = renew or facts.stamp.dependencies != facts.dependencies
    if renew:
        steps.append(MakeEnvironment(facts.environment))
    if dependencies:
        steps.append(
            InstallTorch(
                facts.environment,
                facts.checkout,
                facts.platform,
                facts.machine,
                facts.card,
                wishes.index,
                wishes.torch_index,
            )
        )
    # an environment for tests runs the tree itself, whatever has changed there
    if dependencies or (not tests and facts.stamp.source != facts.source):
        steps.append(
            InstallBackend(
                facts.environment,
                facts.checkout,
                dependencies,
                wishes.index,
                editable=tests,
                extras=TEST_EXTRAS if tests else (),
                also=TEST_PACKAGES if tests else (),
            )
        )
    return tuple(steps)


def plan_install(facts: Facts, wishes: Wishes) -> tuple[Step, ...]:
    """Environment, record, and the plugin in every editor that this source has one for."""
    install = Install(
        python=str(facts.environment.python), home=str(facts.home.path), version=facts.version
    )
    steps: list[Step] = [*plan_environment(facts, wishes)]
    steps.append(RecordInstall(facts.home.install_record, install))
    for editor in facts.editors:
        if editor.kind in facts.plugins:
            steps.append(PutPlugin(editor, facts.checkout, install))
            if editor.kritarc is not None:
                steps.append(EnableInKrita(editor.kritarc))
    if Kind.KRITA in facts.plugins:
        steps.append(WriteBundle(facts.checkout, facts.home.path / FILE_NAME))
    return tuple(steps)


# What Scumble itself makes in its folders, which somebody may have chosen where other things lie.
LOGS = ("daemon.log", "daemon.log.1")
MODELS = ("registry.*", ".registry-*", "downloads", "files", "loras", "previews")
# SQLite's companions too, and what was put aside because it was damaged
HISTORY = (
    *(name + end for name in ("journal.sqlite", "store") for end in ("", ".broken-*")),
    *(name + end for name in ("journal.sqlite-wal", "journal.sqlite-shm") for end in ("", ".*")),
)


def plan_uninstall(
    home: Home, made: Collection[Undo], keep_models: bool, keep_history: bool
) -> tuple[Undo, ...]:
    """What takes everything away again, the last that was made first.

    Models and history (the journal and its pictures) are the artist's; they go
    only where they are not kept.
    """
    undos: list[Undo] = list(reversed(tuple(made)))
    undos += (Remove(str(path)) for path in (home.connection_file, home.lock_file))
    places: list[tuple[Path, tuple[str, ...]]] = [(home.log_file.parent, LOGS)]
    if not keep_models:
        places.append((home.models_dir, MODELS))
    if not keep_history:
        places.append((home.path, HISTORY))
    for folder, patterns in places:
        found = sorted({path for pattern in patterns for path in folder.glob(pattern)})
        undos += (Remove(str(path), (str(folder),)) for path in found)
    return tuple(undos)
