"""Start the VAE where linear algebra ends.

From random weights this autoencoder needs many thousand steps to get as far as principal component
analysis (PCA) of 8 x 8 blocks gets in a second: 4 components give 22.8 dB on our pictures. So the
weights are set such that the network *is* that analysis, and for the way back a smooth enlargement
of each block's mean colour; training goes on from there. Three tricks make it fit:

- a residual block whose last convolution is (nearly) zero passes its input on;
- silu(x) - silu(-x) = x, so a feature and its negative pass through the last activation unharmed;
- group normalisation would take away how light a picture is; a constant feature and its negative,
  far larger than the rest of their group, fix what it divides by.
"""

from __future__ import annotations

import torch
from diffusers import AutoencoderKL
from diffusers.models.attention_processor import Attention
from diffusers.models.resnet import ResnetBlock2D
from torch import nn

LARGE = 100.0  # the constant features, where others are about 1
NOISE = -6.0  # log variance of the latents' posterior: noise of 0.05
QUIET = 0.05  # factor on the residual branches


@torch.no_grad()
def start(module: AutoencoderKL, images: torch.Tensor) -> AutoencoderKL:
    """Set the weights from the statistics of `images` (N x 3 x H x W, -1 to 1)."""
    for part in module.modules():
        if isinstance(part, ResnetBlock2D):
            part.conv2.weight *= QUIET
            part.conv2.bias.zero_()
        elif isinstance(part, Attention):
            part.to_out[0].weight *= QUIET
            part.to_out[0].bias.zero_()
    for part in module.encoder.modules():  # so that the encoder is the analysis to the last digit
        if isinstance(part, ResnetBlock2D):
            part.conv2.weight.zero_()
        elif isinstance(part, Attention):
            part.to_out[0].weight.zero_()
    small, _ = _components(images, 4, 32)
    whole, mean = _components(images, 8, 15)
    encoder = module.encoder
    _set_conv(encoder.conv_in, torch.eye(3).view(3, 3, 1, 1), at=1)
    # 2 x 2 pixels side by side: 12 features, ordered (row, column, colour)
    taps = torch.eye(12).view(12, 2, 2, 3).permute(0, 3, 1, 2)
    _set_conv(encoder.down_blocks[0].downsamplers[0].conv, taps)
    taps = small.view(32, 2, 2, 12).permute(0, 3, 1, 2)
    _set_conv(encoder.down_blocks[1].downsamplers[0].conv, taps)
    _set_conv(encoder.down_blocks[2].resnets[0].conv_shortcut, torch.eye(32).view(32, 32, 1, 1))
    through = whole.view(-1, 4, 48) @ small.T  # the blocks of 8 seen through the blocks of 4
    scale = (_blocks(images, 8) @ whole.T).std(0).clamp(min=0.05)
    taps = (through / scale.view(-1, 1, 1)).view(-1, 2, 2, 32).permute(0, 3, 1, 2)
    _set_conv(encoder.down_blocks[2].downsamplers[0].conv, taps)
    _pairs(
        encoder.down_blocks[3].resnets[0].conv_shortcut, torch.eye(15, 64), encoder.conv_norm_out
    )
    _difference(encoder.conv_out, 4)
    encoder.conv_out.bias[:4] = -(whole @ mean)[:4] / scale[:4]
    encoder.conv_out.weight[4:] *= 0.1
    encoder.conv_out.bias[4:] = NOISE
    for name in ("quant_conv", "post_quant_conv"):
        conv = getattr(module, name)
        conv.weight.copy_(torch.eye(len(conv.weight)).view_as(conv.weight))
        conv.bias.zero_()

    decoder = module.decoder
    same = torch.eye(4).view(4, 4, 1, 1)
    blur = torch.tensor([0.25, 0.5, 0.25])
    _set_conv(decoder.conv_in, same, at=1)
    for level, block in enumerate(decoder.up_blocks):
        if block.resnets[0].conv_shortcut is not None:
            _set_conv(block.resnets[0].conv_shortcut, same)
        if level < 2:
            _set_conv(block.upsamplers[0].conv, same * blur.view(3, 1) * blur)
    colours = (whole[:4] * scale[:4, None]).view(4, 64, 3).mean(1).T  # 3 x 4
    last = decoder.up_blocks[2].upsamplers[0].conv
    _pairs(last, torch.cat([colours, torch.zeros(3, 28)], 1), decoder.conv_norm_out, blur)
    average = mean.view(64, 3).mean(0)
    last.bias[2:8] = torch.stack([average, -average], 1).flatten()
    _difference(decoder.conv_out, 3)
    return module


