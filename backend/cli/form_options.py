"""The options that fill, generate and refine share, and the Form they make."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from scumble.cli.run import parse_pair
from scumble.link.errors import bad_request
from scumble.link.form import Form
from scumble.link.geometry import Context, is_small
from scumble.link.values import Intent, MaskSettings, ModelInfo, Prefill, Region

WIDTHS = {
    "grow": "how far beyond the selection the model repaints",
    "feather": "over what width the layer fades in at its edge",
    "blend": "over what width the model goes over from keeping to repainting",
}


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
        help="how much of the surroundings the model sees: tight, auto, wide, whole, "
        "pixels round the selection (64 or 64px), or a rectangle X,Y,W,H",
    )
    parser.add_argument(
        "--intent",
        choices=[intent.value for intent in Intent],
        help="what the fill is for; default: expand where most of the selection is transparent, "
        "add or remove where the prompt begins with that word, remove without a prompt (which "
        "needs no model), replace_background where the selection lies round a subject, else fill",
    )
    parser.add_argument(
        "--prefill",
        choices=[prefill.value for prefill in Prefill],
        default=Prefill.AUTO.value,
        help="what stands in the selection before the first step",
    )
    for name, what in WIDTHS.items():
        parser.add_argument(
            f"--{name}",
            metavar="WIDTH",
            help=f"{what}; pixels (12) or percent of the selection's side (5%%)",
        )
    parser.add_argument(
        "--focus",
        action="store_true",
        help="apply the prompt to the selection only; outside, the negative one holds alone",
    )
    parser.add_argument(
        "--no-colour-match", action="store_true", help="leave the model's colours as they come"
    )
    parser.add_argument(
        "--gradient-domain",
        action=argparse.BooleanOptionalAction,
        help="spread what still differs along the selection's edge over the fill"
        " (small models do by themselves)",
    )


def form_maker(options: argparse.Namespace) -> Callable[[ModelInfo | None], Form]:
    """A function from the model that will run to the form: it fills in the model's defaults.

    Raises ScumbleError (bad_request) on a context or a width that is none.
    """
    context = _context(getattr(options, "context", Context.AUTO.value))
    intent = getattr(options, "intent", None)
    pixels, percent = _widths(options)
    fitted = getattr(options, "gradient_domain", None)

    def make(model: ModelInfo | None) -> Form:
        own = Form() if model is None else model
        return Form(
            prompt=options.prompt,
            negative_prompt=options.negative,
            model=options.model,
            sampler=options.sampler,
            steps=own.steps if options.steps is None else options.steps,
            guidance_scale=own.guidance_scale if options.cfg is None else options.cfg,
            strength=getattr(options, "strength", 1.0),
            seed=options.seed,
            batch=options.batch,
            context=context if isinstance(context, Context) else Context.AUTO,
            padding=context if isinstance(context, int) else None,
            marked=context if isinstance(context, Region) else None,
            intent=Intent(intent) if intent else None,
            prefill=Prefill(getattr(options, "prefill", Prefill.AUTO.value)),
            mask=pixels,
            mask_percent=percent,
            colour_match=not getattr(options, "no_colour_match", False),
            focus=getattr(options, "focus", False),
            gradient_domain=_small(model) if fitted is None else fitted,
        )

    return make


def _small(model: ModelInfo | None) -> bool:
    return model is not None and is_small(model.native)


def _context(text: str) -> Context | int | Region:
    """A word, pixels round the selection (64, 64px) or a rectangle (x,y,width,height)."""
    pixels = text.lower().removesuffix("px").strip()
    if pixels.isdecimal():
        return int(pixels)
    if "," in text:
        numbers = parse_pair(text, ",", "a rectangle (x,y,width,height)")
        if len(numbers) == 4 and min(numbers[2:]) >= 1:
            return Region(*numbers)
    else:
        with suppress(ValueError):
            return Context(text.lower())
    raise bad_request(
        f"{text!r} is not a context.",
        "Say tight, auto, wide, whole, a number of pixels, or x,y,width,height.",
    )


def _widths(options: argparse.Namespace) -> tuple[MaskSettings, MaskSettings]:
    """What was given in pixels, and what in percent."""
    pixels: dict[str, float] = {}
    percent: dict[str, float] = {}
    for name in WIDTHS:
        text = getattr(options, name, None)
        if text is None:
            continue
        try:
            number = float(text.lower().removesuffix("%").removesuffix("px"))
        except ValueError:
            raise bad_request(
                f"{text!r} is not a width for --{name}.",
                "Give pixels, such as 12, or percent of the selection, such as 5%.",
            ) from None
        (percent if text.endswith("%") else pixels)[name] = number
    return MaskSettings(**pixels), MaskSettings(**percent)
