"""CLIP: a text encoder and an image tower that learn from pairs which caption fits which picture.

Radford et al., "Learning Transferable Visual Models From Natural Language Supervision" (2021). The
pair is the judge of what was drawn, and learns from nothing, so that it knows nothing of the
U-Net's ways. The U-Net's own text encoder has the same shape and learns otherwise: see `looks`.
"""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.nn import functional
from tqdm import tqdm
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPTokenizer

from . import captions, scenes, sprites, tokens
from .checkpoints import Run, appearing
from .precision import autocast
from .vae import to_tensor

LAYERS = 2  # of the text encoder; names need no grammar
WIDTH = 256  # of the text encoder: the U-Net's cross_attention_dim
EMBEDDING = 192  # where pictures and captions meet
IMAGE_SIZE = 48  # pixels, what the image tower looks at
LEARNING_RATE = 1e-3
TWINS = 0.15  # share of a batch that differs from a neighbour only in colour or background
VIEWS = 32  # scenes of each picture
TOKEN_SCALE = 0.5  # deviation of the token embeddings at the start: words first, position second


def text_config(vocabulary: int, end: int) -> CLIPTextConfig:
    """The text encoder's shape; `end` is the token that ends a caption and pads it."""
    return CLIPTextConfig(
        vocab_size=vocabulary,
        hidden_size=WIDTH,
        intermediate_size=4 * WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        max_position_embeddings=tokens.LENGTH,
        projection_dim=EMBEDDING,
        bos_token_id=end - 1,
        eos_token_id=end,
        pad_token_id=end,
    )


def words_first(text: nn.Module) -> None:
    """Begin a text encoder's token embeddings at TOKEN_SCALE, many times the positions' size.

    As they usually begin, all captions are nearly the same to the layers above, and long remain so.
    """
    for name, table in text.named_parameters():
        if "token_embedding" in name:
            nn.init.normal_(table, std=TOKEN_SCALE)


