"""The edge's colours are fitted on the way from the model's picture to the layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiny
from pictures import Pixels, photograph
from test_engine import REGION, Listener, request, rgba, selection

from scumble.engine import work
from scumble.engine.diffusion import DiffusionEngine
from scumble.imaging.composite import finish_inpaint
from scumble.imaging.crop import Prepared
from scumble.link.values import GenerationRequest, Mode, Region


def test_a_drift_of_the_models_picture_is_fitted_where_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In place of what random weights draw stands the canvas itself, 8 to 20 levels darker."""

    def darker(
        asked: GenerationRequest, prepared: Prepared, generated: Pixels
    ) -> tuple[Region, bytes]:
        drift = np.linspace(8, 20, generated.shape[1])[:, None]
        shown = np.clip(prepared.seen - drift, 0, 255)
        return finish_inpaint(asked, prepared, np.asarray(shown, np.uint8))

    monkeypatch.setattr(work, "finish_inpaint", darker)
    engine = DiffusionEngine(tiny.home(tmp_path, "sd1-inpaint"), "cpu")
    canvas = photograph(REGION.width, REGION.height)
    canvas[..., :3] = canvas[..., :3] // 2 + 60
    made = []
    for wanted in (False, True):
        asked = request(
            "sd1-inpaint", Mode.INPAINT, colour_match=False, gradient_domain=wanted, steps=1
        )
        hooks = Listener().hooks()
        made += engine.run(asked, canvas.tobytes(), selection(asked.region), hooks)
        assert made[-1].metadata["gradient_domain"] is wanted
    engine.unload()
    plain, fitted = (rgba(each) for each in made)
    at = made[0].region
    y, x = at.y - REGION.y, at.x - REGION.x
    true = canvas[y : y + at.height, x : x + at.width, :3]
    there = plain[..., 3] > 0
    assert np.array_equal(plain[..., 3], fitted[..., 3])
    assert not fitted[~there].any()
    missing = [
        np.abs(layer[..., :3][there].astype(int) - true[there]).mean() for layer in (plain, fitted)
    ]
    assert missing[0] > 10
    assert missing[1] < 3
