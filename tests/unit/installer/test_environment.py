"""The environment: made, stamped, and pip's lines brought on screen."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from installer import environment
from installer.checkout import Checkout
from installer.environment import Environment, Stamp, clean_environ, index_options, show
from installer.facts import ROOT
from installer.failure import InstallError
from installer.progress import Task


def test_an_environment_is_made_and_made_anew(tmp_path: Path) -> None:
    made = Environment(tmp_path / "data" / "env")
    assert not made.works()
    made.make()
    assert made.works()
    (made.folder / "left over").write_text("")
    made.make()
    assert made.works()
    assert not (made.folder / "left over").exists()


def test_an_environment_whose_python_is_gone_does_not_work(tmp_path: Path) -> None:
    broken = Environment(tmp_path / "env")
    broken.python.parent.mkdir(parents=True)
    broken.python.symlink_to(tmp_path / "no-python")
    assert not broken.works()


def test_without_venv_the_hint_names_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [[sys.executable, "-c", "import sys; sys.exit('ensurepip is not available')"]]
    monkeypatch.setattr(environment, "_ways_to_make", lambda folder: failing)
    monkeypatch.setattr(environment.shutil, "which", lambda name: f"/usr/bin/{name}")
    with pytest.raises(InstallError) as caught:
        Environment(tmp_path / "env").make()
    assert "python3-venv" in caught.value.hint
    assert "ensurepip is not available" in caught.value.detail
    assert not (tmp_path / "env").exists()


def test_a_python_without_ensurepip_gets_pip_from_its_neighbour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Debian without python3-venv but with pip: the last of the ways."""
    folder = tmp_path / "env"
    ways = [[sys.executable, "-m", "venv", "--without-pip", str(folder)]]
    monkeypatch.setattr(environment, "_ways_to_make", lambda folder: ways)
    made = Environment(folder)
    made.make()
    assert made.works()


def test_a_package_makes_way_for_the_one_that_brings_the_same_modules(tmp_path: Path) -> None:
    made = Environment(tmp_path / "env")
    made.make()
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    said = subprocess.run([made.python, "-c", ask], capture_output=True, text=True, check=True)
    site = Path(said.stdout.strip())

    def bring(package: str) -> None:
        (site / "shared_module.py").write_text(f"brought_by = {package!r}")
        folder = site / f"{package}-1.0.dist-info"
        folder.mkdir()
        name = package.replace("_", "-")
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (folder / "RECORD").write_text(f"shared_module.py,,\n{folder.name}/METADATA,,\n")

    bring("new_one")
    made.displace("old-one", "new-one")
    assert (site / "shared_module.py").exists(), "there is nothing to make way for"
    bring("old_one")
    made.displace("old-one", "new-one")
    assert not (site / "shared_module.py").exists()
    assert not list(site.glob("*_one-1.0.dist-info/METADATA"))


def test_a_stamp_is_read_back_and_a_broken_one_counts_as_none(tmp_path: Path) -> None:
    there = Environment(tmp_path)
    assert there.stamp() == Stamp()
    stamp = Stamp("d", "s", "/p", "torch==2.13.0", "cpu")
    there.write_stamp(stamp)
    assert there.stamp() == stamp
    for text in ("{", "[]", '{"other": 1}'):
        (tmp_path / environment.STAMP).write_text(text)
        assert there.stamp() == Stamp()


@pytest.mark.parametrize(
    ("line", "note", "share"),
    [
        ("Progress 512 of 2048", "", 0.25),
        ("Progress 512 of 0", "", None),
        ("Collecting torch===2.13.0+cpu", "torch", None),
        ("  Downloading numpy-2.4.6-cp311.whl (16.7 MB)", "numpy (16.7 MB)", None),
        (
            "Downloading https://example.org/a/numpy-2.4.6-cp311.whl (16.7 MB)",
            "numpy (16.7 MB)",
            None,
        ),
        ("Installing collected packages: a, b, c", "unpacking 3 packages", None),
    ],
)
def test_pip_s_lines_become_a_bar_and_a_note(line: str, note: str, share: float | None) -> None:
    task = Task("x")
    assert show(task, line)
    assert (task.note, task.share) == (note, share)


