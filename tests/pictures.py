"""Pictures and requests that tests of the imaging share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from scumble.link.values import GenerationRequest, Mode, Region, Size

Pixels = npt.NDArray[np.uint8]
CANVAS = Size(4000, 3000)


def request_for(region: Region, canvas: Size = CANVAS, **changes: object) -> GenerationRequest:
    """An inpaint of `region`, seen at full strength; `changes` are fields of the request."""
    request = GenerationRequest(
        id="job",
        mode=Mode.INPAINT,
        prompt="",
        negative_prompt="",
        model="model",
        sampler="euler",
        steps=20,
        guidance_scale=7.0,
        strength=1.0,
        seed=7,
        batch=1,
        canvas=canvas,
        region=region,
    )
    return replace(request, **changes)  # type: ignore[arg-type]


def photograph(width: int, height: int) -> Pixels:
    """Smooth colours and some texture, opaque RGBA."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    waves = [
        np.sin(x / a + b) * np.cos(y / c) for a, b, c in ((17, 0, 23), (29, 1, 19), (41, 2, 31))
    ]
    picture = 128 + 80 * np.stack(waves, -1) + rng.normal(0, 5, (height, width, 3))
    opaque = np.full((height, width, 1), 255)
    return np.concatenate((np.clip(picture, 0, 255), opaque), -1).astype(np.uint8)


def over(canvas: Pixels, layer: Pixels, x: int, y: int) -> Pixels:
    """What an editor shows of an opaque canvas below a layer at x, y."""
    result = canvas.copy()
    height, width = layer.shape[:2]
    part = result[y : y + height, x : x + width, :3]
    alpha = layer[..., 3:].astype(np.float64) / 255
    part[:] = np.rint(layer[..., :3] * alpha + part * (1 - alpha))
    return result
