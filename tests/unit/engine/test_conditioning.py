"""Prompts as the UNet reads them: plain, weighted, long, and kept."""

from __future__ import annotations

from functools import cache

import pytest
import tiny
import torch

from scumble.engine import loading
from scumble.engine.conditioning import condition, encode
from scumble.engine.devices import DEVICES
from scumble.engine.model import KEPT_ENCODINGS, Model
from scumble.engine.prompts import parse
from scumble.link.values import Size

SIZE = Size(64, 64)
LONG = "a very long description of many things, " * 20


@cache
def model(name: str) -> Model:
    return loading.load(tiny.entry(name), DEVICES["cpu"])


def states(name: str, prompt: str) -> torch.Tensor:
    with torch.no_grad():
        return encode(model(name), parse(prompt)).states


def test_neutral_weights_are_no_weights() -> None:
    assert torch.equal(states("sd1", "a (red:1.0) apple"), states("sd1", "a red apple"))


@pytest.mark.parametrize("name", ["sd1", "sd2", "sdxl"])
def test_a_weight_moves_the_encoding_the_further_the_larger_it_is(name: str) -> None:
    plain = states(name, "a red apple")
    some = (states(name, "a (red:1.2) apple") - plain).norm()
    more = (states(name, "a (red:1.6) apple") - plain).norm()
    assert 0 < some < more


def test_a_weight_below_one_leads_to_the_prompt_without_the_word() -> None:
    plain = states("sd1", "a red apple")
    less = (states("sd1", "a (red:0.7) apple") - plain).norm()
    gone = (states("sd1", "a (red:0.1) apple") - plain).norm()
    assert 0 < less < gone


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
def test_what_stands_beyond_77_tokens_counts(name: str) -> None:
    one, other = states(name, LONG + "a cat"), states(name, LONG + "a dog")
    assert one.shape[1] > 77
    assert one.shape[1] % 77 == 0
    assert not torch.equal(one, other)


@pytest.mark.parametrize("name", ["sd1", "sdxl"])
@pytest.mark.parametrize(("prompt", "negative"), [(LONG, "blurry"), ("a cat", LONG), (LONG, "")])
def test_prompts_of_different_length_go_together(name: str, prompt: str, negative: str) -> None:
    made = condition(model(name), parse(prompt), parse(negative), 5.0, SIZE)
    assert made.copies == 2
    assert made.states.shape[1] == states(name, LONG).shape[1]


def test_without_guidance_the_negative_prompt_is_not_encoded() -> None:
    assert condition(model("sd1"), parse("a cat"), parse("a dog"), 1.0, SIZE).copies == 1


def test_sdxl_is_told_its_size() -> None:
    made = condition(model("sdxl"), parse("a cat"), parse(""), 5.0, Size(80, 48))
    assert made.added is not None
    assert made.added["time_ids"].tolist() == [[48, 80, 0, 0, 48, 80]] * 2
    assert made.added["text_embeds"].shape == (2, tiny.WIDTH_2)


def test_the_same_prompt_is_encoded_once_and_old_ones_are_forgotten() -> None:
    loaded = model("sd1")
    with torch.no_grad():
        first = encode(loaded, parse("a cat"))
        assert encode(loaded, parse("a cat")) is first
        for number in range(KEPT_ENCODINGS):
            encode(loaded, parse(f"cat number {number}"))
        assert encode(loaded, parse("a cat")) is not first
    assert len(loaded.encodings) == KEPT_ENCODINGS


@pytest.mark.parametrize("prompt", ["( :1.4)", "(:1.4)", "!!! (???:1.3) ...", "((\U0001f34e:1.2))"])
def test_odd_prompts_are_encoded(prompt: str) -> None:
    assert torch.isfinite(states("sd1", prompt)).all()
