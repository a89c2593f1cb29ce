"""What the artist asked for, checked and turned into a request.

A `Form` holds the docker's fields as they are; it survives as JSON
(`form_to_json`, `form_from_json`) in a document or in the editor's settings.
"""

from __future__ import annotations

import json
import math
import secrets
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Dict, Optional

from .encoding import from_wire, to_wire
from .errors import ErrorCode, ScumbleError, bad_request
from .geometry import Context, ContextChoice, context_region
from .naming import asked, without_tags
from .values import (
    MAX_BATCH,
    MAX_GUIDANCE,
    MAX_PIXELS,
    MAX_PROMPT,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    Capabilities,
    GenerationRequest,
    Intent,
    MaskSettings,
    Mode,
    ModelInfo,
    Prefill,
    Region,
    Size,
)

MAX_PROMPT_BYTES = 48 * 1024  # both prompts in UTF-8; a header holds at most 64 KiB
MAX_PADDING = MAX_SIDE  # pixels
MAX_EDGE = 1024.0  # pixels; the widest grow, feather and blend
MAX_EDGE_PERCENT = 100.0  # of the selection's side


@dataclass(frozen=True)
class Form:
    """The docker's fields.

    model "": the first one offered. sampler "": the model's own. strength: 0
    (keep) … 1 (redraw). seed None: a random one each time. context: how much
    of the surroundings the model sees; padding (canvas pixels), marked (a
    rectangle) or marked_by (the name of a layer whose bounds are the
    rectangle) say it instead where they are not None. intent None: chosen by
    `intent_for`. mask: in pixels; mask_percent: in percent of the selection's
    side, which goes before pixels where it is not None.
    """

    prompt: str = ""
    negative_prompt: str = ""
    model: str = ""
    sampler: str = ""
    steps: int = 20
    guidance_scale: float = 7.0
    strength: float = 1.0
    seed: Optional[int] = None
    batch: int = 1
    context: Context = Context.AUTO
    padding: Optional[int] = None
    marked: Optional[Region] = None
    marked_by: Optional[str] = None
    intent: Optional[Intent] = None
    prefill: Prefill = Prefill.AUTO
    mask: MaskSettings = field(default_factory=MaskSettings)
    mask_percent: MaskSettings = field(default_factory=MaskSettings)
    colour_match: bool = True
    focus: bool = False
    gradient_domain: bool = False


class Action(Enum):
    """What the button will do: `label` is what it says, `tip` one sentence more."""

    GENERATE = "Generate", "Draws a picture over the whole canvas."
    REFINE = "Refine", "Redraws the whole picture, as much as the strength says."
    FILL = "Fill", "Paints what you type into the selection, to fit what is round it."
    REFINE_SELECTION = "Refine selection", "Redraws the selection, as much as the strength says."
    EXPAND = "Expand", "Continues the picture into the empty canvas that is selected."
    ADD = "Add", "Puts what you type into what is selected, and keeps its light and colours."
    REMOVE = "Remove", "Takes away what is selected and closes the gap; needs no model."
    REPLACE_BACKGROUND = (
        "Replace background",
        "Paints a new background where the old one is selected; the rest stays.",
    )

    def __init__(self, label: str, tip: str) -> None:
        self.label = label
        self.tip = tip

    @property
    def mode(self) -> Mode:
        if self is Action.GENERATE:
            return Mode.TEXT_TO_IMAGE
        return Mode.IMAGE_TO_IMAGE if self is Action.REFINE else Mode.INPAINT


_FILLS = {
    Intent.FILL: Action.FILL,
    Intent.EXPAND: Action.EXPAND,
    Intent.ADD: Action.ADD,
    Intent.REMOVE: Action.REMOVE,
    Intent.REPLACE_BACKGROUND: Action.REPLACE_BACKGROUND,
}


