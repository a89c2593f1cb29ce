"""What artists write, and what is read from it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble.engine.prompts import Fragment, Lora, parse


def weights(prompt: str) -> list[tuple[str, float]]:
    return [(each.text, round(each.weight, 4)) for each in parse(prompt).fragments]


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red apple", [("a red apple", 1.0)]),
        ("a (red:1.3) apple", [("a ", 1.0), ("red", 1.3), (" apple", 1.0)]),
        ("a (red) apple", [("a ", 1.0), ("red", 1.1), (" apple", 1.0)]),
        ("a ((red)) apple", [("a ", 1.0), ("red", 1.21), (" apple", 1.0)]),
        ("a [red] apple", [("a ", 1.0), ("red", 0.9091), (" apple", 1.0)]),
        ("(a (red:2) apple:0.5)", [("a ", 0.5), ("red", 1.0), (" apple", 0.5)]),
        ("(red: 1.5 )", [("red", 1.5)]),
        ("(red:.5)", [("red", 0.5)]),
        (r"a smile \(painting\)", [("a smile (painting)", 1.0)]),
        ("ratio 16:9", [("ratio 16:9", 1.0)]),
        ("open (bracket", [("open (bracket", 1.0)]),
        ("closed) bracket", [("closed) bracket", 1.0)]),
        ("odd [b", [("odd [b", 1.0)]),
        ("(a:1)(b:1)", [("ab", 1.0)]),
        ("(red:-3)", [("red", 0.0)]),
        ("(red:1000)", [("red", 10.0)]),
        ("", []),
        ("()", []),
    ],
)
def test_weights(prompt: str, expected: list[tuple[str, float]]) -> None:
    assert weights(prompt) == expected


def test_a_lora_is_taken_out_of_the_text() -> None:
    read = parse("a cat <lora:Ink Wash:0.8> on a mat <LORA:two>")
    assert read.loras == (Lora("Ink Wash", 0.8), Lora("two", 1.0))
    assert read.fragments == (Fragment("a cat on a mat"),)


def test_what_only_looks_like_a_lora_is_text() -> None:
    assert parse("<lora:name:much>").loras == ()
    assert parse("a < b > c").text == "a < b > c"
    assert parse("<lora:name:nan>").loras == ()


@given(st.text(alphabet="ab ()[]:\\.1<>lor,-", max_size=60))
def test_any_text_is_read_and_no_word_is_lost(prompt: str) -> None:
    read = parse(prompt)
    assert all(math.isfinite(each.weight) and each.weight >= 0 for each in read.fragments)
    if not read.loras:
        letters = [letter for letter in prompt if letter in "ab"]
        assert [letter for letter in read.text if letter in "ab"] == letters
