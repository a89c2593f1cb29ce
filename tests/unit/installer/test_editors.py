"""Where editors are looked for, on trees of folders as each system has them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from installer.editors import Kind, System, find_editors

NOBODY: Callable[[str], str | None] = lambda name: None  # noqa: E731


def make(folder: Path, *paths: str) -> None:
    """Folders, and files where a path has an ending after its last dot that is no version."""
    for name in paths:
        path = folder / name
        if name.endswith((".exe", ".AppImage", ".appimage", "kritarc")):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
        else:
            path.mkdir(parents=True, exist_ok=True)


def found(system: System) -> dict[str, Path]:
    return {editor.title: editor.resources for editor in find_editors(system)}


def linux(tmp: Path, programs: tuple[str, ...] = (), **environ: str) -> System:
    return System(
        {"HOME": str(tmp / "home"), **environ},
        "linux",
        tmp / "root",
        lambda name: f"/usr/bin/{name}" if name in programs else None,
    )


def windows(tmp: Path) -> System:
    return System(
        {
            "USERPROFILE": str(tmp / "user"),
            "APPDATA": str(tmp / "user/AppData/Roaming"),
            "LOCALAPPDATA": str(tmp / "user/AppData/Local"),
            "ProgramFiles": str(tmp / "Program Files"),
        },
        "win32",
        tmp,
        NOBODY,
    )


def macos(tmp: Path) -> System:
    return System({"HOME": str(tmp / "home")}, "darwin", tmp / "root", NOBODY)


def test_an_empty_computer_has_no_editor(tmp_path: Path) -> None:
    for system in (linux(tmp_path), windows(tmp_path), macos(tmp_path)):
        assert found(system) == {}


def test_linux_krita_by_its_program_before_it_was_ever_started(tmp_path: Path) -> None:
    editors = find_editors(linux(tmp_path, ("krita",)))
    assert [editor.title for editor in editors] == ["Krita (native)"]
    assert editors[0].resources == tmp_path / "home/.local/share/krita"
    assert editors[0].kritarc == tmp_path / "home/.config/kritarc"


def test_linux_krita_by_its_folder(tmp_path: Path) -> None:
    make(tmp_path / "home", ".local/share/krita")
    assert found(linux(tmp_path)) == {"Krita (native)": tmp_path / "home/.local/share/krita"}


def test_linux_folders_follow_the_xdg_variables(tmp_path: Path) -> None:
    system = linux(
        tmp_path,
        ("krita",),
        XDG_DATA_HOME=str(tmp_path / "d"),
        XDG_CONFIG_HOME=str(tmp_path / "c"),
    )
    make(tmp_path, "c/GIMP/3.0")
    editors = {editor.kind: editor for editor in find_editors(system)}
    assert editors[Kind.KRITA].resources == tmp_path / "d/krita"
    assert editors[Kind.KRITA].kritarc == tmp_path / "c/kritarc"
    assert editors[Kind.GIMP].resources == tmp_path / "c/GIMP/3.0"


@pytest.mark.parametrize(
    "name", ["Applications/krita-5.2.9-x86_64.appimage", "Downloads/Krita-6.0.AppImage"]
)
def test_linux_krita_as_an_appimage_uses_the_native_folders(tmp_path: Path, name: str) -> None:
    make(tmp_path / "home", name)
    assert found(linux(tmp_path)) == {"Krita (AppImage)": tmp_path / "home/.local/share/krita"}


def test_linux_krita_appimage_for_all_users(tmp_path: Path) -> None:
    make(tmp_path / "root", "opt/krita-5.2.9.appimage")
    assert list(found(linux(tmp_path))) == ["Krita (AppImage)"]


@pytest.mark.parametrize(
    "sign",
    [
        "home/.var/app/org.kde.krita",
        "root/var/lib/flatpak/app/org.kde.krita",
        "home/.local/share/flatpak/app/org.kde.krita",
    ],
)
def test_linux_krita_as_a_flatpak_keeps_all_in_its_sandbox(tmp_path: Path, sign: str) -> None:
    make(tmp_path, sign)
    editors = find_editors(linux(tmp_path))
    sandbox = tmp_path / "home/.var/app/org.kde.krita"
    assert [editor.title for editor in editors] == ["Krita (Flatpak)"]
    assert editors[0].resources == sandbox / "data/krita"
    assert editors[0].kritarc == sandbox / "config/kritarc"


def test_native_krita_and_flatpak_side_by_side(tmp_path: Path) -> None:
    make(tmp_path / "home", ".var/app/org.kde.krita")
    titles = list(found(linux(tmp_path, ("krita",))))
    assert titles == ["Krita (native)", "Krita (Flatpak)"]


def test_linux_gimp_each_version_3_has_a_folder_and_version_2_is_left_alone(tmp_path: Path) -> None:
    make(tmp_path / "home", ".config/GIMP/2.10", ".config/GIMP/3.0")
    make(tmp_path / "root", "usr/share/gimp/3.2", "usr/share/gimp/2.0")
    base = tmp_path / "home/.config/GIMP"
    assert found(linux(tmp_path)) == {
        "GIMP 3.0 (native)": base / "3.0",
        "GIMP 3.2 (native)": base / "3.2",
    }


def test_linux_gimp_as_a_flatpak_before_and_after_its_first_start(tmp_path: Path) -> None:
    files = "root/var/lib/flatpak/app/org.gimp.GIMP/current/active/files"
    make(tmp_path, f"{files}/share/gimp/3.0")
    sandbox = tmp_path / "home/.var/app/org.gimp.GIMP/config/GIMP"
    assert found(linux(tmp_path)) == {"GIMP 3.0 (Flatpak)": sandbox / "3.0"}
    make(sandbox, "3.2")
    assert list(found(linux(tmp_path))) == ["GIMP 3.0 (Flatpak)", "GIMP 3.2 (Flatpak)"]


def test_linux_gimp_as_an_appimage(tmp_path: Path) -> None:
    make(tmp_path / "home", "Applications/GIMP-3.0.4-x86_64.AppImage")
    assert found(linux(tmp_path)) == {"GIMP 3.0 (AppImage)": tmp_path / "home/.config/GIMP/3.0"}


@pytest.mark.parametrize(
    "sign", ["Program Files/Krita (x64)/bin/krita.exe", "user/AppData/Roaming/krita"]
)
def test_windows_krita(tmp_path: Path, sign: str) -> None:
    make(tmp_path, sign)
    editors = find_editors(windows(tmp_path))
    assert [editor.title for editor in editors] == ["Krita (native)"]
    assert editors[0].resources == tmp_path / "user/AppData/Roaming/krita"
    assert editors[0].kritarc == tmp_path / "user/AppData/Local/kritarc"


def test_windows_krita_from_the_store_keeps_all_in_its_package(tmp_path: Path) -> None:
    package = "user/AppData/Local/Packages/49800Krita_7zbn0p2q1ccn2/LocalCache"
    make(tmp_path, package)
    editors = find_editors(windows(tmp_path))
    assert [editor.title for editor in editors] == ["Krita (Microsoft Store)"]
    assert editors[0].resources == tmp_path / package / "Roaming/krita"
    assert editors[0].kritarc == tmp_path / package / "Local/kritarc"


@pytest.mark.parametrize(
    "sign",
    [
        "Program Files/GIMP 3/share/gimp/3.0",
        "user/AppData/Local/Programs/GIMP 3/share/gimp/3.0",
        "user/AppData/Roaming/GIMP/3.0",
    ],
)
def test_windows_gimp(tmp_path: Path, sign: str) -> None:
    make(tmp_path, sign)
    expected = tmp_path / "user/AppData/Roaming/GIMP/3.0"
    assert found(windows(tmp_path)) == {"GIMP 3.0 (native)": expected}


@pytest.mark.parametrize(
    "sign", ["root/Applications/krita.app", "home/Library/Application Support/krita"]
)
def test_macos_krita(tmp_path: Path, sign: str) -> None:
    make(tmp_path, sign)
    editors = find_editors(macos(tmp_path))
    assert [editor.title for editor in editors] == ["Krita (native)"]
    assert editors[0].resources == tmp_path / "home/Library/Application Support/krita"
    assert editors[0].kritarc == tmp_path / "home/Library/Preferences/kritarc"


@pytest.mark.parametrize(
    "sign",
    [
        "root/Applications/GIMP.app/Contents/Resources/share/gimp/3.0",
        "home/Library/Application Support/GIMP/3.0",
    ],
)
def test_macos_gimp(tmp_path: Path, sign: str) -> None:
    make(tmp_path, sign)
    expected = tmp_path / "home/Library/Application Support/GIMP/3.0"
    assert found(macos(tmp_path)) == {"GIMP 3.0 (native)": expected}


def test_a_resource_folder_that_the_artist_moved_is_followed(tmp_path: Path) -> None:
    moved = tmp_path / "my brushes"
    make(tmp_path, "my brushes", "home/.config/kritarc")
    kritarc = tmp_path / "home/.config/kritarc"
    kritarc.write_text(f"ResourceDirectory={moved}\n[General]\nResourceDirectory=/elsewhere\n")
    assert found(linux(tmp_path, ("krita",))) == {"Krita (native)": moved}
    moved.rmdir()
    usual = tmp_path / "home/.local/share/krita"
    assert found(linux(tmp_path, ("krita",))) == {"Krita (native)": usual}