class ImageTower(nn.Module):
    """Pictures (N x 3 x H x W, -1 to 1) to unit vectors (N x EMBEDDING)."""

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 32, 64, 128, 256)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Conv2d(
                    before, after, 4 if before > 3 else 5, stride=2, padding=1 + (before < 4)
                ),
                nn.GroupNorm(8, after),
                nn.SiLU(),
                _Residual(after),
            ]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(widths[-1] * 9, EMBEDDING)
        self.centre = nn.BatchNorm1d(EMBEDDING, affine=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        images = functional.interpolate(images, (IMAGE_SIZE, IMAGE_SIZE), mode="area")
        features = self.body(images).flatten(1)  # 3 x 3 places
        return functional.normalize(self.centre(self.head(features).float()), dim=-1)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        return features + self.body(features)  # type: ignore[no-any-return]


class Pair(nn.Module):
    """Text encoder and image tower with a common temperature."""

    def __init__(self, vocabulary: int, end: int) -> None:
        super().__init__()
        self.end = end
        self.text = CLIPTextModelWithProjection(text_config(vocabulary, end))
        words_first(self.text)
        self.centre = nn.BatchNorm1d(EMBEDDING, affine=False)
        self.image = ImageTower()
        self.scale = nn.Parameter(torch.tensor(2.7))  # log of 1 / temperature

    def read(self, ids: torch.Tensor) -> torch.Tensor:
        """Captions' token ids (N x LENGTH) to unit vectors (N x EMBEDDING).

        The mean over the tokens is projected, not the last token as in CLIP: that one is the same
        in all captions. For the same reason both towers' vectors are centred: as long as they are
        all alike nothing can be learned from how they differ.
        """
        states = self.text.text_model(input_ids=ids).last_hidden_state.float()
        said = (ids != self.end).unsqueeze(-1)
        mean = (states * said).sum(1) / said.sum(1)
        return functional.normalize(self.centre(self.text.text_projection(mean).float()), dim=-1)


def encode(tokenizer: CLIPTokenizer, texts: list[str], *, short: bool = False) -> torch.Tensor:
    """Token ids (N x LENGTH), cut and padded as the pipelines do.

    With `short` they are only padded to the longest of `texts`. The encoder is causal, so what
    follows a caption's end can't change what the pair makes of it, and costs time.
    """
    ids: torch.Tensor = tokenizer(
        texts,
        padding="longest" if short else "max_length",
        max_length=tokens.LENGTH,
        truncation=True,
        return_tensors="pt",
    ).input_ids
    return ids


def make_tokenizer(folder: Path, records: list[sprites.Sprite]) -> None:
    """Learn the tokenizer in `folder`/tokenizer from the records, if it is not there yet."""
    target = folder / "tokenizer"
    if not target.exists():
        rng = random.Random(0)
        texts = [
            captions.caption(rng, thing=r.thing, style=r.style, background=ground)
            for r in records
            for ground in ("white", *rng.sample((*captions.COLOURS, *captions.NEUTRALS), 3))
        ]
        texts += [" ".join(r.keywords) for r in records] + ["gradient textured background"] * 50
        with appearing(target) as part:
            tokens.train(texts).save_pretrained(part)


def train(
    folder: Path,
    records: list[sprites.Sprite],
    *,
    minutes: float,
    batch: int = 96,
    seed: int = 2,
) -> None:
    """Train for `minutes` in all (over all sessions) on the pictures that are not held back."""
    pictures = sprites.by_file(folder / "sprites", records)
    seen = [record for record in records if not record.held_back]
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    torch.manual_seed(seed)
    pair = Pair(len(tokenizer), tokenizer.eos_token_id).train()
    optimizer = torch.optim.AdamW(
        pair.parameters(), LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.05
    )
    run = Run(folder / "judge.pt", pair, optimizer, decay=0.99)
    rng = np.random.default_rng([seed, run.step])
    words = random.Random(f"{seed} {run.step}")
    views = Views(rng, seen, pictures)
    bar = tqdm(total=minutes, unit="min", mininterval=10)
    while run.going(minutes):
        drawn = views.batch(rng, batch)
        images = to_tensor(np.stack([_augmented(rng, scene) for scene in drawn]))
        ids = encode(tokenizer, [_say(words, scene) for scene in drawn], short=True)
        run.set_rate(LEARNING_RATE, minutes, warm_up=40, floor=0.02)
        with autocast():
            seen_as, read_as = pair.image(images), pair.read(ids)
        logits = seen_as.float() @ read_as.float().T * pair.scale.clamp(max=4.0).exp()
        target = torch.arange(batch)
        loss = functional.cross_entropy(logits, target) + functional.cross_entropy(logits.T, target)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(pair.parameters(), 1.0)
        optimizer.step()
        run.advance()
        if run.step % 25 == 0:
            bar.n = run.seconds / 60
            hits = (logits.argmax(1) == target).float().mean().item()
            tqdm.write(
                f"clip {run.step} {run.seconds / 60:.1f} min loss {loss.item() / 2:.3f} "
                f"first of {batch}: {hits:.2f}"
            )
    run.finish()
    bar.close()


class Views:
    """Small scenes of every thing, drawn once; a step takes other ones, cropped and lit anew.

    Drawing each scene when it is needed would take longer than learning from it.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        records: list[sprites.Sprite],
        pictures: dict[str, scenes.Pixels],
    ) -> None:
        self.views = [
            [
                scenes.draw(
                    rng,
                    record,
                    pictures[record.file],
                    size=IMAGE_SIZE * 5 // 4,
                    extent=(0.55, 0.95),
                )
                for _ in range(VIEWS)
            ]
            for record in records
        ]

    def batch(self, rng: np.random.Generator, count: int) -> list[scenes.Scene]:
        """`count` scenes, no two of which the same can be said of: some differ in little only."""
        drawn: list[scenes.Scene] = []
        taken: set[tuple[str, str, str]] = set()
        for number in rng.permutation(len(self.views)):
            twins = 2 if rng.random() < TWINS else 1
            for view in rng.choice(VIEWS, twins, replace=False):
                scene = self.views[int(number)][int(view)]
                key = (scene.thing, scene.style, scene.background)
                if key not in taken and len(drawn) < count:
                    taken.add(key)
                    drawn.append(scene)
        return drawn


def _say(rng: random.Random, scene: scenes.Scene) -> str:
    return captions.caption(
        rng,
        thing=scene.thing,
        style=scene.style,
        background=scene.background,
        keywords=scene.keywords,
        say_background=0.4,
    )


def _augmented(rng: np.random.Generator, scene: scenes.Scene) -> scenes.Pixels:
    """A crop, light and contrast a little off, a little noise, and sometimes out of focus."""
    left, top = rng.integers(0, IMAGE_SIZE // 4 + 1, 2)
    cut = scene.pixels[top : top + IMAGE_SIZE, left : left + IMAGE_SIZE]
    if rng.random() < 0.4:
        side = int(rng.integers(IMAGE_SIZE // 3, IMAGE_SIZE))
        small = Image.fromarray(cut).resize((side, side), Image.Resampling.BILINEAR)
        cut = np.asarray(small.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC))
    lit = (cut.astype(np.float32) - 128) * rng.uniform(0.85, 1.15) + 128 + rng.uniform(-15, 15)
    lit += rng.uniform(0, 8) * rng.standard_normal(lit.shape, dtype=np.float32)
    return np.asarray(lit.clip(0, 255), dtype=np.uint8)


def load(folder: Path) -> tuple[Pair, CLIPTokenizer]:
    """The averaged pair of a run, and the tokenizer."""
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    pair = Pair(len(tokenizer), tokenizer.eos_token_id).eval().requires_grad_(False)
    state = torch.load(folder / "judge.pt", map_location="cpu", weights_only=True)
    pair.load_state_dict(state["average"])
    return pair, tokenizer
