"""install, doctor, update and uninstall as a user runs them, on a home folder made for the test.

The environment's packages are those that run this test: building one anew is
what `python3 installer test` did before it came here.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from installer.checkout import Checkout
from installer.environment import Environment, Stamp
from installer.facts import ROOT
from plugin.link.client import call
from plugin.link.errors import ScumbleError
from plugin.link.home import Home, read_install

SECONDS = 240.0

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the home folder is Linux's")


class Computer:
    """A home folder with a Krita that was started once, and the installer to run on it."""

    def __init__(self, folder: Path) -> None:
        self.user = folder / "user"
        self.home = Home(self.user / ".local" / "share" / "scumble")
        self.resources = self.user / ".local" / "share" / "krita"
        self.kritarc = self.user / ".config" / "kritarc"
        self.resources.mkdir(parents=True)
        self.kritarc.parent.mkdir(parents=True)
        self.kritarc.write_text("[General]\nname=value\n")
        drop = ("SCUMBLE_HOME", "SCUMBLE_PYTHON", "XDG_DATA_HOME", "XDG_CONFIG_HOME")
        self.environ = {name: v for name, v in os.environ.items() if name not in drop}
        self.environ |= {"HOME": str(self.user), "SCUMBLE_ENGINE": "fake"}

    @property
    def module(self) -> Path:
        return self.resources / "pykrita" / "scumble"

    def lend_environment(self) -> None:
        """An environment that looks freshly installed, with this test's own packages in it."""
        environment = Environment(self.home.environment_dir)
        venv.create(environment.folder, symlinks=True)
        scheme = {"base": str(environment.folder), "platbase": str(environment.folder)}
        site = Path(sysconfig.get_path("purelib", vars=scheme))
        packages = sysconfig.get_path("purelib")
        (site / "lent.pth").write_text(f"import site; site.addsitedir({packages!r})\n")
        checkout = Checkout(ROOT)
        environment.write_stamp(
            Stamp(checkout.dependencies_fingerprint(), checkout.source_fingerprint())
        )

    def run(self, *arguments: str, typed: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, str(ROOT / "installer"), *arguments],
            env=self.environ,
            cwd=self.user,
            input=typed,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )

    def files(self) -> dict[str, bytes]:
        return {
            path.relative_to(self.user).as_posix(): path.read_bytes()
            for path in sorted(self.user.rglob("*"))
            if path.is_file()
        }


@pytest.fixture
def computer(tmp_path: Path) -> Iterator[Computer]:
    made = Computer(tmp_path)
    yield made
    with contextlib.suppress(ScumbleError):  # none was started, or it is gone with the rest
        call(made.home, "shutdown", start=False)


@pytest.fixture
def installed(computer: Computer) -> Computer:
    computer.lend_environment()
    done = computer.run("install")
    assert done.returncode == 0, done.stderr
    return computer


def test_install_puts_the_plugin_into_krita_turns_it_on_and_leaves_a_note(
    installed: Computer,
) -> None:
    assert (installed.module / "__init__.py").is_file()
    assert (installed.module / "link" / "client.py").read_bytes() == (
        ROOT / "plugin/link/client.py"
    ).read_bytes()
    assert (installed.resources / "pykrita" / "scumble.desktop").is_file()
    text = installed.kritarc.read_text()
    assert "enable_scumble=true" in text
    assert "name=value" in text
    install = read_install(installed.home)
    assert install is not None
    assert Path(install.python).is_relative_to(installed.home.environment_dir)
    assert Path(install.python).exists()
    assert (installed.home.path / "scumble-krita.zip").is_file()


def test_installing_again_changes_nothing(installed: Computer) -> None:
    before = installed.files()
    done = installed.run("install")
    assert done.returncode == 0, done.stderr
    assert "PyTorch" not in done.stderr, "nothing is fetched again"
    assert installed.files() == before


def test_uninstall_leaves_the_home_folder_as_it_was(computer: Computer) -> None:
    gimp = computer.user / ".config" / "GIMP" / "3.0"
    gimp.mkdir(parents=True)
    before = computer.files()
    computer.lend_environment()
    assert computer.run("install").returncode == 0
    # what the plugins themselves write while they are used
    computer.kritarc.write_text(computer.kritarc.read_text() + '\n[scumble]\nform={"steps": 3}\n')
    kept = gimp / "scumble" / "form.json"
    kept.parent.mkdir()
    kept.write_text("{}")
    done = computer.run("uninstall", "--yes")
    assert done.returncode == 0, done.stderr
    # the lent environment was not made by the installer: it is no more than what stays
    left = {name for name in computer.files() if not name.startswith(".local/share/scumble/env/")}
    assert left == set(before)
    assert computer.kritarc.read_bytes() == before[".config/kritarc"]


def test_uninstall_keeps_models_and_history_when_nobody_is_there_to_ask(
    installed: Computer,
) -> None:
    model = installed.home.models_dir / "mine.safetensors"
    model.parent.mkdir()
    model.write_text("x")
    installed.home.journal_file.write_text("x")
    done = installed.run("uninstall", typed="")
    assert done.returncode == 0, done.stderr
    assert model.exists()
    assert installed.home.journal_file.exists()
    assert not installed.module.exists()
    assert "Kept" in done.stderr


def test_update_needs_an_installation(computer: Computer) -> None:
    done = computer.run("update")
    assert done.returncode == 1
    assert "python3 installer install" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_finds_nothing_after_install_and_says_how_to_mend_what_breaks(
    installed: Computer,
) -> None:
    done = installed.run("doctor")
    assert done.returncode == 0, done.stderr
    assert "All is well." in done.stderr
    assert "computes on:" in done.stderr

    (installed.module / "docker.py").write_text("# changed\n")
    (installed.module / "link" / "old.py").write_text("# left over\n")
    installed.kritarc.write_text("[python]\nenable_scumble=false\n")
    installed.home.install_record.unlink()
    done = installed.run("doctor")
    assert done.returncode == 1
    for sentence in (
        "2 of the plugin's files are not this version's",
        "the plugin is not turned on",
        "Editors are not told where the backend is",
    ):
        assert sentence in done.stderr
    assert "-> Run: python3 installer update" in done.stderr

    assert installed.run("install").returncode == 0
    done = installed.run("doctor")
    assert done.returncode == 0, done.stderr


def test_doctor_on_a_bare_computer_sends_to_install(computer: Computer) -> None:
    done = computer.run("doctor")
    assert done.returncode == 1
    assert "no working Python environment" in done.stderr
    assert "-> Run: python3 installer install" in done.stderr
    assert not computer.home.path.exists(), "looking makes nothing"


def test_models_passes_through(installed: Computer) -> None:
    done = installed.run("models", "list", "--json")
    assert done.returncode == 0, done.stderr
    assert '"catalogue"' in done.stdout


def test_the_demo_writes_a_picture_and_its_layers(installed: Computer) -> None:
    out = installed.user / "pictures"
    done = installed.run("demo", "--out", str(out), "--seed", "4")
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in out.iterdir()) == ["scumble-demo.ora", "scumble-demo.png"]
    assert str(out / "scumble-demo.ora") in done.stdout


def test_bundle_goes_where_it_is_asked_to(computer: Computer) -> None:
    done = computer.run("bundle", "--out", str(computer.user / "there"))
    assert done.returncode == 0, done.stderr
    assert (computer.user / "there" / "scumble-krita.zip").is_file()
