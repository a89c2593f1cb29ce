"""What editors are told of the models: while they are connected, of very many, of none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from daemons import (
    MASK,
    NO_LIST,
    PIXELS,
    REAL_LIST,
    Client,
    Daemon,
    home_in,
    inpaint,
    request,
    running,
)
from desk import Desk
from model_headers import checkpoint

from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.link.values import Capabilities, Intent, JobState
from scumble.models.registry import Registry

MANY = 300


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return home_in(tmp_path)


@pytest.fixture
def registry(home: Home) -> Registry:
    return Registry(home)


@pytest.fixture
def daemon(home: Home) -> Iterator[Daemon]:
    with running(home, **REAL_LIST) as daemon:
        daemon.connection()
        yield daemon


@pytest.fixture
def desk(home: Home) -> Iterator[Desk]:
    desk = Desk(home, environ={})
    yield desk
    desk.client.close()


def fill_with_models(registry: Registry, folder: Path) -> None:
    entry = registry.add(checkpoint(folder / "disk" / "model.safetensors"))
    with registry._ledger.change() as data:
        data["models"] = [
            to_wire(replace(entry, id=f"model-{number}", name=f"画家 {number}"))
            for number in range(MANY)
        ]


def test_a_model_that_is_added_and_removed_appears_and_goes_in_an_open_editor(
    registry: Registry, daemon: Daemon, desk: Desk, tmp_path: Path
) -> None:
    desk.connect()
    known = [model.id for model in desk.view.capabilities[0].models]
    registry.add(checkpoint(tmp_path / "disk" / "painter.safetensors"))

    def offered() -> list[str]:
        return [model.id for model in desk.view.capabilities[-1].models]

    desk.until(lambda: offered() == [*known, "painter"])
    registry.remove("painter")
    desk.until(lambda: offered() == known)


def test_very_many_models_reach_the_editor_all(
    registry: Registry, daemon: Daemon, desk: Desk, tmp_path: Path
) -> None:
    fill_with_models(registry, tmp_path)
    desk.connect()
    told = [model.id for model in desk.view.capabilities[0].models]
    assert told[-MANY:] == [f"model-{number}" for number in range(MANY)]


def test_an_editor_that_reads_headers_only_is_told_the_first_of_very_many(
    registry: Registry, daemon: Daemon, tmp_path: Path
) -> None:
    fill_with_models(registry, tmp_path)
    client = daemon.connect()
    reply = client.ask("capabilities")
    client.close()
    offer = from_wire(Capabilities, reply.fields["capabilities"])
    assert 20 < len(offer.models) < MANY
    assert next(model.id for model in offer.models if model.id != "starter") == "model-0"
    assert offer.samplers


@pytest.fixture
def stumbling(home: Home) -> Iterator[Client]:
    """A client of a daemon that cannot list its models."""
    with running(home, **NO_LIST) as daemon:
        client = daemon.connect()
        yield client
        client.close()


def test_removing_needs_no_list_of_models(stumbling: Client) -> None:
    removal = inpaint("gone", intent=Intent.REMOVE, model="", sampler="", prompt="")
    stumbling.submit(removal, PIXELS, MASK)
    stumbling.wait_for("gone", JobState.DONE)
    with pytest.raises(ScumbleError) as caught:
        stumbling.submit(request("drawn"))
    assert caught.value.code is ErrorCode.INTERNAL


def test_the_command_line_ends_with_an_error_where_models_cannot_be_listed(
    stumbling: Client, home: Home, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "scumble", "generate", "--prompt", "a boat", "-o", "boat.png"],
        cwd=tmp_path,
        env={**os.environ, "SCUMBLE_HOME": str(home.path), "SCUMBLE_ENGINE": "fake"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert "stumbled over this request" in done.stderr
