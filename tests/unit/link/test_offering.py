"""The list of models out of a reply: from its header, or whole from its blob."""

from __future__ import annotations

import json

import pytest
from small_daemon import CAPABILITIES

from scumble.link.channel import Reply
from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.offering import read_capabilities

WHOLE = to_wire(CAPABILITIES)
BEGINNING = {**WHOLE, "models": WHOLE["models"][:1]}


def test_a_list_lies_in_the_header_or_whole_in_the_blob() -> None:
    assert read_capabilities(Reply({"capabilities": WHOLE})) == CAPABILITIES
    blob = json.dumps(WHOLE).encode()
    assert read_capabilities(Reply({"capabilities": BEGINNING}, (blob,))) == CAPABILITIES


@pytest.mark.parametrize(
    "reply",
    [
        Reply({}),
        Reply({"capabilities": {**WHOLE, "later": 1}}),
        Reply({"capabilities": WHOLE}, (b"",)),
        Reply({"capabilities": WHOLE}, (b"\xff{",)),
        Reply({"capabilities": WHOLE}, (b"[" * 100_000,)),
        Reply({"capabilities": WHOLE}, (b"7",)),
    ],
)
def test_one_that_cannot_be_read_is_an_error_with_a_hint(reply: Reply) -> None:
    with pytest.raises(ScumbleError) as caught:
        read_capabilities(reply)
    assert caught.value.code is ErrorCode.VERSION_MISMATCH
    assert caught.value.info.hint
