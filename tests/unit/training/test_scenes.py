"""Scenes and masks: what is drawn is where the records say, and hue follows the word."""

import numpy as np
import pytest
from PIL import Image

from scumble.training import backgrounds, captions, masks, scenes
from scumble.training.sprites import Sprite, cut_out, dominant_colour


def disc() -> np.ndarray:
    y, x = np.mgrid[0:64, 0:64] - 31.5
    pixels = np.zeros((64, 64, 4), dtype=np.uint8)
    pixels[np.hypot(x, y) < 32] = (220, 20, 20, 255)
    return pixels


SPRITE = Sprite(
    file="disc.png", thing="red ball", style="3d", keywords=(), colour="red", held_back=False
)


@pytest.mark.parametrize("kind", backgrounds.KINDS)
@pytest.mark.parametrize("seed", range(5))
def test_outside_the_box_there_is_only_background(kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scene = scenes.draw(rng, SPRITE, disc(), kind=kind, anywhere=True, extent=(0.3, 0.8))
    left, top, right, bottom = scene.box
    outside = np.ones((128, 128), dtype=bool)
    outside[top:bottom, left:right] = False
    assert np.array_equal(scene.pixels[outside], scene.bare[outside])
    assert not np.array_equal(scene.pixels, scene.bare)


def test_the_same_seed_draws_the_same_scene() -> None:
    first, second = (scenes.draw(np.random.default_rng(3), SPRITE, disc()) for _ in range(2))
    assert np.array_equal(first.pixels, second.pixels)
    assert first.thing == second.thing


def test_the_colour_word_follows_the_hue() -> None:
    seen = set()
    for seed in range(60):
        scene = scenes.draw(np.random.default_rng(seed), SPRITE, disc(), kind="white")
        left, top, right, bottom = scene.box
        middle = scene.pixels[(top + bottom) // 2, (left + right) // 2] / 255
        word = captions.colour_word(*map(float, middle))
        assert scene.thing == f"{word} ball"
        seen.add(word)
    assert len(seen) > 3


def test_white_is_white() -> None:
    ground, word = backgrounds.make(np.random.default_rng(0), "white", 16)
    assert word == "white"
    assert (ground == 1).all()


@pytest.mark.parametrize("seed", range(20))
def test_backgrounds_stay_in_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for kind in backgrounds.KINDS:
        ground, _ = backgrounds.make(rng, kind, 32)
        assert ground.shape == (32, 32, 3)
        assert ground.min() >= 0
        assert ground.max() <= 1


@pytest.mark.parametrize("seed", range(20))
def test_a_mask_around_a_thing_holds_all_of_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    box = (40, 30, 90, 100)
    mask = masks.around(rng, box, 128)
    y, x = np.mgrid[30:100, 40:90]
    inside = np.hypot((x - 64.5) / 25, (y - 64.5) / 35) < 1  # things are rounder than their boxes
    assert mask[30:100, 40:90][inside].all()
    assert 0 < mask.mean() < 1


@pytest.mark.parametrize("seed", range(20))
def test_scribbles_leave_something_and_take_something(seed: int) -> None:
    mask = masks.scribble(np.random.default_rng(seed), 128)
    assert 0 < mask.mean() < 1
    assert set(np.unique(mask)) == {0, 1}


def test_masks_reach_the_latents_as_in_the_pipelines() -> None:
    mask = np.zeros((128, 128), dtype=np.float32)
    mask[64:, :] = 1
    small = masks.to_latents(mask, 16)
    assert small.shape == (16, 16)
    assert small[:8].sum() == 0
    assert small[8:].all()


def test_pictures_are_cut_out_to_what_they_show() -> None:
    canvas = Image.new("RGBA", (200, 200))
    canvas.paste(Image.fromarray(disc()), (100, 20))
    cut = cut_out(canvas)
    assert cut is not None
    assert cut.size == (128, 128)
    assert dominant_colour(np.asarray(cut)) == "red"
    assert cut_out(Image.new("RGBA", (50, 50))) is None
