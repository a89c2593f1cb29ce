"""What keeps a real GIMP from showing the plug-in, and whether doctor says it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from debian import ALWAYS, REQUIRED, Folder, display
from gimp_harness import Gimp

from installer import gimp as reasons
from installer.editors import Editor, Kind

look_at_python = reasons.python_fails

pytestmark = [pytest.mark.gimp, pytest.mark.slow, pytest.mark.timeout(200)]


@pytest.fixture(scope="module")
def gimp(tmp_path_factory: pytest.TempPathFactory) -> Gimp:
    reason = Folder(ALWAYS).missing()
    if reason and REQUIRED:
        pytest.fail(f"GIMP must be tested here: {reason}")
    if reason:
        pytest.skip(f"GIMP WAS NOT TESTED: {reason}")
    folder = tmp_path_factory.mktemp("gimp")
    made = Gimp(ALWAYS, folder / "gimp", folder / "home")
    made.daemon_home.mkdir()
    made.install()
    return made


@pytest.fixture(autouse=True)
def the_folders_python(gimp: Gimp, monkeypatch: pytest.MonkeyPatch) -> None:
    """Doctor looks at the Python that this GIMP has: the one inside the folder."""
    command = ("chroot", str(gimp.folder.root), "/usr/bin/python3")
    monkeypatch.setattr(reasons, "python_fails", lambda: look_at_python(command))


def shows(gimp: Gimp, path: str = "/usr/bin:/bin") -> bool:
    """Whether a GIMP that is started now offers the plug-in."""
    words = ["-i", "-d", "-f", "--batch-interpreter=plug-in-script-fu-eval", "-b", "(gimp-quit 1)"]
    with display() as screen, gimp.program(screen, "gimp", *words, PATH=path) as process:
        process.wait(90)
    return b'proc-def "scumble-fill"' in (gimp.plugins.parent / "pluginrc").read_bytes()


def doctor(gimp: Gimp) -> str:
    editor = Editor(Kind.GIMP, "native", gimp.plugins.parent)
    return "\n".join(f"{what} {remedy}" for what, remedy in reasons.why_hidden(editor))


@pytest.fixture
def entry(gimp: Gimp) -> Iterator[Path]:
    """The file that GIMP starts; as it was, and newer, after the test."""
    path = gimp.plugins / "scumble" / "scumble.py"
    yield path
    path.chmod(0o755)
    os.utime(path)


def test_all_is_well_and_nothing_is_said(gimp: Gimp, entry: Path) -> None:
    assert doctor(gimp) == "", "before GIMP was started"
    assert shows(gimp)
    assert doctor(gimp) == ""


def test_without_its_run_bit(gimp: Gimp, entry: Path) -> None:
    entry.chmod(0o644)
    assert not shows(gimp)
    assert "may not be run as a program" in doctor(gimp)


def test_in_a_folder_of_another_name(gimp: Gimp, entry: Path) -> None:
    folder = entry.parent
    other = folder.rename(folder.with_name("scumble-main"))
    try:
        assert not shows(gimp)
        assert f"{other / 'scumble.py'} is not seen" in doctor(gimp)
    finally:
        other.rename(folder)


def test_where_its_settings_name_other_folders(gimp: Gimp, entry: Path) -> None:
    gimprc = gimp.plugins.parent / "gimprc"
    usual = gimprc.read_text()
    gimprc.write_text(usual + '(plug-in-path "${gimp_plug_in_dir}/plug-ins")\n')
    try:
        assert not shows(gimp)
        assert f"look for plug-ins elsewhere than in {gimp.plugins}" in doctor(gimp)
        own = '(plug-in-path "${gimp_dir}/plug-ins:${gimp_plug_in_dir}/plug-ins")\n'
        gimprc.write_text(usual + own)
        assert shows(gimp)
        assert doctor(gimp) == ""
    finally:
        gimprc.write_text(usual)


def test_with_a_python_that_has_no_bindings(
    gimp: Gimp, entry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = gimp.home / "bare"
    bare.mkdir()
    (bare / "python3").symlink_to("/bin/false")
    assert not shows(gimp, f"{bare}:/usr/bin:/bin")
    monkeypatch.setattr(reasons, "python_fails", lambda: look_at_python(["/bin/false"]))
    assert "The system's python3 cannot start plug-ins of GIMP" in doctor(gimp)


def test_when_it_gives_no_answer_and_that_gimp_does_not_remember_it(
    gimp: Gimp, entry: Path
) -> None:
    broken = entry.parent / "scumble_gimp" / "procedures.py"
    text = broken.read_text()
    broken.write_text("raise SystemExit(3)\n")
    os.utime(entry, (1, 1))
    try:
        assert not shows(gimp)
        assert "got no answer" in doctor(gimp)
    finally:
        broken.write_text(text)
    assert shows(gimp), "pluginrc need not be deleted: what failed is asked again"
