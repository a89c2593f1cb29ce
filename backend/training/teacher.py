"""The U-Net's own earlier self, teaching it what a picture does not tell.

Half of what a lesson shows nobody can foresee: which owl it is, where its wings end. The error
there never falls, and its gradient, different in every lesson, is by far the largest; under it the
little that could be learned exactly is lost: how a background goes on beside a mask. So in the
second part of a run the weights as they were at its beginning say what is to be drawn where the
picture itself cannot be known, and the picture where it can. What they say they say alike each
time, and the noise in the gradients is gone ("knowledge distillation": Hinton et al., 2015).

They also settle what guidance does. Left to itself a model that has few pictures for a caption
draws best with hardly any guidance; at 5, where the dial stands for most models, its colours are
too strong. Here the learner is taught the two things that pictures are drawn with: what it says
without a caption, and what `diffusion.GUIDANCE` makes of that and of what it says with one. Both
are right when they are as the teacher draws at BEST, and less guidance heeds the caption less. A
teacher that was itself taught so is not BEST there: the first part of a run, which shows every
picture with its own caption, undoes that, and must not be left out.
"""

from __future__ import annotations

import torch
from torch import nn

from .pieces import MASK_CHANNEL, Piece, guided

# A background's latent that the teacher knows this well, in units of a latent, could be foreseen.
NEAR = 0.25
BEST = 2.0  # guidance at which the teacher draws best
TELLING = 0.5  # a_t^2 from which on a picture tells what its caption is
EDGE = 4.0  # weight of what lies along the mask's edge, on both sides: what is wrong is a seam
# By channel of our latents: how far a small change of it moves the decoded pixels, squared, with a
# mean of 1.
CHANNEL_WEIGHTS = (2.5, 0.6, 0.5, 0.4)


class Teacher:
    """A frozen drawer: called with a piece's given, steps and ids it returns the velocity."""

    def __init__(self, drawer: nn.Module) -> None:
        self.drawer = drawer

    @torch.no_grad()
    def __call__(self, piece: Piece) -> Piece:
        """Pairs, their target what the teacher says, guided, where nobody can foresee the picture.

        It can outside the mask (also what the mask's edge hides in part), in a smooth background,
        in any other along that edge, and where the teacher itself comes near to what that is. (In
        skies and gradients it was not near in half of the places: what it had never learned it
        would have handed on.) Where there is more picture than noise the teacher is told the
        caption even if the learner is not: the picture tells it by then. Left to themselves the two
        answers that guidance compares differ there by chance, and a strong guidance makes fringes
        of that.
        """
        ids = torch.where((piece.squares > TELLING)[:, None], piece.told, piece.ids)
        said = guided(self.drawer(piece.given, piece.steps, ids), BEST)
        sigma = (1 - piece.squares).sqrt().view(-1, 1, 1, 1)
        near = ((said - piece.target) * sigma).abs().amax(dim=1, keepdim=True) < NEAR
        mask = piece.given[:, MASK_CHANNEL : MASK_CHANNEL + 1]
        edge = border(1 - mask) | (piece.ground & border(mask))
        known = (mask == 0) | edge | (piece.ground & near) | piece.smooth
        # The picture that a velocity implies is off by sigma times as much. Squared, that would ask
        # too little of the last steps, which nothing comes after: its first power is between.
        seen = piece.share * sigma * torch.where(edge, EDGE, 1.0)
        seen = seen * torch.tensor(CHANNEL_WEIGHTS).view(1, -1, 1, 1)
        # The teacher only guesses at a background: that counts less than what it says of things.
        share = torch.where(known, seen, torch.where(piece.ground, 1.0, piece.share))
        return piece._replace(target=torch.where(known, piece.target, said), share=share)


def border(mask: torch.Tensor) -> torch.Tensor:
    """bool, N x 1 x H x W: what `mask` (likewise, 1 inside) hides beside something it does not."""
    return (nn.functional.max_pool2d(1 - mask, 3, stride=1, padding=1) > 0) & (mask > 0)