@torch.no_grad()
def one_convolution(module: AutoencoderKL) -> nn.Conv2d:
    """The encoder's means as one convolution over 8 x 8 blocks: what it is until it is trained.

    A thousand times as fast; found by asking the encoder about every pixel of a block.
    """
    pixels = torch.cat([torch.zeros(1, 3, 8, 8), torch.eye(192).view(192, 3, 8, 8)])
    answers = module.encode(pixels).latent_dist.mode().flatten(1)
    conv = nn.Conv2d(3, 4, 8, stride=8)
    conv.weight.copy_((answers[1:] - answers[0]).T.reshape(4, 3, 8, 8))
    assert conv.bias is not None
    conv.bias.copy_(answers[0])
    return conv.requires_grad_(False)


def _blocks(images: torch.Tensor, side: int) -> torch.Tensor:
    """All blocks of side x side pixels as rows. Halves come first, down to single pixels, so that
    the convolutions, which halve the picture again and again, find them in their order."""
    rows = images.permute(0, 2, 3, 1)
    while side > 1:
        n, h, w, c = rows.shape
        rows = rows.view(n, h // 2, 2, w // 2, 2, c).permute(0, 1, 3, 2, 4, 5)
        rows = rows.reshape(n, h // 2, w // 2, 4 * c)
        side //= 2
    return rows.flatten(0, 2)


def _components(images: torch.Tensor, side: int, count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The first principal directions of the blocks (count x side*side*3), and the mean block."""
    rows = _blocks(images, side)
    mean = rows.mean(0)
    _, directions = torch.linalg.eigh((rows - mean).T @ (rows - mean))
    return directions.flip(1)[:, :count].T.contiguous(), mean


def _set_conv(conv: nn.Conv2d, taps: torch.Tensor, at: int = 0) -> None:
    """Give the first outputs these taps on the first inputs; the other outputs stay random."""
    assert conv.bias is not None
    outputs, inputs, height, width = taps.shape
    conv.weight[:outputs] = 0
    conv.weight[:outputs, :inputs, at : at + height, at : at + width] = taps
    conv.bias[:outputs] = 0


def _pairs(
    conv: nn.Conv2d, matrix: torch.Tensor, norm: nn.GroupNorm, blur: torch.Tensor | None = None
) -> None:
    """Let `conv` give constants and `matrix` times its inputs, each next to its negative, and let
    `norm`, which comes later, keep their size."""
    assert conv.bias is not None
    group = norm.num_channels // norm.num_groups
    taps = torch.stack([matrix, -matrix], 1).flatten(0, 1)
    kernel = torch.ones(1, 1) if blur is None else blur.view(3, 1) * blur
    conv.weight[2 : 2 + len(taps)] = taps[:, :, None, None] * kernel
    conv.bias[2 : 2 + len(taps)] = 0
    for first in range(0, norm.num_channels, group):
        conv.weight[first : first + 2] = 0
        conv.bias[first] = LARGE
        conv.bias[first + 1] = -LARGE
    norm.weight.fill_(LARGE * (2 / group) ** 0.5)
    norm.bias.zero_()
    # The constants themselves are not wanted further on: they would drown the rest.
    for first in range(0, norm.num_channels, group):
        norm.weight[first : first + 2] = 1 / LARGE


def _difference(conv: nn.Conv2d, count: int) -> None:
    """Let `conv` give feature minus negative for the first `count` pairs after the constants."""
    assert conv.bias is not None
    conv.weight[:count] = 0
    conv.bias[:count] = 0
    for output in range(count):
        conv.weight[output, 2 + 2 * output, 1, 1] = 1
        conv.weight[output, 3 + 2 * output, 1, 1] = -1
