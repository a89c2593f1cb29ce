"""Look at this computer, once, and write down what plans follow from."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from installer.card import find_card
from installer.checkout import Checkout
from installer.editors import Kind, System, find_editors
from installer.environment import Environment, Stamp
from installer.plan import Facts
from installer.plugins import is_there
from plugin.link.home import Home, find_home

ROOT = Path(__file__).resolve().parents[1]


def gather(system: System | None = None, home: Home | None = None, tests: bool = False) -> Facts:
    """Facts of this computer. tests: about the environment for tests instead of the daemon's."""
    system = system or System()
    home = home or find_home(system.environ)
    checkout = Checkout(ROOT)
    environment = Environment(test_environment(home) if tests else home.environment_dir)
    works = environment.works()
    return Facts(
        home=home,
        checkout=checkout,
        version=checkout.version,
        dependencies=checkout.dependencies_fingerprint(),
        source=checkout.source_fingerprint(),
        platform=sys.platform,
        machine=platform.machine(),
        card=find_card(),
        environment=environment,
        works=works,
        stamp=environment.stamp() if works else Stamp(),
        editors=() if tests else find_editors(system),
        plugins=frozenset(kind for kind in Kind if is_there(checkout, kind)),
    )


def test_environment(home: Home) -> Path:
    return home.path / "test-env"
