"""What the editors call the same things."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_daemon import CAPABILITIES

from scumble.link.form import Form
from scumble.link.geometry import Context
from scumble.link.values import (
    Intent,
    Job,
    JobState,
    Prefill,
    Progress,
    Region,
    Result,
    WorkerState,
)
from scumble.link.wording import (
    CONTEXTS,
    INTENTS,
    MARKED,
    PADDING,
    PREFILLS,
    WORKER_WORDS,
    context_choice,
    duration,
    estimate_words,
    model_hint,
    note_words,
    progress_words,
    state_words,
)


def test_every_value_has_one_name() -> None:
    assert [value for _, value in CONTEXTS] == [*Context, PADDING, MARKED]
    assert [value for _, value in INTENTS] == [None, *Intent]
    assert [value for _, value in PREFILLS] == list(Prefill)
    assert set(WORKER_WORDS) == set(WorkerState)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (59.4, "59 s"), (60, "1 min"), (80, "1 min 20 s"), (330, "6 min")],
)
def test_time_reads_as_people_say_it(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_an_estimate_that_is_not_known_says_so() -> None:
    assert estimate_words(None) == "Time not known yet"
    assert estimate_words(8) == "About 8 s on this computer"


def test_a_job_tells_how_far_it_is_and_who_waits_behind() -> None:
    assert state_words(Job("a", "me", JobState.QUEUED), 0) == "Waiting"
    assert state_words(Job("a", "me", JobState.LOADING), 2) == "Loading the model (2 more waiting)"
    assert progress_words(Progress("a", 1, 3, 20, 80.0), 0) == "Step 3 of 20, 1 min 20 s left"


def test_a_note_is_told_where_a_result_has_one() -> None:
    """Another version's metadata may hold anything."""
    result = Result("a", 0, Region(0, 0, 1, 1), "blob", {"note": "Closed without it."})
    assert note_words(result) == "Closed without it."
    for metadata in ({}, {"note": 3}, {"note": ""}):
        assert note_words(replace(result, metadata=metadata)) == ""


def test_padding_is_the_choice_where_it_is_given() -> None:
    assert context_choice(Form(context=Context.WIDE)) is Context.WIDE
    assert context_choice(Form(context=Context.WIDE, padding=0)) is PADDING


def test_larger_models_are_hinted_at_while_there_is_none() -> None:
    only_starter = replace(CAPABILITIES.models[0], id="starter")
    assert "download" in model_hint(replace(CAPABILITIES, models=()))
    assert "starter" in model_hint(replace(CAPABILITIES, models=(only_starter,)))
    assert model_hint(CAPABILITIES) == ""
