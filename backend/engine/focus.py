"""Makes the prompt hold inside the mask only, for any UNet of diffusers.

In two places. Where the UNet reads the text (cross-attention), what lies
outside reads the negative prompt, so that what is drawn inside has
surroundings that know nothing of the prompt. And in the prediction itself, so
that outside it is the unconditioned one exactly; where the picture is put back
there after every step, that alone would change nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn import functional

TEXT = "attn2.processor"  # diffusers' name of the attention that reads the text


def focused(focus: torch.Tensor, negative: torch.Tensor, guided: torch.Tensor) -> torch.Tensor:
    """uncond + focus * g * (cond - uncond), written so that 0 and 1 give either side exactly.

    negative, guided: (1, C, h, w). focus: (1, 1, h, w), 0 … 1.
    """
    return (1 - focus) * negative + focus * guided


@contextmanager
def attending(unet: Any, focus: torch.Tensor | None) -> Iterator[None]:
    """While it lasts, the text's attention is focused; None: nothing is done."""
    if focus is None:
        yield
        return
    before = dict(unet.attn_processors)
    unet.set_attn_processor(
        {
            name: FocusedAttention(each, focus) if name.endswith(TEXT) else each
            for name, each in before.items()
        }
    )
    try:
        yield
    finally:
        unet.set_attn_processor(before)


class FocusedAttention:
    """An attention processor of diffusers round another one."""

    def __init__(self, inner: Any, focus: torch.Tensor) -> None:
        self._inner = inner
        self._focus = focus

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
    ) -> torch.Tensor:
        """(2, h * w, C) with the text (2, tokens, width), the negative one first."""
        inside = self._inner(attn, hidden_states, encoder_hidden_states, attention_mask)
        outside = self._inner(attn, hidden_states[1:], encoder_hidden_states[:1])
        focus = self._at(hidden_states.shape[1])
        mixed = (1 - focus) * outside + focus * inside[1:]
        return torch.cat([inside[:1], mixed])

    def _at(self, places: int) -> torch.Tensor:
        """(1, places, 1): the focus at the layer that has so many places; each halves the sides."""
        height, width = self._focus.shape[-2:]
        while height * width > places and height * width > 1:
            height, width = -(-height // 2), -(-width // 2)
        small = functional.interpolate(self._focus, size=(height, width), mode="area")
        return small.reshape(1, height * width, 1)
