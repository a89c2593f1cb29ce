"""The U-Net and how it learns: shown a noisy picture, a mask, what the mask leaves, and a caption.

Its input has 9 channels, as pipelines for filling expect: 4 of noisy latents, 1 of mask, 4 of
latents of the picture with the masked part greyed. Where the mask is everywhere it draws a whole
picture from the caption, so one set of weights does text to image, image to image and fill.

The caption reaches the U-Net on two ways. Cross-attention reads it word by word, at the lowest
resolution only; and pooled to one vector it is added to the timestep's embedding, which scales and
shifts the features of every residual block ("adaptive group normalisation"). The second way makes
a name act like the class of a class-conditional model, which is learned many times sooner. Where
things are it is told by its first convolution: see `positions`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.resnet import ResnetBlock2D
from torch import nn
from tqdm import tqdm
from transformers import CLIPTextModel, CLIPTokenizer

from . import clip, diffusion, latents, positions
from .checkpoints import Run
from .precision import autocast
from .workers import Workers

CHANNELS = (64, 128, 256)
EMBEDDING = 512  # of timestep and pooled caption
LEARNING_RATE = 1e-3
TEXT_RATE = 0.1  # share of it for the text encoder
# Lessons a step, from which share of the run on: fewer first, for more steps, then more, for less
# noise in each. PIECE of them are one piece of work; smaller ones leave the core half idle.
BATCHES = ((0.0, 64), (0.85, 128))
PIECE = 32
MASK_CHANNEL = 4  # of the nine
EMPTY_CAPTIONS = 0.1  # so that classifier-free guidance has something to lead away from
SHEET_EVERY = 1800.0  # seconds


@dataclass(frozen=True)
class Emphasis:
    """What counts in a part of a run.

    thing, ground, outside: weight of the error in the thing, in the background that a fill has to
    go on with, and where the picture is given anyway. stretches: a quarter of the steps each, as
    shares of the schedule (0 clean, 1 pure noise).
    """

    thing: float
    ground: float
    outside: float
    stretches: tuple[tuple[float, float], ...]


# Things first: what is drawn is decided where there is most noise.
THINGS = Emphasis(3.0, 4.0, 2.0, ((0.0, 0.5), (0.7, 1.0), (0.5, 1.0), (0.6, 1.0)))
# Then exactness, and a quarter of the steps to clean what is drawn. Little is asked of the U-Net in
# a background, but that is exact, and an eye sees the least of it as a seam; with the weight of the
# thing, whose details nobody can foresee, it would be lost.
EXACTNESS = Emphasis(2.0, 10.0, 5.0, ((0.0, 0.5), (0.7, 1.0), (0.5, 1.0), (0.0, 0.3)))
EXACTNESS_FROM = 0.65  # of the run
# Errors are also averaged over COARSE x COARSE latents. What is wrong in one direction all over a
# background is a tenth of what is wrong from place to place, and what one sees.
COARSE = 4

# Input (N x 9 x H x W), timesteps (N), a_t^2 (N), token ids, target velocity, weight of its error.
Piece = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def new() -> UNet2DConditionModel:
    """An untrained U-Net for 16 x 16 x 4 latents."""
    module = UNet2DConditionModel(
        sample_size=latents.SIDE,
        conv_in_kernel=positions.KERNEL,
        in_channels=9,
        out_channels=4,
        down_block_types=("DownBlock2D", "DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D", "UpBlock2D"),
        block_out_channels=CHANNELS,
        layers_per_block=1,
        cross_attention_dim=clip.WIDTH,
        attention_head_dim=8,
        norm_num_groups=16,
        time_embedding_dim=EMBEDDING,
        addition_embed_type="text",
        addition_embed_type_num_heads=4,
        resnet_time_scale_shift="scale_shift",
    )
    # Every residual branch begins by adding nothing, and the first prediction is zero.
    for part in module.modules():
        if isinstance(part, ResnetBlock2D):
            nn.init.zeros_(part.conv2.weight)
    nn.init.zeros_(module.conv_out.weight)
    positions.give(module.conv_in, MASK_CHANNEL)
    return module


def lesson(drawer: Drawer, piece: Piece) -> torch.Tensor:
    """The weighted error of the predicted velocity on some lessons, place by place and coarsely.

    The second term is a "multiscale training loss" (Hoogeboom et al., "simple diffusion", 2023),
    with a weight that doubles what is random and counts what COARSE^2 latents share so often more.
    """
    given, steps, squares, ids, target, share = piece
    with autocast():
        states = drawer.text(input_ids=ids).last_hidden_state
        output = drawer.unet(given, steps, states, return_dict=False)[0]
    wrong = (output.float() - target) * share.sqrt()
    coarse = nn.functional.avg_pool2d(wrong, COARSE) * COARSE
    error = wrong.square().mean(dim=(1, 2, 3)) + coarse.square().mean(dim=(1, 2, 3))
    weighted: torch.Tensor = error * diffusion.min_snr_weight(squares)
    return weighted.mean()


def shares(
    mask: torch.Tensor, ground: torch.Tensor, given: torch.Tensor, emphasis: Emphasis
) -> torch.Tensor:
    """How much an error counts, by place (N x 1 x H x W).

    `given` tells where a latent is the picture's own; one that is grey in part counts 1.
    """
    inside = torch.where(ground, emphasis.ground, emphasis.thing)
    return torch.where(mask > 0, inside, torch.where(given, emphasis.outside, 1.0))


class Drawer(nn.Module):
    """The U-Net and the text encoder it listens to.

    The text encoder's first layers come from CLIP and go on learning here, from what their words
    do to pictures: contrasting captions teaches which things differ, drawing them how they look.
    """

    def __init__(self, text: CLIPTextModel) -> None:
        super().__init__()
        self.unet = new()
        self.text = text


class Tokens:
    """Captions to token ids (N x LENGTH); each caption is cut up once."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        self.tokenizer = tokenizer
        self._known: dict[str, torch.Tensor] = {}

    def __call__(self, texts: list[str]) -> torch.Tensor:
        unknown = [text for text in dict.fromkeys(texts) if text not in self._known]
        if unknown:
            ids = clip.encode(self.tokenizer, unknown)
            self._known.update(zip(unknown, ids, strict=True))
        return torch.stack([self._known[text] for text in texts])


