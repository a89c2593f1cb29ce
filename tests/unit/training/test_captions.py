"""Captions say only what is true, in words that one would type."""

import random

import pytest

from scumble.training import captions


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("Statue of Liberty", "statue of liberty"),
        ("man’s shoe", "man's shoe"),
        ("oncoming bus", "bus"),
        ("hot beverage: steaming", "hot beverage"),
        ("T-Rex", "t rex"),
    ],
)
def test_emoji_names_are_cleaned(label: str, expected: str) -> None:
    assert captions.clean_label(label) == expected


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("red_apple_jarno_vasama_01", "red apple"),
        ("apple_bw", ""),
        ("ruota_dentata_architetto_01", ""),
        ("an_apple_01", "apple"),
    ],
)
def test_clip_art_file_names_give_a_thing_or_nothing(stem: str, expected: str) -> None:
    assert captions.clean_file_name(stem, {"red", "apple", "wheel"}) == expected


def test_articles() -> None:
    assert captions.article("owl") == "an owl"
    assert captions.article("green apple") == "a green apple"
    assert captions.article("scissors") == "scissors"
    assert captions.article("bus") == "a bus"


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((0.9, 0.1, 0.1), "red"),
        ((0.1, 0.7, 0.2), "green"),
        ((0.1, 0.3, 0.9), "blue"),
        ((0.95, 0.85, 0.1), "yellow"),
        ((0.45, 0.27, 0.12), "brown"),
        ((1.0, 1.0, 1.0), "white"),
        ((0.05, 0.05, 0.05), "black"),
        ((0.5, 0.5, 0.5), "grey"),
    ],
)
def test_colours_have_their_words(rgb: tuple[float, float, float], word: str) -> None:
    assert captions.colour_word(*rgb) == word


def test_every_hue_has_a_word() -> None:
    assert {captions.hue_word(degrees) for degrees in range(360)} <= set(captions.COLOURS)


def test_a_new_colour_replaces_the_one_in_the_name() -> None:
    assert captions.with_colour("red apple", "blue") == "blue apple"
    assert captions.with_colour("car", "blue") == "blue car"


def test_the_plain_prompt() -> None:
    assert captions.prompt("red apple", "3d") == "3d render of a red apple"
    assert captions.prompt("sailboat", "flat") == "flat cartoon of a sailboat"


def test_every_caption_names_the_thing_and_no_background_that_was_not_given() -> None:
    rng = random.Random(0)
    for _ in range(200):
        text = captions.caption(rng, thing="red apple", style="3d")
        assert "apple" in text  # or an everyday word for it
        assert "background" not in text
