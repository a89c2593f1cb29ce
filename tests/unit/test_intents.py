"""What an intent stands for, where the artist has not said it otherwise."""

from __future__ import annotations

import pytest
from daemons import request

from scumble import intents
from scumble.link.values import GenerationRequest, Intent, Mode, Prefill


def fill(intent: Intent, strength: float = 1.0, **more: object) -> GenerationRequest:
    return request("a", mode=Mode.INPAINT, intent=intent, strength=strength, **more)


def test_every_intent_has_its_row() -> None:
    assert set(intents.BEHAVIOURS) == set(Intent)
    for row in intents.BEHAVIOURS.values():
        assert Prefill.AUTO not in (row.prefill, row.refined)
        assert 0 < row.most <= 1


def test_auto_refines_what_is_there_and_replaces_what_is_to_go() -> None:
    assert intents.prefill_of(fill(Intent.FILL, 0.6)) is Prefill.NONE
    assert intents.prefill_of(fill(Intent.FILL)) is Prefill.BLUR
    for strength in (0.4, 1.0):
        assert intents.prefill_of(fill(Intent.EXPAND, strength)) is Prefill.BORDER
    assert intents.prefill_of(fill(Intent.ADD)) is Prefill.NONE
    assert intents.prefill_of(fill(Intent.REPLACE_BACKGROUND)) is Prefill.NEUTRAL


@pytest.mark.parametrize("intent", Intent)
def test_what_the_artist_chose_goes_first(intent: Intent) -> None:
    assert intents.prefill_of(fill(intent, prefill=Prefill.NOISE)) is Prefill.NOISE
    assert intents.is_focused(fill(intent, focus=True))


def test_what_is_added_keeps_light_and_colours_and_less_is_kept_as_asked() -> None:
    assert intents.strength_of(fill(Intent.ADD)) < 1
    assert intents.strength_of(fill(Intent.ADD, 0.4)) == 0.4
    assert intents.strength_of(fill(Intent.FILL)) == 1
    assert intents.strength_of(request("a", mode=Mode.TEXT_TO_IMAGE, strength=0.3)) == 1
    assert intents.strength_of(request("a", mode=Mode.IMAGE_TO_IMAGE, strength=0.3)) == 0.3


def test_the_prompt_is_for_the_selection_where_it_names_what_is_in_it() -> None:
    focused = {intent for intent in Intent if intents.is_focused(fill(intent))}
    assert focused == {Intent.ADD, Intent.REPLACE_BACKGROUND}
    assert not intents.is_focused(request("a", mode=Mode.IMAGE_TO_IMAGE, focus=True))
