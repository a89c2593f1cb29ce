"""One lesson of the U-Net: a scene, its mask, and where its ground is bare."""

import numpy as np

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
        pixels, mask, bare, texts = latents.lesson(np.random.default_rng(seed), SQUARE, PICTURE)
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
        _, mask, _, _ = latents.lesson(np.random.default_rng(seed), SQUARE, PICTURE)
        blocks = mask.reshape(latents.SIDE, 8, latents.SIDE, 8).mean(axis=(1, 3))
        whole += int(np.isin(blocks, (0, 1)).all())
    assert 70 < whole < 100
