"""The first convolution reads places from the mask."""

import pytest
import torch
from torch import nn

from scumble.training import positions


@pytest.mark.parametrize("frequency", range(8))
def test_a_kernels_sums_over_the_picture_are_a_cosine(frequency: int) -> None:
    kernel = positions.cosine(frequency).view(1, 1, -1)
    ones = torch.ones(1, 1, positions.SIDE)
    sums = nn.functional.conv1d(ones, kernel, padding=positions.KERNEL // 2).flatten()
    places = (torch.arange(positions.SIDE) + 0.5) / positions.SIDE
    torch.testing.assert_close(sums, torch.cos(torch.pi * frequency * places), atol=1e-5, rtol=0)


def test_a_whole_mask_gives_every_place_features_of_its_own() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(9, 64, positions.KERNEL, padding=positions.KERNEL // 2)
    positions.give(conv, 4)
    given = torch.zeros(1, 9, positions.SIDE, positions.SIDE)
    given[:, 4] = 1
    places = conv(given).detach().flatten(2)[0].T
    distances = torch.cdist(places, places) + 10 * torch.eye(len(places))
    assert distances.min() > 0.5


def test_other_inputs_are_read_from_nearby_only() -> None:
    conv = nn.Conv2d(9, 64, positions.KERNEL, padding=positions.KERNEL // 2)
    positions.give(conv, 4)
    others = conv.weight[:, [0, 1, 2, 3, 5, 6, 7, 8]].detach()
    assert others[..., 7:10, 7:10].std() == pytest.approx((9 * 9 * 3) ** -0.5, rel=0.2)
    others = others.clone()
    others[..., 7:10, 7:10] = 0
    assert (others == 0).all()
