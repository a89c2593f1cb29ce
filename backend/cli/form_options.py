"""The options that fill, generate and refine share, and the Form they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from scumble.link.errors import bad_request
from scumble.link.form import Form
from scumble.link.geometry import Context
from scumble.link.values import Intent, MaskSettings, ModelInfo, Prefill


def describe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--prompt", "-p", default="", metavar="TEXT", help="what to draw")
    parser.add_argument("--negative", "-n", default="", metavar="TEXT", help="what to avoid")
    parser.add_argument("--model", "-m", default="", metavar="ID", help="see: scumble models list")
    parser.add_argument("--sampler", default="", metavar="ID", help="default: the model's own")
    parser.add_argument("--steps", type=int, metavar="N", help="default: the model's own")
    parser.add_argument(
        "--cfg", type=float, metavar="SCALE", help="guidance scale; default: the model's own"
    )
    parser.add_argument("--seed", type=int, metavar="N", help="default: a random one")
    parser.add_argument("--batch", type=int, default=1, metavar="N", help="number of results")
    parser.add_argument(
        "--out",
        "-o",
        type=Path,
        action="append",
        required=True,
        metavar="FILE",
        help=".ora keeps the layers, .png the merged picture; may be given several times",
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line on stdout, for scripts"
    )


def describe_strength(parser: argparse.ArgumentParser, default: float) -> None:
    parser.add_argument(
        "--strength",
        type=float,
        default=default,
        metavar="0…1",
        help=f"0 keeps what is there, 1 redraws it (default: {default:g})",
    )


def describe_mask(parser: argparse.ArgumentParser) -> None:
    """What only a fill has: context, mask and intent."""
    parser.add_argument(
        "--context",
        default=Context.AUTO.value,
        metavar="HOW",
        help="how much of the surroundings the model sees: tight, auto, wide, whole, or pixels",
    )
    parser.add_argument("--intent", choices=[intent.value for intent in Intent])
    parser.add_argument(
        "--prefill",
        choices=[prefill.value for prefill in Prefill],
        default=Prefill.AUTO.value,
        help="what stands in the selection before the first step",
    )
    parser.add_argument("--grow", type=float, metavar="PIXELS", help="repaint under the edge")
    parser.add_argument("--feather", type=float, metavar="PIXELS", help="soften the layer's edge")
    parser.add_argument(
        "--focus", action="store_true", help="apply the prompt to the selection only"
    )
    parser.add_argument(
        "--no-colour-match", action="store_true", help="leave the model's colours as they come"
    )


def form_maker(options: argparse.Namespace) -> Callable[[ModelInfo], Form]:
    """A function from the model that will run to the form: it fills in the model's defaults.

    Raises ScumbleError (bad_request) on a context that is none.
    """
    context, padding = _context(getattr(options, "context", Context.AUTO.value))
    intent = getattr(options, "intent", None)

    def make(model: ModelInfo) -> Form:
        return Form(
            prompt=options.prompt,
            negative_prompt=options.negative,
            model=options.model,
            sampler=options.sampler,
            steps=model.steps if options.steps is None else options.steps,
            guidance_scale=model.guidance_scale if options.cfg is None else options.cfg,
            strength=getattr(options, "strength", 1.0),
            seed=options.seed,
            batch=options.batch,
            context=context,
            padding=padding,
            intent=Intent(intent) if intent else None,
            prefill=Prefill(getattr(options, "prefill", Prefill.AUTO.value)),
            mask=MaskSettings(getattr(options, "grow", None), getattr(options, "feather", None)),
            colour_match=not getattr(options, "no_colour_match", False),
            focus=getattr(options, "focus", False),
        )

    return make


def _context(text: str) -> tuple[Context, int | None]:
    if text.isdecimal():
        return Context.AUTO, int(text)
    try:
        return Context(text.lower()), None
    except ValueError:
        raise bad_request(
            f"{text!r} is not a context.", "Say tight, auto, wide, whole, or a number of pixels."
        ) from None
