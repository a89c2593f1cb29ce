"""What a request must be before it is let in: every field, its pixels, its model.

`encoding.from_wire` has made sure of the types; here it is values and sizes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from scumble.link.errors import ErrorCode, ScumbleError, bad_request
from scumble.link.values import (
    MAX_BATCH,
    MAX_GUIDANCE,
    MAX_PIXELS,
    MAX_PROMPT,
    MAX_SEED,
    MAX_SIDE,
    MAX_STEPS,
    Capabilities,
    GenerationRequest,
    Mode,
    ModelInfo,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}\Z")  # job and client ids; they name files
MAX_DOCUMENT = 1024  # characters
RANGES = (
    ("steps", "Steps", 1, MAX_STEPS),
    ("guidance_scale", "The guidance scale", 1, MAX_GUIDANCE),
    ("strength", "The strength", 0, 1),
    ("seed", "The seed", 0, MAX_SEED),
    ("batch", "The number of results", 1, MAX_BATCH),
)
# pixels, mask: whether the mode brings them
BLOBS = {
    Mode.TEXT_TO_IMAGE: (False, False),
    Mode.IMAGE_TO_IMAGE: (True, False),
    Mode.INPAINT: (True, True),
}


def check(
    request: GenerationRequest, blobs: Sequence[bytes], offer: Callable[[], Capabilities]
) -> None:
    """Raise ScumbleError unless the request can be handed to the worker as it stands.

    offer: what there is to choose from; not asked for a request that needs no model.
    bad_request: a value or blob that does not fit; model_missing: a model that
    is not registered; unsupported: something this model cannot do.
    """
    check_values(request)
    if request.needs_model:
        check_model(request, offer())
    check_blobs(request, blobs)


def check_name(name: str, what: str) -> None:
    """Refuse ids that could not stand in a file's name."""
    if not NAME.match(name):
        raise bad_request(f"{what} must be 1 to 64 letters, digits, dashes or underscores.")


def check_values(request: GenerationRequest) -> None:
    check_name(request.id, "A job's id")
    for field, label, low, high in RANGES:
        value = getattr(request, field)
        if not low <= value <= high:
            raise bad_request(f"{label} must lie between {low} and {high:g}, not {value:g}.")
    for text in (request.prompt, request.negative_prompt):
        if len(text) > MAX_PROMPT:
            raise bad_request(f"A prompt holds at most {MAX_PROMPT} characters.", "Shorten it.")
    if len(request.document) > MAX_DOCUMENT:
        raise bad_request(f"A document's name holds at most {MAX_DOCUMENT} characters.")
    for width in (request.mask.grow, request.mask.feather, request.mask.blend):
        if width is not None and not 0 <= width <= MAX_SIDE:
            raise bad_request(f"The mask's widths must lie between 0 and {MAX_SIDE} pixels.")
    _check_sizes(request)


def _check_sizes(request: GenerationRequest) -> None:
    region = request.region
    for what, size in (("The canvas", request.canvas), ("The area", region.size)):
        if min(size.width, size.height) < 1:
            raise bad_request(f"{what} is empty.", "Select something, or nothing at all.")
        if max(size.width, size.height) > MAX_SIDE:
            raise bad_request(f"{what} is wider or higher than {MAX_SIDE} pixels.")
    if region.size.pixels > MAX_PIXELS:
        raise bad_request(
            f"The area has more than {MAX_PIXELS // 1024**2} million pixels.",
            "Take a smaller selection.",
        )
    if max(abs(region.x), abs(region.y)) > MAX_SIDE:
        raise bad_request("The area lies too far outside the canvas.")


def check_model(request: GenerationRequest, offer: Capabilities) -> ModelInfo:
    """The model that the request names, if it can do what is asked."""
    model = next((each for each in offer.models if each.id == request.model), None)
    if model is None:
        raise ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"The model “{request.model[:80]}” is not installed.",
            "Choose another model, or add it with “scumble models add”.",
        )
    if request.mode not in model.modes:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            f"The model “{model.name}” cannot do this ({request.mode.value}).",
            "Choose another model.",
        )
    if request.sampler not in {each.id for each in offer.samplers}:
        raise bad_request(
            f"There is no sampler “{request.sampler[:80]}”.", "Choose one from the list."
        )
    if request.sampler not in model.samplers:
        raise ScumbleError(
            ErrorCode.UNSUPPORTED,
            f"The model “{model.name}” cannot use the sampler “{request.sampler}”.",
            "Choose another sampler.",
        )
    return model


def check_blobs(request: GenerationRequest, blobs: Sequence[bytes]) -> None:
    pixels = request.region.size.pixels
    wanted = [
        length
        for length, there in zip((pixels * 4, pixels), BLOBS[request.mode], strict=True)
        if there
    ]
    if len(blobs) != len(wanted):
        raise bad_request(f"{request.mode.value} takes {len(wanted)} blobs, not {len(blobs)}.")
    for name, blob, length in zip(("picture", "mask"), blobs, wanted, strict=False):
        if len(blob) != length:
            raise bad_request(f"The {name} has {len(blob)} bytes where its area has {length}.")
    if request.mode is Mode.INPAINT and blobs[1].count(0) == pixels:
        raise bad_request("The selection is empty.", "Select the part that should change.")