def intent_for(form: Form, empty: bool, background: bool = False) -> Intent:
    """What a fill is for: as the artist chose, else by what is selected and typed.

    empty: most of what is selected is empty canvas, which is expanded into.
    background: it lies round a subject (background.py). A prompt that begins
    with "add" or "remove" says it itself. Below full strength what is selected
    shall be refined; at full strength it goes away without a prompt, and a
    background gives way to the prompt's.
    """
    if form.intent is not None:
        return form.intent
    if empty:
        return Intent.EXPAND
    told, _ = asked(form.prompt)
    if told is not None:
        return told
    if form.strength < 1.0:
        return Intent.FILL
    if not without_tags(form.prompt):
        return Intent.REMOVE
    return Intent.REPLACE_BACKGROUND if background else Intent.FILL


def action_for(form: Form, selected: bool, empty: bool = False, background: bool = False) -> Action:
    """A selection is filled, the whole canvas generated; below full strength both are refined.

    empty, background: as in `intent_for`.
    """
    full = form.strength >= 1.0
    if not selected:
        return Action.GENERATE if full else Action.REFINE
    intent = intent_for(form, empty, background)
    return Action.REFINE_SELECTION if intent is Intent.FILL and not full else _FILLS[intent]


def check(form: Form) -> None:
    """Raise ScumbleError (bad_request) with one sentence about the first field that is wrong."""
    for name, text in (("prompt", form.prompt), ("negative prompt", form.negative_prompt)):
        if len(text) > MAX_PROMPT:
            raise bad_request("The %s is longer than %d characters." % (name, MAX_PROMPT))
    if len(_clean(form.prompt + form.negative_prompt).encode("utf-8")) > MAX_PROMPT_BYTES:
        raise bad_request("The prompts are too long.", "Shorten the prompt.")
    _check_whole("steps", form.steps, 1, MAX_STEPS)
    _check_whole("number of results", form.batch, 1, MAX_BATCH)
    _check_number("guidance scale", form.guidance_scale, 1.0, MAX_GUIDANCE)
    _check_number("strength", form.strength, 0.0, 1.0)
    if form.seed is not None:
        _check_whole("seed", form.seed, 0, MAX_SEED)
    if form.padding is not None:
        _check_whole("padding", form.padding, 0, MAX_PADDING)
    for widths, most in ((form.mask, MAX_EDGE), (form.mask_percent, MAX_EDGE_PERCENT)):
        for name in ("grow", "feather", "blend"):
            width = getattr(widths, name)
            if width is not None:
                _check_number(name, width, 0.0, most)


def build_request(
    form: Form,
    job_id: str,
    document: str,
    canvas: Size,
    selection: Optional[Region],
    capabilities: Optional[Capabilities] = None,
) -> GenerationRequest:
    """The request that the form makes on this canvas; a random seed is drawn here.

    Model and sampler are the form's own, which may be ""; `with_model` settles
    them. The intent is that of a selection that is neither empty canvas nor a
    background. The context fits the model, where the capabilities tell it and
    one is needed. Raises ScumbleError (bad_request).
    """
    check(form)
    _check_canvas(canvas)
    action = action_for(form, selection is not None)
    region = Region(0, 0, canvas.width, canvas.height)
    intent = Intent.FILL
    if selection is not None:
        intent = intent_for(form, False)
        region = _context(form, selection, canvas, _native(form, intent, capabilities))
    if region.size.pixels > MAX_PIXELS:
        raise bad_request("The region is too large.", "Select less.")
    return GenerationRequest(
        id=job_id,
        mode=action.mode,
        prompt=_clean(_prompt(form, selection is not None)),
        negative_prompt=_clean(form.negative_prompt),
        model=form.model,
        sampler=form.sampler,
        steps=form.steps,
        guidance_scale=float(form.guidance_scale),
        strength=float(form.strength),
        seed=draw_seed() if form.seed is None else form.seed,
        batch=form.batch,
        canvas=canvas,
        region=region,
        document=document,
        intent=intent,
        prefill=form.prefill,
        mask=form.mask if selection is None else _in_pixels(form, selection),
        colour_match=form.colour_match,
        focus=form.focus,
        gradient_domain=form.gradient_domain,
    )


