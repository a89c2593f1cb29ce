"""The U-Net and how it learns: shown a noisy picture, a mask, what the mask leaves, and a caption.

Its input has 9 channels, as pipelines for filling expect: 4 of noisy latents, 1 of mask, 4 of
latents of the picture with the masked part greyed. Where the mask is everywhere it draws a whole
picture from the caption, so one set of weights does text to image, image to image and fill.

The caption reaches the U-Net on two ways. Cross-attention reads it word by word, at the lowest
resolution only; and pooled to one vector it is added to the timestep's embedding, which scales and
shifts the features of every residual block ("adaptive group normalisation"). The second way makes
a name act like the class of a class-conditional model, which is learned many times sooner. Where
things are it is told by its first convolution: see `positions`. In the second part of a run a
`teacher` helps it to be exact.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import cast

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from diffusers.models.resnet import ResnetBlock2D
from torch import nn
from tqdm import tqdm
from transformers import CLIPTextModel, CLIPTokenizer

from . import checkpoints, clip, diffusion, latents, positions
from .checkpoints import Run
from .pieces import EXACTNESS, MASK_CHANNEL, THINGS, Piece, Pieces, guided
from .precision import autocast
from .teacher import Teacher
from .workers import Workers

CHANNELS = (64, 128, 256)
EMBEDDING = 512  # of timestep and pooled caption
LEARNING_RATE = 1e-3
TEXT_RATE = 0.1  # share of it for the text encoder
# Lessons a step, from which share of the run on: fewer first, for more steps, then more, for less
# noise in each. Both of a pair count.
BATCHES = ((0.0, 64), (0.85, 128))
EXACTNESS_FROM = 0.5  # of the run; things before that
TEACHER = "teacher.pt"
SHEET_EVERY = 1800.0  # seconds
# Errors are also averaged over COARSE x COARSE latents. What is wrong in one direction all over a
# background is a tenth of what is wrong from place to place, and what one sees.
COARSE = 4


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
    last = [part.conv2 for part in module.modules() if isinstance(part, ResnetBlock2D)]
    for convolution in (*last, module.conv_out):
        nn.init.zeros_(convolution.weight)
        nn.init.zeros_(convolution.bias)
    positions.give(module.conv_in, MASK_CHANNEL)
    return module


def lesson(drawer: nn.Module, piece: Piece, teacher: Teacher | None = None) -> torch.Tensor:
    """The error of `drawer` on a piece, by the picture; with a teacher by what that says.

    A teacher's piece is of pairs (`Piece.paired`), judged as they are drawn with: guided.
    """
    said = drawer(piece.given, piece.steps, piece.ids)
    if teacher is None:
        return error(said, piece)
    return error(guided(said, diffusion.GUIDANCE), teacher(piece))


def error(said: torch.Tensor, piece: Piece) -> torch.Tensor:
    """The weighted error of a velocity (N x 4 x H x W) `said` of a piece, by place and coarsely.

    The second term is a "multiscale training loss" (Hoogeboom et al., "simple diffusion", 2023),
    with a weight that doubles what is random and counts what COARSE^2 latents share so often more.
    """
    wrong = (said - piece.target) * piece.share.sqrt()
    coarse = nn.functional.avg_pool2d(wrong, COARSE) * COARSE
    each = wrong.square().mean(dim=(1, 2, 3)) + coarse.square().mean(dim=(1, 2, 3))
    weighted: torch.Tensor = each * diffusion.min_snr_weight(piece.squares)
    return weighted.mean()


class Drawer(nn.Module):
    """The U-Net and the text encoder it listens to, which goes on learning here."""

    def __init__(self, text: CLIPTextModel) -> None:
        super().__init__()
        self.unet = new()
        self.text = text

    def forward(self, given: torch.Tensor, steps: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """The velocity (float32, N x 4 x H x W); what is given stands at `pieces.Piece`."""
        with autocast():
            states = self.text(input_ids=ids).last_hidden_state
            velocity: torch.Tensor = self.unet(given, steps, states, return_dict=False)[0]
        return velocity.float()


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
    From EXACTNESS_FROM on a `Teacher` helps: the averaged weights of when that first came, also
    when the run is resumed or given more minutes after it.
    """
    lessons = latents.load(folder)
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
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
    if run.step == 0:
        (folder / TEACHER).unlink(missing_ok=True)  # another run's
    workers = Workers(drawer)
    rng = torch.Generator().manual_seed(seed * 1_000_003 + run.step)
    draw = Pieces(lessons, tokenizer, rng).draw
    teacher: Teacher | None = None

    def learn(drawer: nn.Module, piece: Piece) -> torch.Tensor:
        return lesson(drawer, piece, teacher)

    recent: list[float] = []
    shown = time.monotonic()
    bar = tqdm(total=minutes, unit="min", mininterval=10)
    while run.going(minutes):
        run.set_rate(rate, minutes, warm_up=60, floor=0.05)
        share_done = run.seconds / (minutes * 60)
        batch = max(size for share, size in BATCHES if share_done >= share)
        if share_done >= EXACTNESS_FROM and teacher is None:
            teacher = _teacher(folder, run)
        emphasis = THINGS if teacher is None else EXACTNESS
        recent.append(workers.backward(learn, draw(batch, emphasis)))
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
    run.finish()
    bar.close()


def _teacher(folder: Path, run: Run) -> Teacher:
    """The averaged weights as they were when exactness began."""
    path = folder / TEACHER
    if not path.exists():
        checkpoints.save(path, run.average.module.state_dict())
    drawer = copy.deepcopy(run.average.module)
    drawer.load_state_dict(torch.load(path, weights_only=True))
    return Teacher(drawer)


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
    """What a text encoder learned before, by `looks` or in a saved folder."""
    known: Mapping[str, torch.Tensor] = torch.load(folder / "text.pt", weights_only=True)
    return known


def load(folder: Path) -> tuple[Drawer, CLIPTokenizer]:
    """The averaged U-Net and text encoder of a run, and the tokenizer."""
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    drawer = Drawer(text_model(tokenizer)).eval().requires_grad_(False)
    state = torch.load(folder / "unet.pt", map_location="cpu", weights_only=True)
    drawer.load_state_dict(state["average"])
    return drawer, tokenizer
