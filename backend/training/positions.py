"""Tell a convolutional network where it is, without any input of its own for that.

From pure noise the U-Net must draw what the caption says: this feature here, that one there. But a
convolution treats all places alike and knows of the picture's edges only from the zeros that pad
it. In a first try the network had learned the things' colours after two thousand steps, and of
their shapes only a rounded square. So its first convolution reaches as far as the picture and reads
places from the mask: where the mask is 1 everywhere, the sum of a kernel over what lies within the
picture depends on the place alone, and kernels can be chosen such that these sums are cosines. In a
smaller mask the sums tell of the mask's edges instead, which is what a fill has to go by.

An ordinary `conv_in_kernel` of diffusers, so that every loader of the field reads it.
"""

from __future__ import annotations

import torch
from torch import nn

SIDE = 16  # of the latents
KERNEL = SIDE + 1
STRENGTH = 1.5  # of the cosines, so that they are not lost in the noise that comes in beside


def cosine(frequency: int) -> torch.Tensor:
    """The one-dimensional kernel (KERNEL) whose sums within SIDE places are half waves of a cosine.

    Moving one place to the right, the left half of the kernel gains a tap, until from the middle
    on the right half loses one; so the taps are the differences of what the sums shall be.
    """
    wanted = torch.cos(torch.pi * frequency * (torch.arange(SIDE) + 0.5) / SIDE)
    half = SIDE // 2
    kernel = torch.zeros(KERNEL)  # taps -half ... half
    for place in range(half - 1):
        kernel[half - place - 1] = wanted[place + 1] - wanted[place]
    for place in range(half, SIDE - 1):
        kernel[half + SIDE - 1 - place] = wanted[place] - wanted[place + 1]
    kernel[0] = wanted[half] - wanted[half - 1]
    kernel[half] = wanted[0] - kernel[half + 1 :].sum()  # what the first place sees in all
    return kernel


@torch.no_grad()
def give(conv: nn.Conv2d, channel: int) -> None:
    """Each output gets a pair of frequencies, read from input `channel`, the lowest ones first.

    Taps on the other inputs stay what they are within 3 x 3, as in an ordinary first layer, and
    are zero beyond.
    """
    edge = KERNEL // 2 - 1
    near = torch.zeros(KERNEL, KERNEL)
    near[edge:-edge, edge:-edge] = KERNEL / 3  # the initial weights are small, being many
    conv.weight *= near
    pairs = sorted(((p, q) for p in range(8) for q in range(8)), key=lambda pair: sum(pair))
    for output, (down, across) in zip(range(conv.out_channels), pairs, strict=False):
        kernel = cosine(down)[:, None] * cosine(across)
        conv.weight[output, channel] += STRENGTH * kernel
