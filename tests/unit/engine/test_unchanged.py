"""Strength 0: a layer that changes nothing it lies on."""

import numpy as np
from pictures import photograph, request_for

from scumble.engine.unchanged import unchanged
from scumble.link.values import Region, Size

WIDTH, HEIGHT = 64, 48


def test_a_layer_of_strength_0_leaves_opaque_and_transparent_canvas_as_it_is() -> None:
    below = photograph(WIDTH, HEIGHT)
    below[:16, :, 3] = 0
    below[:8] = 0  # black, as an editor gives what was never painted
    below[16:24, :, 3] = 128
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[4:-4, 4:-4] = np.linspace(80, 255, WIDTH - 8).astype(np.uint8)
    request = request_for(Region(0, 0, WIDTH, HEIGHT), Size(WIDTH, HEIGHT), strength=0.0)
    data = unchanged(request, 64, below.tobytes(), mask.tobytes())
    layer = np.frombuffer(data, np.uint8).reshape(below.shape)
    alpha, under = layer[..., 3:] / 255, below[..., 3:] / 255
    total = alpha + under * (1 - alpha)
    colours = layer[..., :3] * alpha + below[..., :3] * under * (1 - alpha)
    np.testing.assert_array_equal(np.rint(total[..., 0] * 255), below[..., 3])
    np.testing.assert_allclose(colours, below[..., :3] * under, atol=1e-9)
    assert layer[30, 50, 3] > 0
    assert not layer[mask == 0, 3].any()
