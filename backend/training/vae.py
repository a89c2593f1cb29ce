"""The VAE: from 128 x 128 pixels to 16 x 16 latents of 4 channels, and back.

An autoencoder gives back what it was given. The U-Net then works on 1,024 numbers instead of
49,152, which is what makes a diffusion model affordable on a laptop.

The encoder is what `linear_start` makes it, principal components of blocks, and stays that: what a
mask hides does not change the latents outside it, and latents made before stay good whatever the
decoder, which learns to make pictures of them, has learned since.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from diffusers import AutoencoderKL
from tqdm import tqdm

from . import linear_start, scenes, sprites
from .checkpoints import Run
from .precision import autocast
from .workers import Workers

SIZE = 128  # pixels, native
LATENT_CHANNELS = 4  # with mask and visible part the U-Net then has the 9 that pipelines know
CHANNELS = (32, 32, 64, 128)
GROUPS = 4  # few, so that normalising keeps what features are worth beside each other
LEARNING_RATE = 5e-4
# Most noise in a latent that the decoder learns to smooth, where latents are of size 1: about what
# a U-Net leaves. It draws neighbouring latents a little apart, and a decoder that has met none but
# an encoder's shows each such difference as a facet.
ROUGHNESS = 0.25
# Small crops first: the same pixels in more, and more different, steps. (share of the run up to
# which, side of the crop in pixels, pictures in a batch)
STAGES = ((0.5, 32, 16), (0.9, 64, 8), (1.0, 128, 4))
CROPS = 4  # from one scene


def new() -> AutoencoderKL:
    """An untrained VAE."""
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * len(CHANNELS),
        up_block_types=("UpDecoderBlock2D",) * len(CHANNELS),
        block_out_channels=CHANNELS,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=GROUPS,
        sample_size=SIZE,
        scaling_factor=1.0,
    )


def to_tensor(pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
    """uint8 (N x H x W x 3) to float32 (N x 3 x H x W), -1 to 1."""
    return torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def to_pixels(images: torch.Tensor) -> npt.NDArray[np.uint8]:
    """The way back, clamped."""
    scaled = ((images.float().clamp(-1, 1) + 1) * 127.5).round().byte()
    return scaled.permute(0, 2, 3, 1).contiguous().cpu().numpy()


def loss(images: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Absolute and squared error, and the absolute error of the edges (differences of pixels)."""
    wrong = output - images
    edges = wrong.diff(dim=-1).abs().mean() + wrong.diff(dim=-2).abs().mean()
    return wrong.abs().mean() + 2 * wrong.square().mean() + 0.25 * edges


def lesson(module: AutoencoderKL, images: torch.Tensor) -> torch.Tensor:
    """The loss on `images` (N x 3 x H x W, -1 to 1), decoded from roughened latents."""
    with autocast():
        with torch.no_grad():
            latents = module.encode(images).latent_dist.sample()
        output = module.decode(rough(latents)).sample
    return loss(images, output.float())


def rough(latents: torch.Tensor) -> torch.Tensor:
    """`latents` (N x C x H x W) with 0 ... ROUGHNESS of noise, each picture with its own."""
    amount = torch.rand(len(latents), 1, 1, 1) * ROUGHNESS
    return latents + amount * torch.randn_like(latents)


def train(folder: Path, *, minutes: float, seed: int = 1) -> None:
    """Train the decoder for `minutes` in all (over all sessions), from `folder`/sprites.

    Runs are timed, not counted, so that the plan fits the night whatever the machine.
    """
    records, pictures = sprites.load(folder / "sprites")
    seen = [number for number, record in enumerate(records) if not record.held_back]
    torch.manual_seed(seed)
    first = _batch(np.random.default_rng(seed), records, pictures, seen, 200, SIZE)
    module = linear_start.start(new(), first).train()
    module.encoder.requires_grad_(False)
    module.quant_conv.requires_grad_(False)
    optimizer = torch.optim.AdamW(
        module.parameters(), LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-3, fused=True
    )
    run = Run(folder / "vae.pt", module, optimizer, decay=0.99)
    workers = Workers(module)
    rng = np.random.default_rng([seed, run.step])
    bar = tqdm(total=minutes, unit="min", bar_format="{l_bar}{bar}{r_bar}", mininterval=10)
    while run.going(minutes):
        part = run.seconds / (minutes * 60)
        side, batch = next(stage[1:] for stage in STAGES if part <= stage[0])
        images = _batch(rng, records, pictures, seen, batch, side)
        run.set_rate(LEARNING_RATE, minutes, warm_up=30, floor=0.02)
        error = workers.backward(lesson, images.chunk(4))
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        run.advance()
        if run.step % 100 == 0:
            bar.n = run.seconds / 60
            tqdm.write(
                f"vae {run.step} {run.seconds / 60:.1f} min loss {error:.4f} "
                f"psnr {psnr(module, images):.2f}"
            )
    run.finish()
    bar.close()


def _batch(
    rng: np.random.Generator,
    records: list[sprites.Sprite],
    pictures: list[npt.NDArray[np.uint8]],
    seen: list[int],
    count: int,
    side: int,
) -> torch.Tensor:
    images: list[npt.NDArray[np.uint8]] = []
    while len(images) < count:
        number = int(rng.choice(seen))
        scene = scenes.draw(
            rng, records[number], pictures[number], extent=(0.4, 0.95), anywhere=True
        )
        if side == SIZE:
            images.append(scene.pixels)
            continue
        for _ in range(CROPS):  # that hold a part of the thing
            left, top, right, bottom = scene.box
            x = int(np.clip(rng.integers(left, right) - side // 2, 0, SIZE - side))
            y = int(np.clip(rng.integers(top, bottom) - side // 2, 0, SIZE - side))
            images.append(scene.pixels[y : y + side, x : x + side])
    return to_tensor(np.stack(images[:count]))


@torch.no_grad()
def given_back(module: AutoencoderKL, images: torch.Tensor) -> npt.NDArray[np.uint8]:
    """What it makes of `images` (N x 3 x H x W, -1 to 1), through the posterior's mean.

    uint8, N x H x W x 3.
    """
    parts = images.chunk(-(-len(images) // 8))
    decoded = [module.decode(module.encode(part).latent_dist.mode()).sample for part in parts]
    return to_pixels(torch.cat(decoded))


def psnr(module: AutoencoderKL, images: torch.Tensor) -> float:
    """Mean PSNR in dB over `images` (-1 to 1), with 8-bit output."""
    wrong = to_tensor(given_back(module, images)) - images
    return float((-10 * torch.log10(wrong.square().mean(dim=(1, 2, 3)) / 4)).mean())


def load(folder: Path) -> AutoencoderKL:
    """The averaged VAE of a run."""
    module = new().eval().requires_grad_(False)
    state = torch.load(folder / "vae.pt", map_location="cpu", weights_only=True)
    module.load_state_dict(state["average"])
    return module
