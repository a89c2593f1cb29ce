"""A daemon small enough to read, and an editor's desk beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk import Desk
from small_daemon import SmallDaemon

from scumble.link import client
from scumble.link.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def daemon(home: Home) -> Iterator[SmallDaemon]:
    daemon = SmallDaemon(home)
    yield daemon
    daemon.stop()


@pytest.fixture
def desk(home: Home, daemon: SmallDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Connects in hundredths of a second where an artist's would wait for seconds."""
    monkeypatch.setattr(client, "_DELAYS", (0.01, 0.05))
    desk = Desk(home, environ={})
    yield desk
    desk.client.close()