def test_pip_s_errors_are_kept_for_the_message() -> None:
    assert not show(Task("x"), "ERROR: No matching distribution found for torch==2.13.0")


def test_pip_s_own_words_come_with_the_error(tmp_path: Path, task: Task) -> None:
    made = Environment(tmp_path / "env")
    made.make()
    with pytest.raises(InstallError) as caught:
        made.install(task, ["--no-index", "no-such-package-of-scumble"])
    assert "no-such-package-of-scumble" in caught.value.detail


def test_the_user_s_pip_configuration_counts_unless_an_index_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/wheels")
    monkeypatch.setenv("PYTHONPATH", "/an/editor's")
    environ = clean_environ()
    assert environ["PIP_FIND_LINKS"] == "/wheels"
    assert "PYTHONPATH" not in environ
    assert index_options(None) == []
    assert index_options("https://a.example") == ["--index-url", "https://a.example"]


def test_fingerprints_follow_what_they_stand_for(checkout: Checkout) -> None:
    def prints() -> tuple[str, str]:
        return checkout.dependencies_fingerprint(), checkout.source_fingerprint()

    before = prints()
    assert prints() == before
    (checkout.root / "plugin/link/__pycache__/x.pyc").write_text("compiled")
    (checkout.root / "plugin/krita/__init__.py").write_text("the plugin is not the backend")
    assert prints() == before
    (checkout.root / "plugin/link/values.py").write_text("A = 2\n")
    assert prints()[0] == before[0]
    assert prints()[1] != before[1]
    checkout.constraints.write_text("torch==2.14.0\n")
    assert prints()[0] != before[0]


def test_pins_are_read_from_the_one_place_of_pins(checkout: Checkout) -> None:
    assert (checkout.pin("torch"), checkout.pin("numpy")) == ("2.13.0", "2.4.6")
    with pytest.raises(LookupError):
        checkout.pin("tor")
    assert checkout.version == "1.2.3"


def runs(python: Path) -> bool:
    return subprocess.run([str(python), "-c", ""], capture_output=True).returncode == 0


NAMED = [Path(found) for name in ("python3.8", "python3.9") if (found := shutil.which(name))]
PYENV = sorted((Path.home() / ".pyenv/versions").glob("3.[89].*/bin/python"))
OLD_PYTHONS = [python for python in [*NAMED, *PYENV] if runs(python)]


@pytest.mark.parametrize("python", OLD_PYTHONS, ids=str)
def test_an_older_python_gets_a_clear_sentence(python: Path) -> None:
    done = subprocess.run(
        [str(python), "installer", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2
    assert "Scumble needs Python 3.10 or newer; this is Python 3." in done.stderr
    assert "Traceback" not in done.stderr


def test_an_installed_backend_holds_every_package_of_the_source() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = set(re.findall(r'^    "(scumble[\w.]*)",$', text, re.MULTILINE))
    packages = {
        ".".join(("scumble", *path.parent.relative_to(ROOT / "backend").parts))
        for path in (ROOT / "backend").rglob("__init__.py")
    }
    assert packages | {"scumble.link"} <= listed


# what the source imports -> what provides it, where the names differ
PROVIDERS = {"PIL": "pillow", "cv2": "opencv-contrib-python-headless"}


def test_every_package_that_the_backend_imports_is_one_of_its_dependencies() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text.partition("dependencies = [")[2].partition("]")[0]
    declared = {name.lower() for name in re.findall(r'"([\w.-]+)', section)}
    imported: dict[str, Path] = {}
    for path in (ROOT / "backend").rglob("*.py"):
        if "training" in path.relative_to(ROOT).parts:
            continue  # only the starter model's recipe needs what that needs
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            else:
                continue
            imported.update({name.partition(".")[0]: path for name in names})
    foreign = set(imported) - set(sys.stdlib_module_names) - {"scumble", "__future__"}
    providers = {PROVIDERS.get(name, name): imported[name] for name in foreign}
    missing = {name: path for name, path in providers.items() if name.lower() not in declared}
    assert not missing
