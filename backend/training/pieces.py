"""One step's work for the U-Net, cut in pieces: noise added, captions read, errors weighed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from transformers import CLIPTokenizer

from . import clip, diffusion, latents

PIECE = 32  # lessons; smaller pieces leave the core half idle
MASK_CHANNEL = 4  # of the nine
DROPPED = 0.1  # captions, so that classifier-free guidance has something to lead away from


@dataclass(frozen=True)
class Emphasis:
    """What counts in a part of a run.

    thing, ground, outside: weight of the error in the thing, in the background that a fill has to
    go on with, and where the picture is given anyway. stretches: a quarter of the steps each, as
    shares of the schedule (0 clean, 1 pure noise). fills: share of the lessons that are never
    whole pictures. paired: each lesson comes twice, see `Piece.paired`; else one caption in ten is
    dropped (DROPPED).
    """

    thing: float
    ground: float
    outside: float
    stretches: tuple[tuple[float, float], ...]
    fills: float = 0.0
    paired: bool = False


# Things first: what is drawn is decided where there is most noise.
THINGS = Emphasis(3.0, 4.0, 2.0, ((0.0, 0.5), (0.7, 1.0), (0.5, 1.0), (0.6, 1.0)))
# Then exactness: how a background goes on, which asks little of the U-Net, but that exactly. An eye
# sees the least of it as a seam. Most steps go to where some of the picture is there already: each
# believes the one before it and adds its own errors. Who says what is right: `teacher`.
EXACTNESS = Emphasis(
    8.0, 20.0, 6.0, ((0.0, 0.35), (0.1, 0.5), (0.3, 0.8), (0.7, 1.0)), fills=0.4, paired=True
)


class Piece(NamedTuple):
    """Some lessons at some steps. H and W are those of the latents."""

    given: torch.Tensor  # N x 9 x H x W: noisy latents, mask, what the mask leaves
    steps: torch.Tensor  # N, timesteps
    squares: torch.Tensor  # N, a_t^2
    ids: torch.Tensor  # N x LENGTH, the captions' tokens, some of them dropped
    told: torch.Tensor  # likewise, before any was dropped
    target: torch.Tensor  # N x 4 x H x W, the velocity
    share: torch.Tensor  # N x 1 or 4 x H x W, weight of its squared error
    ground: torch.Tensor  # bool, N x 1 x H x W: a background to go on with, inside the mask
    smooth: torch.Tensor  # bool, likewise: one that can be foreseen

    def paired(self, empty: torch.Tensor) -> Piece:
        """Every lesson twice: first all without their captions (`empty`, 1 x LENGTH), then with."""
        pair = Piece(*(torch.cat([tensor, tensor]) for tensor in self))
        return pair._replace(ids=torch.cat([empty.expand_as(self.told), self.told]))


def guided(said: torch.Tensor, scale: float) -> torch.Tensor:
    """What is said of pairs, with classifier-free guidance of `scale` where there is a caption.

    said: 2N x ..., without captions first; that half stays as it is (Ho and Salimans, 2022).
    """
    without, told = said.chunk(2)
    return torch.cat([without, without + scale * (told - without)])


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


def shares(
    mask: torch.Tensor, ground: torch.Tensor, whole: torch.Tensor, emphasis: Emphasis
) -> torch.Tensor:
    """How much an error counts, by place (N x 1 x H x W).

    `whole` (bool, likewise) tells where a latent is the picture's own; one that is grey in part
    counts 1.
    """
    inside = torch.where(ground, emphasis.ground, emphasis.thing)
    return torch.where(mask > 0, inside, torch.where(whole, emphasis.outside, 1.0))


class Pieces:
    """Draws lessons, of which some have to be fills, and what a step makes of them."""

    def __init__(
        self, lessons: latents.Lessons, tokenizer: CLIPTokenizer, rng: torch.Generator
    ) -> None:
        self.lessons, self.rng = lessons, rng
        self._read = Tokens(tokenizer)
        self._alphas = diffusion.alphas_cumprod()
        self._fills = (~lessons.whole).nonzero().flatten()

    def draw(self, batch: int, emphasis: Emphasis) -> list[Piece]:
        """`batch` lessons, a multiple of PIECE, in pieces of that, with noise added.

        Both of a pair count.
        """
        lessons, rng = self.lessons, self.rng
        number = batch // PIECE
        if emphasis.paired:
            batch //= 2
        chosen = torch.randint(len(lessons.latents), (batch,), generator=rng)
        fills = self._fills[torch.randint(len(self._fills), (batch,), generator=rng)]
        chosen = torch.where(torch.rand(batch, generator=rng) < emphasis.fills, fills, chosen)
        pictures = lessons.latents[chosen].float()
        # One step from each of equal stretches of the schedule: a steadier mean than by chance.
        quarter = batch // 4

        def stretch(start: float, end: float) -> torch.Tensor:
            even = (torch.arange(quarter) + torch.rand(quarter, generator=rng)) / quarter
            return start + (end - start) * even

        part = torch.stack([stretch(*ends) for ends in emphasis.stretches], dim=1).flatten()
        steps = (part * diffusion.STEPS).long().clamp(max=diffusion.STEPS - 1)
        squares = self._alphas[steps]
        noise = diffusion.with_drift(torch.randn(pictures.shape, generator=rng), squares, rng)
        texts = [
            lessons.captions[int(i)][int(i + s) % latents.CAPTIONS]
            for i, s in zip(chosen, steps, strict=True)
        ]
        told, empty = self._read(texts), self._read([""])
        dropped = torch.rand(batch, 1, generator=rng) < DROPPED
        noisy = diffusion.add_noise(pictures, noise, squares)
        mask, ground = lessons.mask[chosen], lessons.ground[chosen]
        visible = lessons.visible[chosen].float()
        whole = (visible == pictures).all(dim=1, keepdim=True)
        work = Piece(
            given=torch.cat([noisy, mask, visible], dim=1),
            steps=steps,
            squares=squares,
            ids=torch.where(dropped, empty, told),
            told=told,
            target=diffusion.velocity(pictures, noise, squares),
            share=shares(mask, ground, whole, emphasis),
            ground=ground & (mask > 0),
            smooth=ground & (mask > 0) & lessons.smooth[chosen],
        )
        parts = [Piece(*p) for p in zip(*(tensor.chunk(number) for tensor in work), strict=True)]
        return [part.paired(empty) for part in parts] if emphasis.paired else parts
