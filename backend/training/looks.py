"""Teach the text encoder how things look before the U-Net listens to it.

A U-Net can only draw apart what its captions' vectors tell apart. The text encoder of our first
runs knew the captions' colours and little else: of its vectors for 490 captions 97 % of the
variance lay in four directions. (A contrastive pair is content with whatever suffices to tell its
batch apart, and a U-Net that has just learned colours asks for nothing but colours.) So it starts
with a plain regression: from the mean of a caption's token vectors a linear map has to give the
picture, as its principal components, of which the small ones count nearly as much as the large.

What this leaves unexplained the U-Net has to learn thing by thing, and far more slowly. A run whose
captions still say little about its pictures can come back to it (``train --only looks``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm
from transformers import CLIPTokenizer

from . import clip, latents, unet
from .checkpoints import Run, save
from .pieces import Tokens
from .precision import autocast

COMPONENTS = 160
EVENNESS = 0.5  # 0: components count as in the pictures; 1: all alike
LEARNING_RATE = 1e-3
BATCH = 128


class Reader(nn.Module):
    """Token ids (N x LENGTH) to COMPONENTS numbers that say how the caption's picture looks."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        super().__init__()
        self.text = unet.text_model(tokenizer)
        clip.words_first(self.text)
        self.head = nn.Linear(self.text.config.hidden_size, COMPONENTS)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        states = self.text(input_ids=ids).last_hidden_state
        looks: torch.Tensor = self.head(states.mean(1))
        return looks


def components(pictures: torch.Tensor) -> torch.Tensor:
    """The first COMPONENTS of N latents (N x C x H x W), evened out and of unit size in all."""
    rows = pictures.float().flatten(1)
    rows = rows - rows.mean(0)
    variances, directions = torch.linalg.eigh(rows.T @ rows / len(rows))
    variances, directions = variances.flip(0)[:COMPONENTS], directions.flip(1)[:, :COMPONENTS]
    found = rows @ directions / variances.clamp(min=1e-4) ** (EVENNESS / 2)
    even: torch.Tensor = found / found.square().sum(1).mean().sqrt()
    return even


def train(folder: Path, *, minutes: float, seed: int = 6) -> None:
    """Train for `minutes` on the whole pictures among the lessons; leaves text.pt.

    Begins from text.pt where there is one; a U-Net's run in `folder` listens to the outcome. A run
    that has had its minutes does nothing more: by then the U-Net has taught the text encoder on.
    """
    lessons = latents.load(folder)
    whole = lessons.whole.nonzero().flatten()
    wanted = components(lessons.latents[whole])
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    read = Tokens(tokenizer)
    torch.manual_seed(seed)
    reader = Reader(tokenizer).train()
    if (folder / "text.pt").exists():
        reader.text.load_state_dict(unet.known_text(folder))
    optimizer = torch.optim.AdamW(reader.parameters(), LEARNING_RATE, betas=(0.9, 0.98), fused=True)
    run = Run(folder / "looks.pt", reader, optimizer, decay=0.97)
    if run.step and not run.going(minutes) and (folder / "text.pt").exists():
        run.finish()
        return
    torch.manual_seed(seed * 1_000_003 + run.step)
    bar = tqdm(total=minutes, unit="min", mininterval=10)
    while run.going(minutes):
        chosen = torch.randint(len(whole), (BATCH,))
        texts = [lessons.captions[int(whole[i])][int(i) % latents.CAPTIONS] for i in chosen]
        with autocast():
            given = reader(read(texts))
        error = (given.float() - wanted[chosen]).square().sum(1).mean()
        run.set_rate(LEARNING_RATE, minutes, warm_up=5, floor=0.05)
        optimizer.zero_grad()
        error.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(reader.parameters(), 1.0)
        optimizer.step()
        run.advance()
        if run.step % 50 == 0:
            bar.n = run.seconds / 60
            tqdm.write(f"looks {run.step} {run.seconds / 60:.1f} min unexplained {error:.3f}")
    bar.close()
    average = run.average.module
    assert isinstance(average, Reader)
    save(folder / "text.pt", average.text.state_dict())
    _hand_on(folder, average.text.state_dict())
    run.finish()


def _hand_on(folder: Path, text: Mapping[str, torch.Tensor]) -> None:
    path = folder / "unet.pt"
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        for weights in (state["module"], state["average"]):
            weights.update({f"text.{name}": value for name, value in text.items()})
        save(path, {**state, "optimizer": None})
