"""From the artist's fields to a request, and one sentence where that cannot be."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_daemon import CAPABILITIES

from scumble.link.encoding import to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.form import (
    MAX_EDGE,
    Action,
    Form,
    action_for,
    build_request,
    check,
    for_another_document,
    form_from_json,
    form_to_json,
    intent_for,
    with_model,
)
from scumble.link.geometry import Context, context_region
from scumble.link.protocol import MAX_HEADER
from scumble.link.values import (
    MAX_BATCH,
    MAX_PROMPT,
    MAX_SEED,
    Capabilities,
    GenerationRequest,
    Intent,
    MaskSettings,
    Mode,
    Region,
    Size,
)
from scumble.link.wire import encode

CANVAS = Size(4000, 3000)
SELECTION = Region(1000, 900, 200, 100)


def built(form: Form, canvas: Size = CANVAS, selection: Region | None = None) -> GenerationRequest:
    return build_request(form, "job-1", "doc", canvas, selection)


@pytest.mark.parametrize(
    ("selected", "strength", "action", "label", "mode"),
    [
        (False, 1.0, Action.GENERATE, "Generate", Mode.TEXT_TO_IMAGE),
        (False, 0.99, Action.REFINE, "Refine", Mode.IMAGE_TO_IMAGE),
        (True, 1.0, Action.FILL, "Fill", Mode.INPAINT),
        (True, 0.99, Action.REFINE_SELECTION, "Refine selection", Mode.INPAINT),
        (False, 0.0, Action.REFINE, "Refine", Mode.IMAGE_TO_IMAGE),
    ],
)
def test_the_button_says_what_will_happen(
    selected: bool, strength: float, action: Action, label: str, mode: Mode
) -> None:
    form = Form(prompt="apple", strength=strength)
    assert action_for(form, selected) is action
    assert (action.label, action.mode) == (label, mode)
    selection = SELECTION if selected else None
    assert built(form, selection=selection).mode is mode


@pytest.mark.parametrize(
    ("prompt", "strength", "empty", "chosen", "label"),
    [
        ("apple", 1.0, False, None, "Fill"),
        ("", 1.0, False, None, "Remove"),
        ("Add a hat", 1.0, False, None, "Add"),
        ("add a hat", 0.6, False, None, "Add"),
        ("remove the hat", 1.0, False, None, "Remove"),
        ("remove", 0.6, False, None, "Remove"),
        ("add", 1.0, False, None, "Fill"),
        ("removed paint", 1.0, False, None, "Fill"),
        ("add-on", 1.0, False, None, "Fill"),
        ("add a boat", 1.0, True, None, "Expand"),
        ("add a hat", 1.0, False, Intent.FILL, "Fill"),
        (" \n, <lora:detail:0.8>", 1.0, False, None, "Remove"),
        ("", 0.6, False, None, "Refine selection"),
        ("apple", 1.0, True, None, "Expand"),
        ("", 1.0, True, None, "Expand"),
        ("apple", 0.6, True, None, "Expand"),
        ("", 1.0, False, Intent.FILL, "Fill"),
        ("apple", 1.0, True, Intent.FILL, "Fill"),
        ("apple", 0.6, False, Intent.FILL, "Refine selection"),
        ("apple", 1.0, False, Intent.REMOVE, "Remove"),
        ("apple", 0.6, False, Intent.ADD, "Add"),
        ("", 1.0, False, Intent.REPLACE_BACKGROUND, "Replace background"),
    ],
)
def test_a_fill_is_for_what_selection_and_prompt_say_or_the_artist(
    prompt: str, strength: float, empty: bool, chosen: Intent | None, label: str
) -> None:
    form = Form(prompt=prompt, strength=strength, intent=chosen)
    action = action_for(form, True, empty)
    assert action.label == label
    assert re.fullmatch(r"[A-Z][^.]*\.", action.tip)
    assert action.mode is Mode.INPAINT
    assert built(form, selection=SELECTION).intent is intent_for(form, False)


@pytest.mark.parametrize(
    ("form", "empty", "intent"),
    [
        (Form("a beach"), False, Intent.REPLACE_BACKGROUND),
        (Form("a beach", strength=0.6), False, Intent.FILL),
        (Form("a beach"), True, Intent.EXPAND),
        (Form(""), False, Intent.REMOVE),
        (Form("add a palm"), False, Intent.ADD),
        (Form("a beach", intent=Intent.FILL), False, Intent.FILL),
    ],
)
def test_a_background_gives_way_to_what_is_typed(form: Form, empty: bool, intent: Intent) -> None:
    assert intent_for(form, empty, background=True) is intent
    assert action_for(form, True, empty, background=True).mode is Mode.INPAINT


def test_the_word_that_says_what_a_fill_is_for_is_no_part_of_its_prompt() -> None:
    def prompt(text: str, **more: Any) -> str:
        return built(Form(text, **more), selection=SELECTION).prompt

    assert prompt("Add  a red hat, add shadows") == "a red hat, add shadows"
    assert prompt("<lora:hats:0.8> add a hat") == "<lora:hats:0.8> a hat"
    assert prompt("add a hat", intent=Intent.ADD) == "add a hat"
    assert built(Form("add a hat")).prompt == "add a hat"


def test_without_a_selection_there_is_nothing_to_remove() -> None:
    request = built(Form(intent=Intent.REMOVE))
    assert (request.mode, request.needs_model) == (Mode.TEXT_TO_IMAGE, True)


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("steps", 0),
        ("steps", 10_000),
        ("steps", 20.0),
        ("steps", True),
        ("guidance_scale", math.nan),
        ("guidance_scale", math.inf),
        ("guidance_scale", 0.5),
        ("guidance_scale", "7"),
        ("strength", -0.01),
        ("strength", 1.01),
        ("strength", math.nan),
        ("seed", -1),
        ("seed", MAX_SEED + 1),
        ("batch", 0),
        ("batch", 17),
        ("padding", -1),
        ("padding", 1.5),
        ("mask", MaskSettings(grow=math.nan)),
        ("mask", MaskSettings(feather=-1.0)),
        ("mask", MaskSettings(feather=5000.0)),
        ("mask", MaskSettings(blend=math.inf)),
        ("mask_percent", MaskSettings(grow=101.0)),
        ("mask_percent", MaskSettings(blend=-1.0)),
        ("prompt", "x" * (MAX_PROMPT + 1)),
        ("negative_prompt", "x" * (MAX_PROMPT + 1)),
        ("prompt", "🍎" * (MAX_PROMPT - 1)),
    ],
)
def test_what_is_out_of_range_is_one_sentence(field: str, wrong: Any) -> None:
    form = replace(Form(negative_prompt="🍎" * 5000), **{field: wrong})
    labels = {"batch": "results", "mask": "grow|feather|blend", "mask_percent": "grow|blend"}
    label = labels.get(field, field.replace("_", " "))
    with pytest.raises(ScumbleError, match=label) as caught:
        check(form)
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert re.fullmatch(r"[A-Z][^.]*\.", caught.value.info.message)


@pytest.mark.parametrize("canvas", [Size(0, 10), Size(10, 0), Size(16385, 10), Size(16384, 16384)])
def test_a_canvas_without_pixels_or_too_many_is_refused(canvas: Size) -> None:
    with pytest.raises(ScumbleError) as caught:
        built(Form(), canvas)
    assert caught.value.code is ErrorCode.BAD_REQUEST


@pytest.mark.parametrize(
    "selection", [Region(5000, 0, 10, 10), Region(-20, 0, 20, 10), Region(5, 5, 0, 10)]
)
def test_a_selection_without_pixels_on_the_canvas_is_refused(selection: Region) -> None:
    with pytest.raises(ScumbleError, match="selection"):
        built(Form(), selection=selection)


def test_the_longest_prompts_that_pass_fit_into_a_header() -> None:
    form = Form(prompt="林" * MAX_PROMPT, negative_prompt="é" * MAX_PROMPT)
    header = {"type": "submit", "id": 1, "request": to_wire(built(form))}
    assert len(encode(header)[0]) < MAX_HEADER


def test_half_of_a_surrogate_pair_does_not_keep_a_prompt_from_leaving() -> None:
    request = built(Form(prompt=" apple \ud83c"))
    assert request.prompt == "apple ?"
    encode({"request": to_wire(request)})


def test_the_masks_widths_are_pixels_or_percents_of_the_selections_side() -> None:
    form = Form(
        mask=MaskSettings(grow=12.0, feather=3.0), mask_percent=MaskSettings(feather=10.0, blend=5)
    )
    side = math.sqrt(SELECTION.width * SELECTION.height)
    assert built(form, selection=SELECTION).mask == MaskSettings(12.0, 0.1 * side, 0.05 * side)
    double = replace(SELECTION, width=2 * SELECTION.width, height=2 * SELECTION.height)
    mask = built(form, selection=double).mask
    assert mask == MaskSettings(12.0, pytest.approx(0.2 * side), pytest.approx(0.1 * side))
    huge = built(form, Size(16000, 8000), Region(0, 0, 16000, 8000)).mask
    assert huge.feather == MAX_EDGE


@pytest.mark.parametrize("context", list(Context))
def test_the_context_is_geometrys(context: Context) -> None:
    request = built(Form(context=context), selection=SELECTION)
    assert request.region == context_region(SELECTION, CANVAS, context)


def test_the_context_in_auto_fits_the_model_that_draws() -> None:
    first = CAPABILITIES.models[0]
    small = Capabilities((first, replace(first, id="small", native=128)), CAPABILITIES.samplers)

    def region(form: Form) -> Region:
        return build_request(form, "job-1", "doc", CANVAS, SELECTION, small).region

    usual = context_region(SELECTION, CANVAS)
    tight = context_region(SELECTION, CANVAS, native=128)
    assert tight.width < usual.width
    assert region(Form(prompt="fig")) == usual  # the first model
    assert region(Form(prompt="fig", model="small")) == tight
    assert region(Form(prompt="fig", model="gone")) == usual
    assert region(Form(model="small")) == usual  # what goes away needs its surroundings, no model
    assert region(Form(prompt="fig", model="small", context=Context.WIDE)).width > usual.width


def test_pixels_of_padding_and_a_marked_context_go_before_the_choice() -> None:
    padded = built(Form(padding=10), selection=SELECTION)
    assert padded.region == Region(990, 890, 220, 120)
    marked = built(Form(padding=10, marked=Region(900, 800, 500, 500)), selection=SELECTION)
    assert marked.region == Region(900, 800, 500, 500)


def test_the_context_does_not_jump_with_strength() -> None:
    regions = {built(Form(strength=s / 100), selection=SELECTION).region for s in range(101)}
    assert len(regions) == 1


def test_a_held_seed_is_kept_and_a_random_one_is_drawn_each_time() -> None:
    assert built(Form(seed=7)).seed == 7
    seeds = {built(Form()).seed for _ in range(20)}
    assert len(seeds) == 20
    assert all(0 <= seed <= 2**31 - MAX_BATCH for seed in seeds), "not all of GIMP's integers"


def test_everything_else_travels_as_it_is() -> None:
    form = Form(
        prompt=" a red apple\n",
        negative_prompt="blur",
        steps=31,
        guidance_scale=5,
        strength=0.5,
        batch=3,
        intent=Intent.REMOVE,
        mask=MaskSettings(4.0, 9.0),
        colour_match=False,
        focus=True,
        gradient_domain=True,
    )
    request = built(form, selection=SELECTION)
    assert (request.id, request.document, request.canvas) == ("job-1", "doc", CANVAS)
    assert (request.prompt, request.negative_prompt) == ("a red apple", "blur")
    assert (request.steps, request.guidance_scale, request.strength) == (31, 5.0, 0.5)
    assert isinstance(request.guidance_scale, float)
    assert (request.batch, request.intent, request.mask) == (3, Intent.REMOVE, form.mask)
    assert (request.colour_match, request.focus, request.gradient_domain) == (False, True, True)


def test_what_the_artist_left_open_is_the_first_models_own() -> None:
    request = with_model(built(Form()), CAPABILITIES)
    assert (request.model, request.sampler) == ("starter", "ddim")
    request = with_model(built(Form(model="texts", sampler="euler")), CAPABILITIES)
    assert (request.model, request.sampler) == ("texts", "euler")


@pytest.mark.parametrize(
    ("form", "selection", "code"),
    [
        (Form(model="gone"), None, ErrorCode.MODEL_MISSING),
        (Form(prompt="fig", model="texts"), SELECTION, ErrorCode.UNSUPPORTED),
        (Form(model="texts", sampler="ddim"), None, ErrorCode.UNSUPPORTED),
        (Form(sampler="nonsense"), None, ErrorCode.UNSUPPORTED),
    ],
)
def test_what_a_model_cannot_do_is_told_before_anything_is_read(
    form: Form, selection: Region | None, code: ErrorCode
) -> None:
    with pytest.raises(ScumbleError) as caught:
        with_model(built(form, selection=selection), CAPABILITIES)
    assert caught.value.code is code
    assert caught.value.info.hint


def test_what_is_removed_needs_no_model() -> None:
    form = Form(intent=Intent.REMOVE, model="gone", sampler="nonsense")
    asked = with_model(built(form, selection=SELECTION), Capabilities((), ()))
    assert (asked.model, asked.sampler) == ("", "")


def test_no_model_at_all_is_told() -> None:
    with pytest.raises(ScumbleError, match="no model yet"):
        with_model(built(Form()), Capabilities((), ()))


FORMS = st.builds(
    Form,
    prompt=st.text(max_size=20),
    steps=st.integers(1, 200),
    strength=st.floats(0, 1),
    seed=st.none() | st.integers(0, MAX_SEED),
    context=st.sampled_from(Context),
    padding=st.none() | st.integers(0, 500),
    marked=st.none() | st.just(SELECTION),
    intent=st.none() | st.sampled_from(Intent),
    marked_by=st.none() | st.text(max_size=9),
    mask=st.builds(MaskSettings, st.none() | st.floats(0, 9), st.none() | st.floats(0, 9)),
    mask_percent=st.builds(MaskSettings, blend=st.none() | st.floats(0, 9)),
)


@given(FORMS)
def test_a_form_is_remembered_as_it_was(form: Form) -> None:
    assert form_from_json(form_to_json(form)) == form


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", "[" * 50_000])
def test_what_cannot_be_read_is_a_fresh_form(text: str) -> None:
    assert form_from_json(text) == Form()


def test_another_versions_fields_do_not_cost_the_rest() -> None:
    data = {**json.loads(form_to_json(Form(prompt="kept", steps=9))), "new": 1, "context": "huge"}
    assert form_from_json(json.dumps(data)) == Form(prompt="kept", steps=9)


def test_what_marks_the_context_stays_in_its_own_document() -> None:
    form = Form(prompt="a hut", steps=7, marked=Region(1, 2, 3, 4), marked_by="mark")
    assert for_another_document(form) == Form(prompt="a hut", steps=7)
