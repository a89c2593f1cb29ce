"""What every editor calls the same things: choices, states, times.

A table of choices holds (label, value) in the order in which they are offered.
"""

from __future__ import annotations

from typing import Any, Optional, Tuple

from .form import Form
from .geometry import Context
from .naming import result_name
from .values import (
    Capabilities,
    Intent,
    Job,
    JobState,
    Prefill,
    Progress,
    Result,
    WorkerState,
)

# the choices among CONTEXTS that stand for `Form.padding` and `Form.marked_by`
PADDING = "padding"
MARKED = "marked"

CONTEXTS: Tuple[Tuple[str, Any], ...] = (
    ("Tight", Context.TIGHT),
    ("Auto", Context.AUTO),
    ("Wide", Context.WIDE),
    ("Whole picture", Context.WHOLE),
    ("Pixels round it", PADDING),
    ("Marked by a layer", MARKED),
)
INTENTS: Tuple[Tuple[str, Any], ...] = (
    ("Auto", None),
    ("Fill", Intent.FILL),
    ("Expand", Intent.EXPAND),
    ("Add", Intent.ADD),
    ("Remove", Intent.REMOVE),
    ("Replace background", Intent.REPLACE_BACKGROUND),
)
PREFILLS: Tuple[Tuple[str, Any], ...] = (
    ("Auto", Prefill.AUTO),
    ("None", Prefill.NONE),
    ("Neutral grey", Prefill.NEUTRAL),
    ("Blurred", Prefill.BLUR),
    ("Border colours", Prefill.BORDER),
    ("Noise", Prefill.NOISE),
)
EDGES: Tuple[Tuple[str, str], ...] = (  # a label, and the name in `MaskSettings`
    ("Grow", "grow"),
    ("Feather", "feather"),
    ("Blend", "blend"),
)
FIT_EDGE = "Fit the edge's colours"  # in the gradient domain
PIXELS, PERCENT = "px", "%"  # the units of an edge's width
AUTO_WIDTH = "Auto"  # shown where a width is left to Scumble

# one sentence a field, for its tooltip
TIPS = {
    "prompt": "Describe the picture. Ctrl+Enter starts. (word:1.2) weighs a word.",
    "negative_prompt": "Negative prompt: what the picture shall keep away from.",
    "model": "The model that draws. Add more with: scumble models",
    "sampler": "How noise becomes a picture. Greyed: not for this model.",
    "steps": "Denoising steps: more take longer and are finer, up to a point.",
    "guidance_scale": "Guidance scale: how closely the prompt is followed. 1 is off.",
    "strength": "How much is redrawn: 100 % draws anew, less keeps what is there and refines it.",
    "seed": "The same seed and settings give the same picture again.",
    "random": "A new seed each time. Untick it to hold the number shown: the last one used.",
    "batch": "How many results, each on a layer of its own.",
    "context": "How much of the surroundings the model sees.",
    "padding": "Pixels of surroundings on each side of the selection.",
    "marked_by": "The layer that marks what the model sees: all that lies under its pixels.",
    "intent": "What the fill is for. Auto decides by what is selected and typed: a prompt may "
    "begin with “add” or “remove”.",
    "prefill": "What stands in the selection before the first step.",
    "grow": "How far beyond the selection the model repaints. Auto scales with the selection.",
    "feather": "Over what width the layer fades in at the edge. Auto scales with the selection.",
    "blend": "Over what width the model goes over to keeping what is there. Auto: half of Grow.",
    "colour_match": "Corrects a shift of colour that the model brings in.",
    "focus": "Otherwise the prompt describes the selection with its context.",
    "gradient_domain": "Spreads what still differs along the edge over the fill, and keeps what "
    "was drawn (gradient domain, Poisson).",
    "cancel": "Stop within one step; nothing is added to the document.",
    "recovered": "Pictures whose document was closed or changed its size before they were done",
}

_STARTER = "starter"  # the id of the model that ships with Scumble
_STARTER_ONLY = (
    "This is the small starter model. Larger ones are one command away:\n"
    "scumble models download NAME"
)
_NO_MODEL = "There is no model yet. Fetch one with:\nscumble models download NAME"

CONNECTION_WORDS = {"connecting": "Connecting", "ready": "Ready", "lost": "Connecting again"}
WORKER_WORDS = {
    WorkerState.STOPPED: "Ready",
    WorkerState.STARTING: "Getting ready",
    WorkerState.READY: "Ready",
    WorkerState.LOADING: "Loading the model",
    WorkerState.RUNNING: "Working",
    WorkerState.OUT_OF_MEMORY: "Out of memory",
    WorkerState.FAILED: "The worker stopped",
}
_JOB_WORDS = {JobState.QUEUED: "Waiting", JobState.LOADING: "Loading the model"}


def duration(seconds: float) -> str:
    """Time as an artist reads it: 8 s, 1 min 20 s, 5 min."""
    whole = max(round(seconds), 1)
    if whole < 60:
        return "%d s" % whole
    minutes, rest = divmod(whole, 60)
    if minutes >= 5 or rest == 0:
        return "%d min" % (minutes + (1 if rest >= 30 else 0))
    return "%d min %d s" % (minutes, rest)


def estimate_words(seconds: Optional[float]) -> str:
    """How long the next start would take; None: not known."""
    if seconds is None:
        return "Time not known yet"
    return "About %s on this computer" % duration(seconds)


def state_words(job: Job, waiting: int) -> str:
    """What a job does before its first step. waiting: how many others stand behind it."""
    return _JOB_WORDS.get(job.state, "Starting") + _waiting_words(waiting)


def progress_words(progress: Progress, waiting: int) -> str:
    """How far a job is. waiting: how many others stand behind it."""
    text = "Step %d of %d" % (progress.step, progress.steps)
    if progress.seconds_left is not None:
        text += ", %s left" % duration(progress.seconds_left)
    return text + _waiting_words(waiting)


def model_hint(capabilities: Capabilities) -> str:
    """How to get a (better) model, "" where a larger one is there."""
    known = [model.id for model in capabilities.models]
    if not known:
        return _NO_MODEL
    return _STARTER_ONLY if known == [_STARTER] else ""


def recovered_words(result: Result) -> str:
    """A result that waits to be pasted, on one line."""
    region = result.region
    return "%s, %d \u00d7 %d" % (result_name(result, ""), region.width, region.height)


def discard_question(count: int) -> Tuple[str, str]:
    """Asked before all results that wait are discarded, and what follows from a yes."""
    return (
        "Discard all %d recovered results?" % count,
        "No document has them, and they will not be offered again.",
    )


def note_words(result: Result) -> str:
    """What the artist should know of how the result was made, "" in most cases."""
    note = result.metadata.get("note")
    return note if isinstance(note, str) else ""


def context_choice(form: Form) -> Any:
    """The entry of CONTEXTS that the form stands for."""
    if form.marked_by is not None:
        return MARKED
    return form.context if form.padding is None else PADDING


def _waiting_words(waiting: int) -> str:
    return " (%d more waiting)" % waiting if waiting else ""
