"""What a daemon does not take comes back as an error with a sentence, and the queue goes on."""

from __future__ import annotations

from typing import Any

import pytest
from daemons import AREA, MASK, PIXELS, Client, Daemon, inpaint, request

from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.protocol import PROTOCOL
from scumble.link.values import JobState, Mode

BAD = {
    "an id that names no file": ({"id": "../../etc/passwd"}, ErrorCode.BAD_REQUEST),
    "no id": ({"id": ""}, ErrorCode.BAD_REQUEST),
    "no steps": ({"steps": 0}, ErrorCode.BAD_REQUEST),
    "ten thousand steps": ({"steps": 10_000}, ErrorCode.BAD_REQUEST),
    "half a step": ({"steps": 2.5}, ErrorCode.BAD_REQUEST),
    "guidance below 1": ({"guidance_scale": 0.5}, ErrorCode.BAD_REQUEST),
    "guidance beyond all": ({"guidance_scale": 1e9}, ErrorCode.BAD_REQUEST),
    "strength below 0": ({"strength": -0.1}, ErrorCode.BAD_REQUEST),
    "strength above 1": ({"strength": 1.1}, ErrorCode.BAD_REQUEST),
    "a negative seed": ({"seed": -1}, ErrorCode.BAD_REQUEST),
    "a seed of 33 bits": ({"seed": 2**32}, ErrorCode.BAD_REQUEST),
    "no results": ({"batch": 0}, ErrorCode.BAD_REQUEST),
    "a thousand results": ({"batch": 1000}, ErrorCode.BAD_REQUEST),
    "a prompt without end": ({"prompt": "x" * 8193}, ErrorCode.BAD_REQUEST),
    "a number as a prompt": ({"prompt": 5}, ErrorCode.BAD_REQUEST),
    "an empty area": ({"region": {"x": 0, "y": 0, "width": 0, "height": 5}}, ErrorCode.BAD_REQUEST),
    "a negative area": (
        {"region": {"x": 0, "y": 0, "width": -5, "height": -5}},
        ErrorCode.BAD_REQUEST,
    ),
    "an area beyond the limit": (
        {"region": {"x": 0, "y": 0, "width": 16385, "height": 1}},
        ErrorCode.BAD_REQUEST,
    ),
    "an area of too many pixels": (
        {"region": {"x": 0, "y": 0, "width": 16384, "height": 16384}},
        ErrorCode.BAD_REQUEST,
    ),
    "an area on the moon": (
        {"region": {"x": 10**12, "y": 0, "width": 10, "height": 5}},
        ErrorCode.BAD_REQUEST,
    ),
    "an empty canvas": ({"canvas": {"width": 0, "height": 0}}, ErrorCode.BAD_REQUEST),
    "an unknown mode": ({"mode": "sculpt"}, ErrorCode.BAD_REQUEST),
    "an unknown sampler": ({"sampler": "magic"}, ErrorCode.BAD_REQUEST),
    "a sampler that the model cannot use": ({"sampler": "lcm"}, ErrorCode.UNSUPPORTED),
    "an unknown model": ({"model": "nobody"}, ErrorCode.MODEL_MISSING),
    "a model that cannot inpaint": ({"model": "blank"}, ErrorCode.UNSUPPORTED),
    "an unknown field": ({"colour": "red"}, ErrorCode.BAD_REQUEST),
    "a feather of minus one": (
        {"mask": {"grow": 0, "feather": -1}},
        ErrorCode.BAD_REQUEST,
    ),
}


@pytest.mark.parametrize(("change", "code"), BAD.values(), ids=BAD.keys())
def test_a_bad_field_comes_back_as_an_error(
    client: Client, change: dict[str, Any], code: ErrorCode
) -> None:
    wire = {**to_wire(inpaint("bad")), **change}
    with pytest.raises(ScumbleError) as caught:
        client.ask("submit", (PIXELS, MASK), request=wire)
    assert caught.value.code is code
    assert caught.value.info.message.endswith(".")


@pytest.mark.parametrize(
    ("mode", "blobs"),
    [
        (Mode.INPAINT, (PIXELS,)),
        (Mode.INPAINT, (PIXELS[:-1], MASK)),
        (Mode.INPAINT, (PIXELS, MASK + b"\0")),
        (Mode.INPAINT, (PIXELS, b"\0" * 50)),
        (Mode.INPAINT, (PIXELS, MASK, MASK)),
        (Mode.IMAGE_TO_IMAGE, ()),
        (Mode.IMAGE_TO_IMAGE, (PIXELS, MASK)),
        (Mode.TEXT_TO_IMAGE, (PIXELS,)),
    ],
)
def test_pixels_that_do_not_fit_come_back_as_an_error(
    client: Client, mode: Mode, blobs: tuple[bytes, ...]
) -> None:
    with pytest.raises(ScumbleError) as caught:
        client.submit(request("unfit", mode=mode, region=AREA), *blobs)
    assert caught.value.code is ErrorCode.BAD_REQUEST


def test_bad_requests_leave_no_job_and_the_queue_goes_on(client: Client) -> None:
    with pytest.raises(ScumbleError):
        client.submit(inpaint("refused"), PIXELS, b"")
    assert client.ask("jobs", all=False).fields["jobs"] == []
    client.submit(request("accepted"))
    client.wait_for("accepted", JobState.DONE)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("paint", {}),
        ("cancel", {"job_id": "nobody's"}),
        ("cancel", {}),
        ("cancel", {"job_id": 7}),
        ("fetch", {"job_id": "nobody's", "index": 0}),
        ("acknowledge", {"job_id": "nobody's", "index": 0}),
        ("results", {"job_id": "nobody's"}),
        ("jobs", {"all": "yes"}),
        ("status", {"more": 1}),
        ("submit", {"request": None}),
        ("hello", {"protocol": PROTOCOL, "client_id": "twice", "name": ""}),
    ],
)
def test_every_request_is_answered(client: Client, kind: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ScumbleError) as caught:
        client.ask(kind, **fields)
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert client.ask("status").fields["clients"] >= 1


def test_a_picture_that_is_not_there_is_an_error(client: Client) -> None:
    client.submit(request("single"))
    client.wait_for("single", JobState.DONE)
    with pytest.raises(ScumbleError, match="no such picture"):
        client.fetch("single", 1)


def test_another_protocol_is_told_so(daemon: Daemon) -> None:
    client = Client(daemon.connection())
    with pytest.raises(ScumbleError) as caught:
        client.ask("hello", protocol=PROTOCOL + 1, client_id="old", name="", later="field")
    assert caught.value.code is ErrorCode.VERSION_MISMATCH
    client.close()


def test_nothing_is_done_before_hello(daemon: Daemon) -> None:
    client = Client(daemon.connection())
    with pytest.raises(ScumbleError, match="first request is hello"):
        client.ask("jobs")
    client.close()
