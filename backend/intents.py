"""What each intent does with a fill: a row each. Imports no torch and no numpy.

What is removed needs no model (`GenerationRequest.needs_model`): the gap is
closed with pieces of what lies round it. Its row holds for programs that ask
for its pre-fill all the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from scumble.link.values import GenerationRequest, Intent, Mode, Prefill


@dataclass(frozen=True)
class Behaviour:
    """prefill: what AUTO stands for at full strength; refined: below it.

    focused: the prompt holds inside the mask only, asked for or not. most: the
    highest strength; below 1 what is selected shines through the first steps
    with its light and colours, whatever is drawn there.
    """

    prefill: Prefill
    refined: Prefill = Prefill.NONE
    focused: bool = False
    most: float = 1.0


BEHAVIOURS = {
    Intent.FILL: Behaviour(Prefill.BLUR),
    Intent.EXPAND: Behaviour(Prefill.BORDER, refined=Prefill.BORDER),
    Intent.ADD: Behaviour(Prefill.NONE, focused=True, most=0.9),
    Intent.REMOVE: Behaviour(Prefill.BORDER, refined=Prefill.BORDER),
    Intent.REPLACE_BACKGROUND: Behaviour(Prefill.NEUTRAL, focused=True),
}


def strength_of(request: GenerationRequest) -> float:
    """At which strength the request is drawn, 0 … 1."""
    if request.mode is Mode.TEXT_TO_IMAGE:
        return 1.0
    if request.mode is Mode.IMAGE_TO_IMAGE:
        return request.strength
    return min(request.strength, BEHAVIOURS[request.intent].most)


def prefill_of(request: GenerationRequest) -> Prefill:
    """The request's pre-fill; never AUTO.

    Below full strength what is there is what the artist wants refined; at full
    strength the denoising starts from noise and the pre-fill only lends it the
    colours around.
    """
    if request.prefill is not Prefill.AUTO:
        return request.prefill
    row = BEHAVIOURS[request.intent]
    return row.refined if request.strength < 1 else row.prefill


def is_focused(request: GenerationRequest) -> bool:
    """Whether the prompt holds inside the mask only, and the negative prompt alone outside."""
    if request.mode is not Mode.INPAINT:
        return False
    return request.focus or BEHAVIOURS[request.intent].focused
