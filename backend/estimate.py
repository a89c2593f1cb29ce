"""How long a request will take, from what earlier runs took on this computer.

A run's time is taken to grow with the megapixels of the model's working size,
with the steps, and with the denoiser's calls a step: two with guidance or
focus, one without. What is removed without a model takes one step a picture,
whose time hardly follows the size: the gap is closed in a reduced picture.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scumble import intents
from scumble.executor import RunTimes
from scumble.journal import Timing
from scumble.link.geometry import working_size
from scumble.link.values import GenerationRequest

RECENT = 5  # runs that count; older ones may come from other drivers or a busier machine
MULTIPLE = 64  # pixels; the working size's granularity matters little here


def subject(request: GenerationRequest) -> str:
    """Under which name its runs are measured: its model's id, "" where it needs none."""
    return request.model if request.needs_model else ""


def measured(request: GenerationRequest, native: int, times: RunTimes) -> Timing:
    """What a run of `request` says about other runs of its model, which was trained at `native`.

    native: any number where no model is needed. A second pass or a sampler
    that calls the denoiser twice a step shows as a longer step: the cost is
    laid on the steps that were asked for.
    """
    size = _size(request, native)
    wanted = steps_run(request) * request.batch
    denoising = times.step * times.steps
    return Timing(
        model=subject(request),
        device=times.device,
        sampler=request.sampler,
        load=times.load,
        step=denoising / (wanted * size * _calls(request)),
        overhead=max(0.0, times.total - denoising) / (request.batch * size),
    )


def seconds(
    request: GenerationRequest,
    native: int,
    timings: Sequence[Timing],
    device: str = "",
    loaded: bool = False,
) -> float | None:
    """How long `request` will take; None when this model was never measured here.

    timings: of the request's `subject`, newest first. device: where it will run
    ("": where it ran last). loaded: the model is in memory.
    """
    device = device or (timings[0].device if timings else "")
    known = [timing for timing in timings if timing.device == device]
    if not known:
        return None
    same = [timing for timing in known if timing.sampler == request.sampler] or known
    step = _typical(timing.step for timing in same)
    overhead = _typical(timing.overhead for timing in same)
    load = 0.0 if loaded else _typical(timing.load for timing in known if timing.load > 0)
    work = step * steps_run(request) * _calls(request) + overhead
    return load + work * request.batch * _size(request, native)


def _typical(values: Iterable[float]) -> float:
    """The median of the newest; 0 of none. (`statistics` takes longer to import than it saves.)"""
    recent = sorted(list(values)[:RECENT])
    return recent[len(recent) // 2] if recent else 0.0


def _size(request: GenerationRequest, native: int) -> float:
    """By which the time grows: megapixels, or 1 where the size says little."""
    if not request.needs_model:
        return 1.0
    return working_size(request.region.size, native, MULTIPLE).pixels / 1e6


def steps_run(request: GenerationRequest) -> int:
    """How many of the steps are taken: below full strength the first ones are skipped."""
    if not request.needs_model:
        return 1
    return max(1, int(request.steps * intents.strength_of(request)))


def _calls(request: GenerationRequest) -> int:
    if not request.needs_model:
        return 1
    return 2 if request.guidance_scale > 1 or intents.is_focused(request) else 1
