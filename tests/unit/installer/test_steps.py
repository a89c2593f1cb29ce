"""Each step does its work, may be done again, and is taken back without a trace."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from installer.carry_out import do_steps, undo_all
from installer.checkout import Checkout
from installer.doctor import differences
from installer.editors import Editor, Kind
from installer.failure import InstallError
from installer.progress import Display, Task
from installer.steps import EnableInKrita, PutPlugin, RecordInstall, Step, WriteBundle
from installer.undo import Record, Remove, RestoreSwitch, Undo
from plugin.link.home import Home, Install, find_install, read_install

Tree = dict[str, bytes | None]


def tree(folder: Path) -> Tree:
    """Every folder and file below, with what is in it."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def install(home: Path) -> Install:
    return Install(sys.executable, str(home / "data"), "1.2.3")


def steps(checkout: Checkout, home: Path) -> dict[str, Step]:
    krita = Editor(Kind.KRITA, "native", home / "share" / "krita", home / "config" / "kritarc")
    gimp = Editor(Kind.GIMP, "native", home / "config" / "GIMP" / "3.0")
    assert krita.kritarc is not None
    return {
        "krita": PutPlugin(krita, checkout, install(home)),
        "gimp": PutPlugin(gimp, checkout, install(home)),
        "enable": EnableInKrita(krita.kritarc),
        "record": RecordInstall(home / "data" / "install.json", install(home)),
        "bundle": WriteBundle(checkout, home / "data" / "scumble-krita.zip"),
    }


NAMES = ("krita", "gimp", "enable", "record", "bundle")


def take_back(undos: Iterable[Undo]) -> None:
    for undo in reversed(list(undos)):
        undo.apply()


@pytest.mark.parametrize("name", NAMES)
def test_undo_leaves_no_trace(checkout: Checkout, tmp_path: Path, name: str, task: Task) -> None:
    home = tmp_path / "home"
    home.mkdir()
    undos = steps(checkout, home)[name].do(task)
    assert tree(home)
    take_back(undos)
    assert tree(home) == {}


@pytest.mark.parametrize("name", NAMES)
def test_undo_leaves_what_others_put_there(
    checkout: Checkout, tmp_path: Path, name: str, task: Task
) -> None:
    home = tmp_path / "home"
    for path, text in {
        "share/krita/pykrita/other/__init__.py": "x",
        "share/krita/actions/other.action": "x",
        "config/kritarc": "[python]\nenable_other=true\n",
        "config/GIMP/3.0/plug-ins/other/other.py": "x",
        "config/GIMP/3.0/scumble/client-id": "gimp-of an earlier plugin",
        "data/models/mine.safetensors": "x",
    }.items():
        (home / path).parent.mkdir(parents=True, exist_ok=True)
        (home / path).write_text(text)
    before = tree(home)
    undos = steps(checkout, home)[name].do(task)
    assert tree(home) != before
    take_back(undos)
    assert tree(home) == before


@pytest.mark.parametrize("name", NAMES)
def test_a_step_may_be_done_again(
    checkout: Checkout, tmp_path: Path, name: str, task: Task
) -> None:
    step = steps(checkout, tmp_path / "home")[name]
    step.do(task)
    once = tree(tmp_path / "home")
    step.do(task)
    assert tree(tmp_path / "home") == once


def test_krita_gets_the_module_with_link_inside_and_what_lies_beside_it(
    checkout: Checkout, tmp_path: Path, task: Task
) -> None:
    home = tmp_path / "home"
    steps(checkout, home)["krita"].do(task)
    files = {name for name, data in tree(home / "share/krita").items() if data is not None}
    assert files == {
        "actions/scumble.action",
        "pykrita/scumble.desktop",
        "pykrita/scumble/Manual.html",
        "pykrita/scumble/__init__.py",
        "pykrita/scumble/install.json",
        "pykrita/scumble/link/__init__.py",
        "pykrita/scumble/link/values.py",
    }
    record = find_install(home / "share/krita/pykrita/scumble", Home(tmp_path / "nowhere"))
    assert record == install(home)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no run bit")