def with_model(request: GenerationRequest, capabilities: Capabilities) -> GenerationRequest:
    """The request with its model and sampler settled: "" is the first model, the model's own.

    Where none is needed, none is named. Raises ScumbleError: model_missing, unsupported.
    """
    if not request.needs_model:
        return replace(request, model="", sampler="")
    wanted = request.model
    model = _model(wanted, capabilities)
    if model is None:
        raise ScumbleError(
            ErrorCode.MODEL_MISSING,
            "The model %s is not there." % wanted if wanted else "There is no model yet.",
            "Choose another model, or add one with: scumble models add.",
        )
    if request.mode not in model.modes:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            "%s cannot do this (%s)." % (model.name, request.mode.value.replace("_", " ")),
            "Choose another model.",
        )
    if request.sampler and request.sampler not in model.samplers:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            "%s cannot use the sampler %s." % (model.name, request.sampler),
            "Choose another sampler.",
        )
    return replace(request, model=model.id, sampler=request.sampler or model.sampler)


def _model(wanted: str, capabilities: Capabilities) -> Optional[ModelInfo]:
    return next((m for m in capabilities.models if wanted in ("", m.id)), None)


def draw_seed() -> int:
    """A random seed. GIMP's scripts can ask for it again, and for its batch's, in 31 bits."""
    return secrets.randbelow(2**31 - MAX_BATCH)


def for_another_document(form: Form) -> Form:
    """The form as a start elsewhere: without what marks the context in its own document."""
    return replace(form, marked=None, marked_by=None)


def form_to_json(form: Form) -> str:
    return json.dumps(to_wire(form))


def form_from_json(text: str) -> Form:
    """What `form_to_json` wrote; a field that does not fit (another version's) is the default."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return Form()
    known: Dict[str, Any] = {}
    for name, value in data.items() if isinstance(data, dict) else ():
        try:
            from_wire(Form, {name: value})
        except ScumbleError:
            continue
        known[name] = value
    return from_wire(Form, known)


def _prompt(form: Form, selected: bool) -> str:
    """Without the word that only says what the fill is for."""
    return asked(form.prompt)[1] if selected and form.intent is None else form.prompt


def _clean(text: str) -> str:
    # an editor's text field may hold half of a surrogate pair, which no encoding can write
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def _check_whole(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise bad_request("The %s must be a whole number from %d to %d." % (name, low, high))


def _check_number(name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise bad_request("The %s must be a number." % name)
    if not low <= value <= high:
        raise bad_request("The %s must lie between %g and %g." % (name, low, high))


def _check_canvas(canvas: Size) -> None:
    if canvas.width < 1 or canvas.height < 1:
        raise bad_request("The document has no pixels.")
    if max(canvas.width, canvas.height) > MAX_SIDE:
        raise bad_request("A side of the document is longer than %d pixels." % MAX_SIDE)


def _in_pixels(form: Form, selection: Region) -> MaskSettings:
    """The mask's widths in canvas pixels; percents are of the selection's mean side."""
    side = math.sqrt(selection.size.pixels)

    def width(name: str) -> Optional[float]:
        percent = getattr(form.mask_percent, name)
        pixels: Optional[float] = getattr(form.mask, name)
        return pixels if percent is None else min(percent / 100.0 * side, MAX_EDGE)

    return MaskSettings(width("grow"), width("feather"), width("blend"))


def _native(form: Form, intent: Intent, capabilities: Optional[Capabilities]) -> Optional[int]:
    """The native side of the model that will draw; None where none will or it is not known."""
    if capabilities is None or intent is Intent.REMOVE:
        return None
    model = _model(form.model, capabilities)
    return None if model is None else model.native


def _context(form: Form, selection: Region, canvas: Size, native: Optional[int]) -> Region:
    choice: ContextChoice = form.context
    if form.marked is not None:
        choice = form.marked
    elif form.padding is not None:
        choice = form.padding
    return context_region(selection, canvas, choice, native)
