"""The daemon with the real worker, the real engine and a tiny model, in processes of their own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from daemons import request, running, until

from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import GenerationRequest, Intent, JobState, Mode, Region, Size

AREA = Region(10, 10, 96, 80)
PIXELS = bytes(range(256)) * (96 * 80 * 4 // 256)
MASK = bytes(96 * 40) + b"\xff" * (96 * 40)
REAL = {"SCUMBLE_ENGINE": "real", "OMP_NUM_THREADS": "1"}


def fill(job_id: str) -> GenerationRequest:
    return request(
        job_id,
        mode=Mode.INPAINT,
        model="sd1",
        region=AREA,
        canvas=Size(300, 300),
        steps=6,
        batch=3,
    )


@pytest.mark.slow
def test_a_fill_that_is_interrupted_gives_the_same_pictures(tmp_path: Path) -> None:
    home = tiny.home(tmp_path / "home", "sd1")
    with running(home, **REAL) as daemon:
        client = daemon.connect()
        assert client.ask("estimate", request=to_wire(fill("guess"))).fields["seconds"] is None
        with pytest.raises(ScumbleError) as caught:
            client.submit(request("other", model="sdxl"))
        assert caught.value.code is ErrorCode.MODEL_MISSING
        client.submit(fill("whole"), PIXELS, MASK)
        client.channel.limit(120)  # torch is imported meanwhile
        client.wait(lambda event: event.header.get("job", {}).get("state") in ("done", "failed"))
        assert client.job("whole").error is None
        # the timings are written down after the job's end was told
        until(lambda: client.ask("estimate", request=to_wire(fill("guess"))).fields["seconds"])
        assert client.ask("status").fields["worker"]["model"] == "sd1"

        endless = request("endless", model="sd1", steps=200, region=AREA)
        client.submit(endless)
        client.wait_for_progress("endless")
        client.cancel("endless")
        client.wait_for("endless", JobState.CANCELLED)

        client.submit(fill("cut"), PIXELS, MASK)
        client.wait(lambda event: event.header.get("result", {}).get("job_id") == "cut")
        daemon.kill()
    with running(home, **REAL) as daemon:
        client = daemon.connect()
        client.channel.limit(120)
        assert client.wait_for("cut", JobState.DONE).attempt == 2
        whole = client.ask("results", job_id="whole").fields["results"]
        cut = client.ask("results", job_id="cut").fields["results"]
        for index in range(3):
            assert client.fetch("cut", index) == client.fetch("whole", index)
            assert cut[index]["region"] == whole[index]["region"]
            assert cut[index]["metadata"]["seed"] == whole[index]["metadata"]["seed"]


@pytest.mark.slow
def test_how_long_a_removal_takes_is_known_after_the_first(tmp_path: Path) -> None:
    def removal(job_id: str) -> GenerationRequest:
        return replace(fill(job_id), intent=Intent.REMOVE, model="", sampler="", batch=1)

    with running(tiny.home(tmp_path / "home", "sd1"), **REAL) as daemon:
        client = daemon.connect()
        assert client.ask("estimate", request=to_wire(removal("guess"))).fields["seconds"] is None
        client.channel.limit(120)  # torch is imported meanwhile
        client.submit(removal("first"), PIXELS, MASK)
        client.wait_for("first", JobState.DONE)
        until(lambda: client.ask("estimate", request=to_wire(removal("guess"))).fields["seconds"])
        assert client.ask("estimate", request=to_wire(fill("guess"))).fields["seconds"] is None
