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


def test_skies_are_smooth_and_change_most_from_top_to_bottom() -> None:
    down = across = 0.0
    changing = 0
    for seed in range(40):
        ground, word = backgrounds.make(np.random.default_rng(seed), "sky", 64)
        assert word == ""
        assert np.median(np.abs(np.diff(ground, axis=0))) < 0.02
        down += float(np.abs(np.diff(ground, axis=0)).mean())
        across += float(np.abs(np.diff(ground, axis=1)).mean())
        top, low = ground[0].mean(0), ground[35].mean(0)  # both above all hills
        changing += int(np.abs(top - low).max() > 0.1)
    assert down > 3 * across
    assert changing > 20
    assert down / 40 > 0.005  # not of one colour


def test_a_coarse_grid_is_met_at_its_points_whatever_its_shape() -> None:
    grid = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    fine = backgrounds.smooth(grid, 41)
    assert fine.shape == (41, 41)
    np.testing.assert_allclose(fine[::20, ::10], grid, atol=1e-6)


@pytest.mark.parametrize("seed", range(20))
def test_a_thing_keeps_clear_of_the_edge_of_its_mask(seed: int) -> None:
    mask, (left, top, right, bottom) = masks.place(np.random.default_rng(seed), 128)
    assert 0 < mask.mean() < 1
    y, x = np.mgrid[top:bottom, left:right]
    across = (x + 0.5 - (left + right) / 2) / (right - left)
    along = (y + 0.5 - (top + bottom) / 2) / (bottom - top)
    inside = np.hypot(across, along) < 0.6  # things are rounder than their boxes
    assert mask[top:bottom, left:right][inside].all()
    columns, rows = mask.any(axis=0).nonzero()[0], mask.any(axis=1).nonzero()[0]
    assert columns[0] + 3 <= left < right <= columns[-1] - 2
    assert rows[0] + 2 <= top < bottom <= rows[-1] - 1


@pytest.mark.parametrize("box", [(13, 13, 115, 115), (40, 20, 100, 60), (0, 90, 128, 128)])
def test_a_thing_fills_the_box_it_is_given(box: tuple[int, int, int, int]) -> None:
    scene = scenes.draw(np.random.default_rng(0), SPRITE, disc(), within=box, kind="white")
    left, top, right, bottom = scene.box
    assert box[0] <= left < right <= box[2]
    assert box[1] <= top < bottom <= box[3]
    assert min(box[2] - box[0], box[3] - box[1]) - (right - left) <= 1
    assert abs((left + right) - (box[0] + box[2])) <= 1


def test_named_colours_are_what_their_word_says() -> None:
    rng = np.random.default_rng(0)
    for _ in range(60):
        ground, word = backgrounds.make(rng, "named", 8)
        assert captions.colour_word(*map(float, ground[0, 0])) == word


@pytest.mark.parametrize("seed", range(20))
def test_scribbles_leave_something_and_take_something(seed: int) -> None:
    mask = masks.scribble(np.random.default_rng(seed), 128)
    assert 0 < mask.mean() < 1
    assert set(np.unique(mask)) == {0, 1}


def test_half_of_the_places_for_things_are_ellipses() -> None:
    rng = np.random.default_rng(0)
    ovals = 0
    for _ in range(400):
        mask, _ = masks.place(rng, 128)
        rows, columns = mask.any(axis=1).nonzero()[0], mask.any(axis=0).nonzero()[0]
        ovals += int(not mask[rows[0], columns[0]])
    assert 160 < ovals < 240


def test_whole_blocks_are_those_that_a_mask_touches() -> None:
    mask = np.zeros((16, 16), dtype=np.float32)
    mask[7, 8:10] = 1
    blocks = masks.whole_blocks(mask, 8)
    assert blocks[:8, 8:].all()
    assert blocks.sum() == 64
    assert (masks.whole_blocks(mask, 1) == mask).all()


@pytest.mark.parametrize("seed", range(20))
def test_a_place_for_a_thing_may_lie_on_whole_latents(seed: int) -> None:
    mask, (left, top, right, bottom) = masks.place(np.random.default_rng(seed), 128, 8)
    columns, rows = mask.any(axis=0).nonzero()[0], mask.any(axis=1).nonzero()[0]
    edges = np.array([columns[0], columns[-1] + 1, rows[0], rows[-1] + 1])
    assert (edges % 8 == 0).all()
    assert edges[0] < left < right < edges[1]
    assert edges[2] < top < bottom < edges[3]


def test_pictures_are_cut_out_to_what_they_show() -> None:
    canvas = Image.new("RGBA", (200, 200))
    canvas.paste(Image.fromarray(disc()), (100, 20))
    cut = cut_out(canvas)
    assert cut is not None
    assert cut.size == (128, 128)
    assert dominant_colour(np.asarray(cut)) == "red"
    assert cut_out(Image.new("RGBA", (50, 50))) is None
