"""From facts to steps: what is there already is not done again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from installer.bundle import FILE_NAME
from installer.checkout import Checkout
from installer.editors import Editor, Kind
from installer.environment import Environment, Stamp
from installer.plan import Facts, Wishes, plan_environment, plan_install, plan_uninstall
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
from installer.undo import Remove, RestoreSwitch
from plugin.link.home import Home

HOME = Home(Path("/home/ann/.local/share/scumble"))
KRITA = Editor(Kind.KRITA, "native", Path("/k"), Path("/kritarc"))
FLATPAK = Editor(Kind.KRITA, "Flatpak", Path("/f"), Path("/f/kritarc"))
GIMP = Editor(Kind.GIMP, "native", Path("/g/3.0"))

GOOD = Facts(
    home=HOME,
    checkout=Checkout(Path("/source")),
    version="0.1.0",
    dependencies="d1",
    source="s1",
    platform="linux",
    machine="x86_64",
    card=None,
    environment=Environment(HOME.environment_dir),
    works=True,
    stamp=Stamp(dependencies="d1", source="s1"),
)


def kinds(steps: tuple[Step, ...]) -> list[type]:
    return [type(step) for step in steps]


ALL = [MakeEnvironment, InstallTorch, InstallBackend]


@pytest.mark.parametrize(
    ("facts", "wishes", "expected"),
    [
        (GOOD, Wishes(), []),
        (replace(GOOD, works=False, stamp=Stamp()), Wishes(), ALL),
        (GOOD, Wishes(fresh=True), ALL),
        (replace(GOOD, dependencies="d2"), Wishes(), ALL[1:]),
        (replace(GOOD, stamp=Stamp(torch="torch==2.13.0")), Wishes(), ALL[1:]),
        (replace(GOOD, source="s2"), Wishes(), [InstallBackend]),
    ],
    ids=["good", "missing", "fresh", "pins changed", "broke off half-way", "source changed"],
)
def test_the_environment_gets_what_it_lacks_and_no_more(
    facts: Facts, wishes: Wishes, expected: list[type]
) -> None:
    assert kinds(plan_environment(facts, wishes)) == expected


def test_when_only_the_source_changed_its_packages_are_left_alone() -> None:
    (step,) = plan_environment(replace(GOOD, source="s2"), Wishes())
    assert isinstance(step, InstallBackend)
    assert not step.dependencies


def test_an_environment_for_tests_runs_the_tree_and_is_not_renewed_with_it() -> None:
    assert plan_environment(replace(GOOD, source="s2"), Wishes(), tests=True) == ()
    steps = plan_environment(replace(GOOD, dependencies="d2"), Wishes(), tests=True)
    backend = steps[-1]
    assert isinstance(backend, InstallBackend)
    assert backend.editable
    assert backend.extras == ("test",)


def test_the_index_that_the_user_names_reaches_pip() -> None:
    wishes = Wishes(index="https://a.example", torch_index="https://b.example")
    _, torch, backend = plan_environment(replace(GOOD, works=False), wishes)
    assert isinstance(torch, InstallTorch)
    assert isinstance(backend, InstallBackend)
    assert (torch.index, torch.torch_index) == ("https://a.example", "https://b.example")
    assert backend.index == "https://a.example"


def test_every_krita_gets_the_plugin_and_is_turned_on() -> None:
    steps = plan_install(replace(GOOD, editors=(KRITA, FLATPAK)), Wishes())
    assert kinds(steps) == [
        RecordInstall,
        PutPlugin,
        EnableInKrita,
        PutPlugin,
        EnableInKrita,
        WriteBundle,
    ]
    assert isinstance(steps[-1], WriteBundle)
    assert steps[-1].path == HOME.path / FILE_NAME


def test_gimp_gets_the_plugin_and_has_nothing_to_turn_on() -> None:
    steps = plan_install(replace(GOOD, editors=(GIMP,)), Wishes())
    assert kinds(steps) == [RecordInstall, PutPlugin, WriteBundle]


def test_an_editor_that_this_source_has_no_plugin_for_is_left_alone() -> None:
    facts = replace(GOOD, editors=(KRITA, GIMP), plugins=frozenset({Kind.KRITA}))
    put = [step for step in plan_install(facts, Wishes()) if isinstance(step, PutPlugin)]
    assert [step.editor for step in put] == [KRITA]


def test_editors_are_told_of_the_environment_s_python() -> None:
    record = plan_install(GOOD, Wishes())[0]
    assert isinstance(record, RecordInstall)
    assert record.install.python == str(GOOD.environment.python)
    assert record.install.home == str(HOME.path)


MADE = (
    Remove("/env"),
    Remove("/k/pykrita/scumble", ("/k/pykrita",)),
    RestoreSwitch("/kritarc", None, False, True),
)


def paths(keep_models: bool, keep_history: bool, home: Home = HOME) -> list[str]:
    return [undo.path for undo in plan_uninstall(home, MADE, keep_models, keep_history)]


def test_uninstalling_takes_back_the_last_step_first() -> None:
    assert paths(True, True)[:3] == ["/kritarc", "/k/pykrita/scumble", "/env"]


def test_models_and_history_go_only_when_they_are_not_kept(tmp_path: Path) -> None:
    home = Home(tmp_path)
    journal = [home.journal_file.name + end for end in ("", "-wal", ".broken-17", "-shm.broken-17")]
    history = {str(tmp_path / name) for name in (*journal, "store", "store.broken-17")}
    names = ("registry.json", "registry.json.lock", "registry.broken.json", "loras", "downloads")
    models = {str(home.models_dir / name) for name in names}
    for name in (*history, *models):
        Path(name).mkdir(parents=True)
    assert not {*models, *history} & set(paths(True, True, home))
    assert models <= set(paths(False, True, home))
    assert not history & set(paths(False, True, home))
    assert history <= set(paths(True, False, home))


def test_what_lies_beside_scumble_in_a_chosen_folder_stays(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.log_file.parent.mkdir()
    home.log_file.touch()
    (home.models_dir / "files").mkdir(parents=True)
    strangers = ("store-photos", "stores", "logs/mine.txt", "models/mine.safetensors")
    for name in (*strangers, "journal.sqlite.txt"):
        (tmp_path / name).touch()
    undos = plan_uninstall(home, (), keep_models=False, keep_history=False)
    assert str(home.log_file) in [undo.path for undo in undos]
    for undo in undos:
        undo.apply()
    left = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert left == {*strangers, "journal.sqlite.txt"}
    for name in strangers[2:]:
        (tmp_path / name).unlink()
    (home.models_dir / "files").mkdir()
    for undo in undos:
        undo.apply()
    assert not home.models_dir.exists()  # nothing was left in it
