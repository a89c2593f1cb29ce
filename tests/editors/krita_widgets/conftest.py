"""The docker's panel without Krita, drawn offscreen by the Qt that is installed here (PyQt6)."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from krita_harness import copy_plugin

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

NAME = "scumble_for_krita"  # `scumble` is the backend's name here


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Finds modules of the plugin as the installer lays it out."""
    from PyQt6.QtWidgets import QApplication  # the tests' files are skipped where there is none

    folder = tmp_path_factory.mktemp("pykrita")
    copy_plugin(folder / NAME)
    sys.path.insert(0, str(folder))
    application = QApplication.instance() or QApplication([])

    def module(name: str) -> ModuleType:
        return importlib.import_module(f"{NAME}.{name}")

    yield module
    sys.path.remove(str(folder))
    application.processEvents()


@pytest.fixture
def values(plugin: Any) -> Any:
    return plugin("link.values")


@pytest.fixture
def capabilities(values: Any) -> Any:
    modes = tuple(values.Mode)
    models = (
        values.ModelInfo("starter", "Starter", "sd1", 128, modes, ("euler",), "euler", 12, 4.0),
        values.ModelInfo("big", "Big", "sdxl", 1024, modes, ("euler", "lcm"), "lcm", 6, 1.5),
    )
    samplers = (values.SamplerInfo("euler", "Euler"), values.SamplerInfo("lcm", "LCM"))
    return values.Capabilities(models=models, samplers=samplers)


@pytest.fixture
def panel(plugin: Any, capabilities: Any) -> Iterator[Any]:
    from PyQt6.QtWidgets import QApplication

    made = plugin("panel").Panel()
    made.resize(300, 800)
    made.capabilities_changed(capabilities)
    made.show()
    QApplication.processEvents()
    yield made
    made.deleteLater()
