"""The judge: does a picture show what its caption says? And other measures that need no taste."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image, ImageChops, ImageFilter
from transformers import CLIPTokenizer

from . import clip
from .vae import to_tensor


class Judge:
    """The contrastive pair, asked which of a list of captions fits a picture best."""

    def __init__(self, pair: clip.Pair, tokenizer: CLIPTokenizer, captions: Sequence[str]) -> None:
        self.pair = pair
        with torch.no_grad():
            self.read_as = pair.read(clip.encode(tokenizer, list(captions)))

    @torch.no_grad()
    def scores(self, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """Cosine of every picture with every caption (pictures x captions)."""
        pixels = np.stack([np.asarray(picture.convert("RGB")) for picture in pictures])
        seen_as: torch.Tensor = self.pair.image(to_tensor(pixels))
        return seen_as @ self.read_as.T

    def ranks(self, pictures: Sequence[Image.Image], right: Sequence[int]) -> torch.Tensor:
        """For each picture the place of its right caption; 0 is the first."""
        scores = self.scores(pictures)
        own = scores[torch.arange(len(right)), torch.tensor(right)]
        return (scores > own[:, None]).sum(1)


def ssim(first: Image.Image, second: Image.Image, window: int = 8) -> float:
    """Mean structural similarity of the lightness over all windows (Wang et al., 2004).

    Uniform windows of `window` x `window` pixels; 1 means equal.
    """
    x, y = (np.asarray(image.convert("L"), dtype=np.float64) for image in (first, second))

    def mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        patches = np.lib.stride_tricks.sliding_window_view(values, (window, window))
        return np.asarray(patches.mean(axis=(-1, -2)))

    mx, my = mean(x), mean(y)
    vx, vy, cov = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = (2 * mx * my + c1) * (2 * cov + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))
    return float(values.mean())


def edge_error(drawn: Image.Image, known: Image.Image, mask: Image.Image, width: int = 3) -> float:
    """Mean absolute difference (0 to 255) along the inside of the edge of `mask`, `width` pixels.

    mask: "L", 255 inside, 0 outside. What is not farther than `width` from a pixel outside counts.
    """
    inner = mask.filter(ImageFilter.MinFilter(2 * width + 1))
    ring = np.asarray(ImageChops.subtract(mask, inner)) > 0
    wrong = np.abs(np.asarray(drawn, dtype=np.float64) - np.asarray(known, dtype=np.float64))
    return float(wrong[ring].mean())
