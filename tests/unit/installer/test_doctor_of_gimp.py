"""What doctor says of a plug-in that GIMP would leave out; real GIMPs in tests/editors."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from installer import gimp
from installer.editors import Editor, Kind
from installer.gimp import python_fails, why_hidden


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Editor:
    """A GIMP in which all is well, and whose Python has its bindings."""
    entry = tmp_path / "plug-ins" / "scumble" / "scumble.py"
    entry.parent.mkdir(parents=True)
    entry.write_text("#!/usr/bin/env python3\n")
    entry.chmod(0o755)
    monkeypatch.setattr(gimp, "python_fails", lambda: "")
    return Editor(Kind.GIMP, "native", tmp_path)


def said(editor: Editor) -> list[str]:
    return [f"{what} {remedy}" for what, remedy in why_hidden(editor)]


def test_nothing_is_said_where_nothing_is_wrong(editor: Editor) -> None:
    assert said(editor) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no run bit")
def test_a_missing_run_bit(editor: Editor) -> None:
    (editor.resources / "plug-ins/scumble/scumble.py").chmod(0o644)
    assert len(said(editor)) == 1
    assert "may not be run as a program" in said(editor)[0]


def test_a_folder_of_another_name(editor: Editor) -> None:
    folder = editor.resources / "plug-ins/scumble"
    folder.rename(folder.with_name("scumble-main"))
    assert "scumble-main" in said(editor)[0]
    assert "named like its folder" in said(editor)[0]


def test_settings_that_name_other_folders(editor: Editor) -> None:
    gimprc = editor.resources / "gimprc"
    gimprc.write_text('(theme "Default")\n(plug-in-path "${gimp_plug_in_dir}/plug-ins")\n')
    assert "elsewhere" in said(editor)[0]
    for named in ("${gimp_dir}", str(editor.resources).replace("\\", "\\\\")):
        folders = os.pathsep.join(["${gimp_plug_in_dir}/plug-ins", f"{named}/plug-ins"])
        gimprc.write_text(f'(plug-in-path "{folders}")\n')
        assert said(editor) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere GIMP brings its own Python")
def test_a_python_without_the_bindings(editor: Editor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gimp, "python_fails", lambda: "No module named 'gi'")
    assert "No module named 'gi'" in said(editor)[0]
    assert "python3-gi" in said(editor)[0]


def test_a_list_of_plug_ins_without_ours_counts_when_it_is_newer(editor: Editor) -> None:
    entry = editor.resources / "plug-ins/scumble/scumble.py"
    pluginrc = editor.resources / "pluginrc"
    pluginrc.write_bytes(b'(plug-in-def "${gimp_dir}/plug-ins/other/other.py" 1)\x89')
    os.utime(pluginrc, (1000, 1000))
    assert said(editor) == [], "GIMP was not started since"
    os.utime(entry, (500, 500))
    assert "got no answer" in said(editor)[0]
    pluginrc.write_bytes(b'(plug-in-def "${gimp_dir}/plug-ins/scumble/scumble.py" 500)')
    assert said(editor) == []


@pytest.mark.parametrize("between", ["/", "\\", "\\\\"])
def test_a_list_of_plug_ins_is_read_as_any_system_writes_it(editor: Editor, between: str) -> None:
    path = between.join(["${gimp_dir}", "plug-ins", "scumble", "scumble.py"])
    pluginrc = editor.resources / "pluginrc"
    pluginrc.write_text(f'(plug-in-def "{path}" 500)')
    os.utime(editor.resources / "plug-ins/scumble/scumble.py", (500, 500))
    assert said(editor) == []


def test_why_a_python_is_of_no_use() -> None:
    assert python_fails(["no-such-python"]) == "there is none"
    assert python_fails([sys.executable, "-c", "raise SystemExit('no bindings.')"]) == "no bindings"
