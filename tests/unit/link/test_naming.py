"""What a result's layer is called."""

from __future__ import annotations

import pytest

from scumble.link.naming import MAX_NAME, layer_name, result_name
from scumble.link.values import Region, Result


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("red apple", "red apple (seed 123)"),
        ("  red\n apple, <lora:fruit:0.8> ", "red apple (seed 123)"),
        ("", "Scumble (seed 123)"),
        ("<lora:fruit:1>", "Scumble (seed 123)"),
        (
            "a red apple on a wooden table, by a window, in the evening",
            "a red apple on a wooden table, by a window, in… (seed 123)",
        ),
        ("x" * 100, "x" * (MAX_NAME - 1) + "… (seed 123)"),
    ],
)
def test_a_layer_is_named_after_prompt_and_seed(prompt: str, name: str) -> None:
    assert layer_name(prompt, 123) == name


def test_an_earlier_sessions_layer_is_named_from_what_is_known() -> None:
    region = Region(0, 0, 1, 1)
    assert result_name(Result("j", 0, region, "b"), "") == "Scumble"
    assert result_name(Result("j", 0, region, "b"), "pear") == "pear"
    told = Result("j", 0, region, "b", {"prompt": "fig", "seed": 4})
    assert result_name(told, "") == "fig (seed 4)"
    gone = Result("j", 0, region, "b", {"prompt": "", "seed": 4, "intent": "remove"})
    assert result_name(gone, "") == "Removed (seed 4)"
    odd = Result("j", 0, region, "b", {"prompt": 5, "seed": True})
    assert result_name(odd, "") == "Scumble"
