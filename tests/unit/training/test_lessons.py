"""One lesson of the U-Net: a scene, its mask, and where its ground is bare."""

import numpy as np
import pytest

from scumble.training import latents
from scumble.training.sprites import Sprite

RED = (250, 3, 7)  # no background has it
SQUARE = Sprite(
    file="square.png", thing="tile", style="3d", keywords=(), colour="red", held_back=False
)
PICTURE = np.full((128, 128, 4), (*RED, 255), np.uint8)


def test_the_ground_is_bare_beside_the_thing_and_where_nothing_was_put() -> None:
    shown = 0
    for seed in range(40):
        pixels, mask, bare, _, texts = latents.lesson(np.random.default_rng(seed), SQUARE, PICTURE)
        assert mask.shape == bare.shape == pixels.shape[:2]
        red = (pixels == RED).all(-1)
        if not red.any():  # nothing goes there but the background
            assert texts == [""] * latents.CAPTIONS
            assert bare.all()
            continue
        shown += 1
        assert not bare[red].any()
        rows, columns = np.nonzero(red)
        beside = np.ones(red.shape, bool)
        beside[rows.min() - 1 : rows.max() + 2, columns.min() - 1 : columns.max() + 2] = False
        assert beside.any()
        assert bare[beside].all()
    assert 0 < shown < 40


def test_most_masks_hide_whole_latents() -> None:
    whole = 0
    for seed in range(100):
        mask = latents.lesson(np.random.default_rng(seed), SQUARE, PICTURE).mask
        blocks = mask.reshape(latents.SIDE, 8, latents.SIDE, 8).mean(axis=(1, 3))
        whole += int(np.isin(blocks, (0, 1)).all())
    assert 70 < whole < 100


def test_smooth_is_a_background_that_goes_on_evenly_from_what_is_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for kind in latents.GROUNDS:
        monkeypatch.setattr(latents, "GROUNDS", {kind: 1.0})
        drawn = [latents.lesson(np.random.default_rng(seed), SQUARE, PICTURE) for seed in range(40)]
        wholes = [lesson.mask.all() for lesson in drawn]
        assert 0 < sum(wholes) < 40
        for lesson, whole in zip(drawn, wholes, strict=True):
            assert lesson.smooth == (kind in latents.SMOOTH and not whole)
