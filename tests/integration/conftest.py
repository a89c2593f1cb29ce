"""For the tests of one file a daemon, or a command line with one; for each test a client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from command_line import Scumble
from daemons import Client, Daemon, home_in, running
from PIL import Image

from scumble.link.client import call
from scumble.link.errors import ScumbleError


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(home_in(tmp_path_factory.mktemp("daemon"))) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[Client]:
    client = daemon.connect(request.node.name[:64])
    yield client
    client.close()


@pytest.fixture(scope="module")
def scumble(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scumble]:
    made = Scumble(tmp_path_factory.mktemp("cli"))
    yield made
    with contextlib.suppress(ScumbleError):  # a test ended it
        call(made.home, "shutdown", start=False)


@pytest.fixture(scope="module")
def photo(scumble: Scumble) -> Path:
    pixels = np.random.default_rng(3).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(scumble.folder / "photo.png")
    return scumble.folder / "photo.png"


@pytest.fixture(scope="module")
def mask(scumble: Scumble) -> Path:
    """A soft disc."""
    y, x = np.mgrid[0:90, 0:120]
    soft = np.clip((25 - np.hypot(x - 50, y - 40)) / 6 + 0.5, 0, 1)
    Image.fromarray((soft * 255).astype(np.uint8)).save(scumble.folder / "mask.png")
    return scumble.folder / "mask.png"
