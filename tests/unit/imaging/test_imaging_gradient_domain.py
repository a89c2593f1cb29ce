"""A fill agrees with what stands along the selection's edge, and keeps its gradients."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from pictures import Pixels, photograph, request_for

from scumble.imaging import gradient_domain
from scumble.imaging.composite import finish_inpaint
from scumble.imaging.crop import prepare_inpaint
from scumble.link.values import Region

HEIGHT, WIDTH = 200, 240


def picture() -> Pixels:
    """Smooth colours and some noise, all of them well within black and white."""
    shown = photograph(WIDTH, HEIGHT)[..., :3] * 0.5 + 60
    return np.ascontiguousarray(shown, np.uint8)


def outside() -> Pixels:
    """255 all round a disc of radius 60."""
    return np.where(away_from(120, 100) > 60, 255, 0).astype(np.uint8)


def away_from(x: int, y: int) -> Pixels:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray(np.hypot(columns - x, rows - y))


def drifted(shown: Pixels) -> Pixels:
    """Redder on one side, bluer on the other: 12 levels from the middle to the edge."""
    drift = np.linspace(-12, 12, WIDTH)[:, None] * np.array([1, 0, -1])
    return np.asarray(np.rint(shown + drift), np.uint8)


def far(one: Pixels, other: Pixels) -> float:
    """Mean difference in levels inside the disc."""
    return float(np.abs(one.astype(int) - other)[outside() == 0].mean())


def test_a_drift_that_the_edge_shows_goes_and_what_was_drawn_stays() -> None:
    before = picture()
    drawn = before.copy()
    drawn[80:120, 100:140] = (200, 40, 90)  # unknown to what is round it
    fitted = gradient_domain.fitted(before, drifted(drawn), outside())
    assert far(drifted(drawn), drawn) > 1.5
    assert far(fitted, drawn) < 0.6
    steps = [np.diff(p.astype(int), axis=0)[80:119, 100:140] for p in (fitted, drifted(drawn))]
    assert np.abs(steps[0] - steps[1]).max() <= 1


def test_what_agrees_already_keeps_its_bytes() -> None:
    before = picture()
    assert np.array_equal(gradient_domain.fitted(before, before, outside()), before)


@pytest.mark.parametrize("drift", [lambda shown: shown, drifted])
def test_an_object_over_the_edge_does_not_smear_its_colour(drift: object) -> None:
    before = picture()
    drawn = before.copy()
    thing = away_from(180, 100) < 30  # half of it within the disc
    drawn[thing] = (230, 30, 30)
    given = drift(drawn)  # type: ignore[operator]
    fitted = gradient_domain.fitted(before, given, outside())
    assert far(fitted, drawn) <= far(given, drawn)
    assert far(fitted, drawn) < 1


def test_texture_that_goes_on_otherwise_draws_no_streaks() -> None:
    """Noise of like strength, of which the edge foretells nothing: not a byte is changed."""
    rng = np.random.default_rng(2)
    grain = rng.normal(0, 12, (2, HEIGHT // 4, WIDTH // 4, 1))
    one, other = (cv2.resize(g, (WIDTH, HEIGHT))[..., None] + np.full(3, 120) for g in grain)
    before, after = (np.clip(p, 0, 255).astype(np.uint8) for p in (one, other))
    assert np.array_equal(gradient_domain.fitted(before, after, outside()), after)


@pytest.mark.parametrize("value", [0, 255])
def test_without_an_edge_there_is_nothing_to_fit(value: int) -> None:
    before = picture()
    nowhere = np.full((HEIGHT, WIDTH), value, np.uint8)
    assert np.array_equal(gradient_domain.fitted(before, drifted(before), nowhere), drifted(before))


@pytest.mark.parametrize("native", [128, 256, 640])
@pytest.mark.parametrize("clear", [False, True])
def test_a_layer_is_fitted_in_every_working_size_and_beside_empty_canvas(
    native: int, clear: bool
) -> None:
    shown, stays = picture(), outside()
    canvas = np.dstack((shown, np.full((HEIGHT, WIDTH), 255, np.uint8)))
    if clear:
        canvas[:, :70] = (255, 0, 255, 0)
    request = request_for(Region(300, 200, WIDTH, HEIGHT), colour_match=False)
    prepared = prepare_inpaint(request, canvas.tobytes(), (255 - stays).tobytes(), native, 8)
    window = prepared.window
    given = cv2.resize(drifted(shown), (window.inner.width, window.inner.height))
    generated = cv2.resize(given, (window.size.width, window.size.height))
    generated[window.rows, window.columns] = given
    layers = []
    for wanted in (False, True):
        asked = replace(request, gradient_domain=wanted)
        region, data = finish_inpaint(asked, prepared, generated)
        layers.append(np.frombuffer(data, np.uint8).reshape(region.height, region.width, 4))
    plain, fitted = layers
    x, y = region.x - 300, region.y - 200
    true = shown[y : y + region.height, x : x + region.width].astype(int)
    there = plain[..., 3] > 0
    assert np.array_equal(plain[..., 3], fitted[..., 3])
    assert not fitted[~there].any()
    missing = [np.abs((layer[..., :3] - true)[there].mean(0)) for layer in layers]
    spread = [np.abs(layer[..., :3] - true)[there].mean() for layer in layers]
    assert spread[1] < spread[0]
    assert max(missing[1]) < 1.5
