"""What the backend offers, from the list of models alone; no torch, no weights."""

from __future__ import annotations

from collections.abc import Iterable

import scumble
from scumble.engine import samplers
from scumble.engine.pipelines import ARCHITECTURES
from scumble.link.values import Capabilities, ModelInfo
from scumble.models.entry import ModelEntry


def capabilities(entries: Iterable[ModelEntry]) -> Capabilities:
    """Models in the order of `entries`, those of unknown architectures left out."""
    models = tuple(_model(entry) for entry in entries if entry.architecture in ARCHITECTURES)
    return Capabilities(models, samplers.listing(), scumble.__version__)


def _model(entry: ModelEntry) -> ModelInfo:
    usable = samplers.usable(entry.prediction_type, entry.zero_snr)
    wanted = entry.defaults.sampler
    return ModelInfo(
        id=entry.id,
        name=entry.name,
        architecture=entry.architecture,
        native=entry.native,
        modes=ARCHITECTURES[entry.architecture].modes,
        samplers=usable,
        sampler=wanted if wanted in usable else usable[0],
        steps=entry.defaults.steps,
        guidance_scale=entry.defaults.guidance_scale,
        note=entry.note,
    )
