"""The zip for Krita's importer: its layout, and Krita's own importer on it."""

from __future__ import annotations

import builtins
import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from installer.bundle import FILE_NAME, write_bundle
from installer.checkout import Checkout
from installer.editors import Kind
from installer.facts import ROOT
from installer.plugins import plugin_files

# Debian's krita package; its logic is plain Python and runs outside of Krita
IMPORTER = Path("/usr/share/krita/pykrita/plugin_importer/plugin_importer.py")


def test_folders_stand_in_the_zip_as_entries_of_their_own(
    checkout: Checkout, tmp_path: Path
) -> None:
    write_bundle(checkout, tmp_path / FILE_NAME)
    with zipfile.ZipFile(tmp_path / FILE_NAME) as archive:
        assert archive.namelist() == [
            "scumble.action",
            "scumble.desktop",
            "scumble/",
            "scumble/Manual.html",
            "scumble/__init__.py",
            "scumble/link/",
            "scumble/link/__init__.py",
            "scumble/link/values.py",
        ]


def test_the_same_source_gives_the_same_bytes(checkout: Checkout, tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_bundle(checkout, tmp_path / name / FILE_NAME)
    assert (tmp_path / "a" / FILE_NAME).read_bytes() == (tmp_path / "b" / FILE_NAME).read_bytes()
    assert [path.name for path in (tmp_path / "a").iterdir()] == [FILE_NAME]


@pytest.fixture
def importer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    if not IMPORTER.is_file():
        pytest.skip("NOT TESTED: no Krita with its plugin importer on this computer")
    # Krita puts its translation function there
    monkeypatch.setattr(builtins, "i18n", str, raising=False)
    spec = importlib.util.spec_from_file_location("krita_plugin_importer", IMPORTER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.krita
def test_krita_s_own_importer_puts_every_file_where_install_does(
    importer: ModuleType, tmp_path: Path
) -> None:
    write_bundle(Checkout(ROOT), tmp_path / FILE_NAME)
    resources = tmp_path / "resources"
    resources.mkdir()
    imported = importer.PluginImporter(
        str(tmp_path / FILE_NAME), str(resources), lambda plugin: False
    ).import_all()
    assert [plugin["name"] for plugin in imported] == ["scumble"]
    expected = {
        file.target.as_posix(): file.source.read_bytes()
        for file in plugin_files(Checkout(ROOT), Kind.KRITA)
    }
    found = {
        path.relative_to(resources).as_posix(): path.read_bytes()
        for path in resources.rglob("*")
        if path.is_file()
    }
    assert found == expected