def train(
    folder: Path,
    *,
    minutes: float,
    rate: float,
    sheet: Callable[[Drawer], None] | None = None,
    seed: int = 4,
) -> None:
    """Train for `minutes` in all (over all sessions) on the lessons in `folder`/latents.

    `rate` is the highest learning rate. `sheet` is called with the averaged weights now and then.
    """
    lessons = latents.load(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    read = Tokens(tokenizer)
    torch.manual_seed(seed)
    drawer = Drawer(text_model(tokenizer, known_text(folder))).train()
    # Written out: on a CPU the fused attention's way back takes longer than all convolutions.
    drawer.unet.set_attn_processor(AttnProcessor())
    groups = [
        {"params": list(drawer.unet.parameters()), "share": 1.0},
        {"params": list(drawer.text.parameters()), "share": TEXT_RATE},
    ]
    optimizer = torch.optim.AdamW(groups, rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    run = Run(folder / "unet.pt", drawer, optimizer, decay=0.99)
    workers = Workers(drawer)
    rng = torch.Generator().manual_seed(seed * 1_000_003 + run.step)
    alphas = diffusion.alphas_cumprod()
    recent: list[float] = []
    shown = time.monotonic()
    bar = tqdm(total=minutes, unit="min", mininterval=10)
    while run.going(minutes):
        run.set_rate(rate, minutes, warm_up=60, floor=0.05)
        share_done = run.seconds / (minutes * 60)
        batch = max(size for share, size in BATCHES if share_done >= share)
        emphasis = EXACTNESS if share_done >= EXACTNESS_FROM else THINGS
        pieces = _pieces(rng, batch, lessons, read, alphas, emphasis)
        recent.append(workers.backward(lesson, pieces))
        torch.nn.utils.clip_grad_norm_(drawer.parameters(), 1.0)
        optimizer.step()
        run.advance()
        if run.step % 25 == 0:
            bar.n = run.seconds / 60
            mean = sum(recent) / len(recent)
            tqdm.write(f"unet {run.step} {run.seconds / 60:.1f} min loss {mean:.4f}")
            recent.clear()
        if sheet is not None and time.monotonic() - shown > SHEET_EVERY:
            sheet(cast(Drawer, run.average.module))
            shown = time.monotonic()
    run.save()
    bar.close()


def _pieces(
    rng: torch.Generator,
    batch: int,
    lessons: latents.Lessons,
    read: Tokens,
    alphas: torch.Tensor,
    emphasis: Emphasis,
) -> list[Piece]:
    """One step's work, with noise added and captions read."""
    chosen = torch.randint(len(lessons.latents), (batch,), generator=rng)
    pictures = lessons.latents[chosen].float()
    # One step from each of equal stretches of the schedule: a steadier mean than by chance.
    quarter = batch // 4

    def stretch(start: float, end: float) -> torch.Tensor:
        even = (torch.arange(quarter) + torch.rand(quarter, generator=rng)) / quarter
        return start + (end - start) * even

    part = torch.stack([stretch(*ends) for ends in emphasis.stretches], dim=1).flatten()
    steps = (part * diffusion.STEPS).long().clamp(max=diffusion.STEPS - 1)
    squares = alphas[steps]
    noise = diffusion.with_drift(torch.randn(pictures.shape, generator=rng), squares, rng)
    texts = [
        lessons.captions[int(i)][int(i + s) % latents.CAPTIONS]
        for i, s in zip(chosen, steps, strict=True)
    ]
    dropped = torch.rand(batch, generator=rng) < EMPTY_CAPTIONS
    ids = read(["" if drop else text for text, drop in zip(texts, dropped.tolist(), strict=True)])
    noisy = diffusion.add_noise(pictures, noise, squares)
    mask, ground = lessons.mask[chosen], lessons.ground[chosen]
    visible = lessons.visible[chosen].float()
    given = torch.cat([noisy, mask, visible], dim=1)
    target = diffusion.velocity(pictures, noise, squares)
    whole = (visible == pictures).all(dim=1, keepdim=True)
    work = (given, steps, squares, ids, target, shares(mask, ground, whole, emphasis))
    split = [part.chunk(batch // PIECE) for part in work]
    return list(zip(*split, strict=True))


def text_model(
    tokenizer: CLIPTokenizer, known: Mapping[str, torch.Tensor] | None = None
) -> CLIPTextModel:
    """The text encoder; what it has in common with `known` begins as that."""
    text = CLIPTextModel(clip.text_config(len(tokenizer), tokenizer.eos_token_id))
    if known is not None:
        wanted = text.state_dict()
        text.load_state_dict({name: known.get(name, value) for name, value in wanted.items()})
    return text


def known_text(folder: Path) -> Mapping[str, torch.Tensor]:
    """What a text encoder learned before: of the pair (clip.pt) or of a saved folder (text.pt)."""
    if (folder / "text.pt").exists():
        known: Mapping[str, torch.Tensor] = torch.load(folder / "text.pt", weights_only=True)
        return known
    return clip.load(folder)[0].text.text_model.state_dict()  # type: ignore[no-any-return]


def load(folder: Path) -> tuple[Drawer, CLIPTokenizer]:
    """The averaged U-Net and text encoder of a run, and the tokenizer."""
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    drawer = Drawer(text_model(tokenizer)).eval().requires_grad_(False)
    state = torch.load(folder / "unet.pt", map_location="cpu", weights_only=True)
    drawer.load_state_dict(state["average"])
    return drawer, tokenizer
