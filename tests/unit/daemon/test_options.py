from __future__ import annotations

import pytest

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.server import Options, options_from


def test_the_history_takes_four_gigabytes_unless_told_otherwise() -> None:
    assert options_from({}) == options_from({"SCUMBLE_HISTORY_GB": " "}) == Options()
    assert Options().quota == 4 * 1024**3
    assert options_from({"SCUMBLE_HISTORY_GB": "0.5"}).quota == 512 * 1024**2


@pytest.mark.parametrize("given", ["lots", "0", "-1", "nan", "inf", "4 GB"])
def test_what_is_no_size_is_said_at_the_start(given: str) -> None:
    with pytest.raises(ScumbleError) as caught:
        options_from({"SCUMBLE_HISTORY_GB": given})
    assert caught.value.code is ErrorCode.BAD_REQUEST
