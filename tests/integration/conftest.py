"""A daemon for the tests of one file, and a client of it for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from daemons import Client, Daemon, home_in, running


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(home_in(tmp_path_factory.mktemp("daemon"))) as daemon:
        yield daemon


@pytest.fixture
def client(daemon: Daemon, request: pytest.FixtureRequest) -> Iterator[Client]:
    client = daemon.connect(request.node.name[:64])
    yield client
    client.close()
