"""The rules that keep the rooms apart: who may import what, and in which direction."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STDLIB = set(sys.stdlib_module_names)
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> list[tuple[int, str]]:
    """Every import in the file as (level of relative dots, dotted name), wherever it stands."""
    found: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [(0, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.module:
                found.append((node.level, node.module))
            else:
                found += [(node.level, alias.name) for alias in node.names]
    return found


def outside_roots(path: Path) -> set[str]:
    """Top-level names that the file imports and that are neither relative nor standard library."""
    return {name.split(".")[0] for level, name in imports(path) if level == 0} - STDLIB


@pytest.mark.parametrize("path", sources("plugin/link"), ids=lambda p: p.name)
def test_link_imports_the_standard_library_and_itself_only(path: Path) -> None:
    assert outside_roots(path) == set()
    assert all(level <= 1 for level, _ in imports(path)), "link does not know what holds it"


@pytest.mark.parametrize("path", sources("plugin/krita"), ids=lambda p: p.name)
def test_the_krita_plugin_imports_what_krita_brings_only(path: Path) -> None:
    assert outside_roots(path) <= {"krita", "PyQt5", "PyQt6"}


def test_one_krita_file_only_knows_which_qt_it_is() -> None:
    knowing = {
        path.name for path in sources("plugin/krita") if outside_roots(path) & {"PyQt5", "PyQt6"}
    }
    assert knowing <= {"qt.py"}


@pytest.mark.parametrize("path", sources("plugin/gimp"), ids=lambda p: p.name)
def test_the_gimp_plugin_imports_what_gimp_brings_only(path: Path) -> None:
    # the entry file is run as a script, so it names its package
    assert outside_roots(path) <= {"gi", "scumble_gimp"}


@pytest.mark.parametrize("path", sources("plugin"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_plugin_parses_on_python_3_8(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("path", sources("backend/imaging"), ids=lambda p: p.name)
def test_imaging_knows_no_model_library(path: Path) -> None:
    assert not outside_roots(path) & {"torch", "diffusers", "transformers", "accelerate"}
    assert not any("engine" in name.split(".") for _, name in imports(path))


@pytest.mark.parametrize("path", sources("backend/engine"), ids=lambda p: p.name)
def test_the_engine_knows_no_sockets_and_no_journal(path: Path) -> None:
    names = {name for _, name in imports(path)}
    assert not names & {"socket", "socketserver", "sqlite3", "http.server"}
    parts = {part for name in names for part in name.split(".")}
    assert not parts & {"server", "service", "journal", "store", "supervisor", "client"}


DAEMON = ("server", "service", "journal", "store", "supervisor", "estimate", "worker")


def test_the_daemon_imports_no_torch() -> None:
    modules = ", ".join(f"scumble.{name}" for name in DAEMON)
    heavy = "{'torch', 'diffusers', 'transformers', 'numpy'}"
    code = f"import sys, {modules}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


def _module_name(path: Path) -> str:
    if (ROOT / "plugin") in path.parents:
        parts = ("scumble", *path.relative_to(ROOT / "plugin").with_suffix("").parts)
    else:
        parts = ("scumble", *path.relative_to(ROOT / "backend").with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _graph() -> dict[str, set[str]]:
    paths = {_module_name(p): p for p in [*sources("backend"), *sources("plugin/link")]}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        targets: set[str] = set()
        for node in ast.parse(path.read_text(encoding="utf-8")).body:  # at import time only
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    anchor = package.split(".")
                    anchor = anchor[: len(anchor) - (node.level - 1)]
                    base = ".".join([*anchor, base] if base else anchor)
                targets |= {f"{base}.{alias.name}" for alias in node.names} | {base}
        graph[name] = (targets & set(paths)) - {name}
    return graph


def test_no_module_imports_itself_by_a_detour() -> None:
    graph = _graph()
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name not in done:
            for target in sorted(graph[name]):
                if not name.startswith(target + "."):  # a package's own __init__ is no detour
                    visit(target, (*trail, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("room", ["plugin", "backend", "installer"])
def test_every_file_has_a_name_of_its_own(room: str) -> None:
    for path in sources(room):
        assert path.stem not in FORBIDDEN_NAMES
        assert not FORBIDDEN_NAMES & set(path.relative_to(ROOT).parts)


@pytest.mark.parametrize("room", ["plugin", "backend", "installer"])
def test_no_file_grows_past_400_lines(room: str) -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in sources(room)
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}