def test_gimp_may_run_the_plugin_s_file(checkout: Checkout, tmp_path: Path, task: Task) -> None:
    steps(checkout, tmp_path)["gimp"].do(task)
    folder = tmp_path / "config/GIMP/3.0/plug-ins/scumble"
    assert os.access(folder / "scumble.py", os.X_OK)
    assert not os.access(folder / "link" / "values.py", os.X_OK)
    gimp = Editor(Kind.GIMP, "native", tmp_path / "config" / "GIMP" / "3.0")
    assert differences(checkout, gimp) == []
    (folder / "scumble.py").chmod(0o644)
    assert differences(checkout, gimp) == ["plug-ins/scumble/scumble.py"]


def test_a_file_that_is_gone_from_the_source_goes_from_the_editor(
    checkout: Checkout, tmp_path: Path, task: Task
) -> None:
    step = steps(checkout, tmp_path)["krita"]
    step.do(task)
    (checkout.root / "plugin/krita/Manual.html").unlink()
    step.do(task)
    assert not (tmp_path / "share/krita/pykrita/scumble/Manual.html").exists()


def test_the_record_keeps_how_it_was_before_the_first_time(
    checkout: Checkout, tmp_path: Path, task: Task
) -> None:
    record = Record(tmp_path / "installed.json")
    kritarc = tmp_path / "kritarc"
    kritarc.write_text("[python]\nenable_scumble=false\n")
    for undo in EnableInKrita(kritarc).do(task):
        record.add(undo)
    kritarc.write_text("[python]\n")  # the artist threw the line away
    for undo in EnableInKrita(kritarc).do(task):
        record.add(undo)
    assert record.load() == (RestoreSwitch(str(kritarc), "false", True, False),)


def test_the_record_survives_being_written_and_read(tmp_path: Path) -> None:
    record = Record(tmp_path / "data" / "installed.json")
    undos = (Remove("/a", ("/b", "/c")), RestoreSwitch("/d", None, False, True))
    for undo in undos:
        record.add(undo)
    assert Record(record.path).load() == undos
    for undo in undos:
        record.forget(undo)
    assert not record.path.exists()


def test_a_broken_record_is_said_and_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "installed.json"
    path.write_text("{")
    with pytest.raises(InstallError):
        Record(path).add(Remove("/a"))
    assert path.read_text() == "{"


def quiet(tmp_path: Path) -> Display:
    return Display((tmp_path / "shown.txt").open("w", encoding="utf-8"))


def test_when_a_step_fails_the_plugin_is_taken_back(checkout: Checkout, tmp_path: Path) -> None:
    home = tmp_path / "home"
    known = steps(checkout, home)
    record = Record(tmp_path / "installed.json")
    (home / "config").mkdir(parents=True)
    (home / "config" / "kritarc").mkdir()  # a folder where a file should be
    before = tree(home)
    with pytest.raises(InstallError):
        do_steps([known["krita"], known["gimp"], known["enable"]], record, quiet(tmp_path))
    assert tree(home) == before
    assert record.load() == ()


def test_what_an_earlier_run_made_stays_when_a_later_one_fails(
    checkout: Checkout, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    known = steps(checkout, home)
    record = Record(tmp_path / "installed.json")
    do_steps([known["krita"]], record, quiet(tmp_path))
    (home / "config" / "kritarc").mkdir(parents=True)
    with pytest.raises(InstallError):
        do_steps([known["krita"], known["enable"]], record, quiet(tmp_path))
    assert (home / "share/krita/pykrita/scumble/__init__.py").exists()


def test_everything_done_and_undone_leaves_the_home_as_it_was(
    checkout: Checkout, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config" / "kritarc").write_bytes(b"[General]\r\nx=\xff\r\n")
    before = tree(home)
    record = Record(home / "data" / "installed.json")
    display = quiet(tmp_path)
    do_steps(steps(checkout, home).values(), record, display)
    do_steps(steps(checkout, home).values(), record, display)
    undo_all(tuple(reversed(record.load())), record, display)
    after = {name: data for name, data in tree(home).items() if name != "data"}
    assert after == before


def test_the_install_record_is_what_editors_read(
    checkout: Checkout, tmp_path: Path, task: Task
) -> None:
    steps(checkout, tmp_path)["record"].do(task)
    assert read_install(Home(tmp_path / "data")) == install(tmp_path)
    assert set(json.loads((tmp_path / "data/install.json").read_text())) == {
        "python",
        "home",
        "version",
    }
