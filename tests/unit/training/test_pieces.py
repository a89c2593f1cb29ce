"""What counts in the U-Net's lessons, and who says what is to be drawn."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import CLIPTokenizer

from scumble.training import checkpoints, diffusion, latents, pieces, tokens, unet
from scumble.training.teacher import BEST, CHANNEL_WEIGHTS, EDGE, NEAR, TELLING, Teacher, border

MASK = torch.zeros(1, 1, latents.SIDE, latents.SIDE)
MASK[..., 4:12, 4:12] = 1
SIGNS = torch.ones_like(MASK)  # in turns, so that their mean over an even square is 0
SIGNS[..., ::2] = -1
THING = torch.zeros_like(MASK, dtype=torch.bool)
THING[..., 6:10, 6:10] = True


def untrained() -> unet.Drawer:
    """A U-Net that predicts zeros, having learned nothing."""
    return unet.Drawer(unet.text_model(tokens.train(["red apple"])))


def piece(target: torch.Tensor, share: torch.Tensor) -> pieces.Piece:
    """One lesson at half of the signal: a thing in the middle of a masked background."""
    return pieces.Piece(
        given=torch.cat([torch.zeros(1, 4, *MASK.shape[2:]), MASK] + [MASK * 0] * 4, dim=1),
        steps=torch.tensor([500]),
        squares=torch.tensor([0.5]),
        ids=torch.zeros(1, 4).long(),
        told=torch.ones(1, 4).long(),
        target=target.float().expand(1, 4, -1, -1),
        share=share,
        ground=(MASK > 0) & ~THING,
        smooth=torch.zeros_like(THING),
    )


def loss_of(wrong: torch.Tensor, share: torch.Tensor) -> float:
    lesson = piece(wrong, share)
    return unet.error(torch.zeros_like(lesson.target), lesson).item()


@pytest.mark.parametrize("emphasis", [pieces.THINGS, pieces.EXACTNESS])
def test_an_error_in_the_background_counts_more_than_one_in_the_thing(
    emphasis: pieces.Emphasis,
) -> None:
    whole = torch.ones_like(THING)
    whole[..., 2:4, :] = False  # hidden in part, above the mask
    share = pieces.shares(MASK, ~THING, whole, emphasis)
    outer = (1 - MASK) * whole
    thing, outside = (loss_of(part * SIGNS, share) for part in (MASK * THING, outer))
    around, part = (loss_of(p * SIGNS, share) for p in (MASK * ~THING, (1 - MASK) * ~whole))
    count = 16.0
    unit = thing / emphasis.thing / count
    assert around / (MASK.sum() - count) == pytest.approx(emphasis.ground * unit)
    assert outside / outer.sum() == pytest.approx(emphasis.outside * unit)
    assert part / (2 * latents.SIDE) == pytest.approx(unit)
    assert emphasis.ground > emphasis.thing


def test_an_error_in_one_direction_counts_more_than_one_in_turns() -> None:
    share = torch.ones_like(MASK)
    assert loss_of(MASK, share) == pytest.approx(
        (1 + unet.COARSE**2) * loss_of(MASK * SIGNS, share)
    )


def test_the_border_of_a_mask_is_one_latent_wide_and_a_whole_mask_has_none() -> None:
    expected = MASK.clone()
    expected[..., 5:11, 5:11] = 0
    assert torch.equal(border(MASK), expected > 0)
    assert not border(torch.ones_like(MASK)).any()


def test_the_teacher_says_what_cannot_be_foreseen_and_the_picture_the_rest() -> None:
    sigma = 0.5**0.5
    far, near = 1.1 * NEAR / sigma, 0.9 * NEAR / sigma  # from the zeros that the teacher says
    target = torch.full_like(MASK, far)
    target[..., 5, 5] = near  # of the background, within its border
    target[..., 7, 7] = near  # of the thing, by chance
    thing = THING.clone()
    thing[..., 8, 4] = True  # comes up to the border
    share = torch.full_like(MASK, 7.0)
    lesson = piece(target, share)._replace(ground=(MASK > 0) & ~thing)
    taught = Teacher(untrained())(lesson.paired(lesson.ids))
    known = (MASK == 0) | (border(MASK) & ~thing)
    known[..., 5, 5] = True
    torch.testing.assert_close(taught.target, (target * known).expand(2, 4, -1, -1))
    # an error counts as it shows in the picture, most along the mask's edge; the teacher's word
    # for a background counts no more than its word for anything
    seen = 7 * sigma * torch.tensor(CHANNEL_WEIGHTS).view(1, -1, 1, 1)
    edge = border(MASK) | border(1 - MASK)
    seen = torch.where(edge, EDGE * seen, seen)
    expected = torch.where(known, seen, torch.where(thing, share, 1.0))
    for half in taught.share.chunk(2):
        torch.testing.assert_close(half.expand_as(expected), expected)


def test_the_picture_teaches_all_of_a_smooth_background() -> None:
    target = torch.full_like(MASK, 9.0)  # far from the zeros that the teacher says
    lesson = piece(target, torch.full_like(MASK, 7.0))
    lesson = lesson._replace(smooth=lesson.ground)
    taught = Teacher(untrained())(lesson.paired(lesson.ids))
    assert (taught.target[:, :, THING[0, 0]] == 0).all()
    assert (taught.target[:, :, ~THING[0, 0]] == 9).all()
    inner = taught.share[:, :, 5, 5]  # beside the thing, and not along the mask's edge
    expected = 7 * 0.5**0.5 * torch.tensor(CHANNEL_WEIGHTS)
    torch.testing.assert_close(inner, expected.expand(2, 4))


class Reader(nn.Module):
    """Says of every place how many of the caption's tokens are 1."""

    def forward(self, given: torch.Tensor, steps: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        return ids.sum(1).float().view(-1, 1, 1, 1).expand(-1, *given[0, :4].shape)


@pytest.mark.parametrize(("squares", "without", "told"), [(0.6, 4.0, 4.0), (0.4, 0.0, 4 * BEST)])
def test_the_teacher_says_what_it_draws_best_and_knows_the_caption_where_the_picture_tells_it(
    squares: float, without: float, told: float
) -> None:
    lesson = piece(MASK * 0 + 9, MASK)._replace(
        squares=torch.tensor([squares]), ground=torch.zeros_like(THING)
    )
    target = Teacher(Reader())(lesson.paired(lesson.ids)).target
    inside = target[:, :, 4:12, 4:12]
    assert (inside[0] == without).all()
    assert (inside[1] == told).all()


def test_a_learner_is_right_when_its_guidance_does_what_the_teachers_best_does() -> None:
    class Learner(Reader):
        def __init__(self, share: float) -> None:
            super().__init__()
            self.share = share

        def forward(self, *arguments: torch.Tensor) -> torch.Tensor:
            return self.share * super().forward(*arguments)

    lesson = piece(MASK * 0 + 9, torch.ones_like(MASK))._replace(
        given=torch.cat([torch.zeros(1, 4, *MASK.shape[2:]), MASK * 0 + 1] + [MASK * 0] * 4, dim=1),
        squares=torch.tensor([TELLING / 2]),
        ground=torch.zeros_like(THING),
    )
    pair = lesson.paired(lesson.ids)
    right, full = (
        unet.lesson(Learner(share), pair, Teacher(Reader())).item()
        for share in (BEST / diffusion.GUIDANCE, 1.0)
    )
    assert right == pytest.approx(0.0, abs=1e-6)
    assert full > 1.0


def test_guidance_leads_away_from_what_is_said_without_a_caption() -> None:
    said = torch.tensor([[1.0], [10.0], [2.0], [10.0]])
    assert pieces.guided(said, 3.0).flatten().tolist() == [1.0, 10.0, 4.0, 10.0]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight lessons, two of them fills and one of them without a caption, and a tokenizer."""
    tokens.train(["red apple", "green pear"]).save_pretrained(tmp_path / "tokenizer")
    count = 8
    empty = torch.zeros(count, 4, latents.SIDE, latents.SIDE)
    mask = torch.ones_like(empty[:, :1])
    mask[:2] = MASK
    shard = {
        "latents": torch.randn(empty.shape, generator=torch.Generator().manual_seed(0)),
        "visible": empty,
        "mask": mask,
        "ground": torch.ones_like(mask, dtype=torch.bool),
        "smooth": (torch.arange(count) == 1).view(-1, 1, 1, 1),
        "captions": json.dumps([["red apple"] * 3] * (count - 1) + [[""] * 3]),
    }
    checkpoints.save(tmp_path / "latents" / "0000.pt", shard)
    text = unet.text_model(CLIPTokenizer.from_pretrained(tmp_path / "tokenizer"))
    checkpoints.save(tmp_path / "text.pt", text.state_dict())
    return tmp_path


def test_fills_and_empty_captions_have_their_shares(folder: Path) -> None:
    emphasis = pieces.Emphasis(1, 1, 1, ((0.0, 1.0),) * 4, fills=0.6)
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    draw = pieces.Pieces(latents.load(folder), tokenizer, torch.Generator().manual_seed(1)).draw
    drawn = draw(2048, emphasis)
    assert [len(p.steps) for p in drawn] == [pieces.PIECE] * (2048 // pieces.PIECE)
    mask = torch.cat([p.given[:, pieces.MASK_CHANNEL] for p in drawn])
    ids, told = (torch.cat([getattr(p, name) for p in drawn]) for name in ("ids", "told"))
    empty = pieces.Tokens(tokenizer)([""])
    assert (mask.flatten(1).min(1).values < 1).float().mean() == pytest.approx(0.7, abs=0.04)
    had_one = (told != empty).any(1)
    dropped = (ids != told).any(1)
    assert had_one.float().mean() == pytest.approx(1 - 0.4 / 8, abs=0.02)
    assert dropped[had_one].float().mean() == pytest.approx(0.1, abs=0.03)
    assert (ids[dropped] == empty).all()
    known = latents.load(folder).latents
    smooth = torch.cat([p.smooth for p in drawn])
    assert smooth.any(dim=(1, 2, 3)).float().mean() == pytest.approx(0.35, abs=0.04)
    assert not smooth[mask[:, None] == 0].any()
    for one in drawn[:2]:  # the target is what leads back to the picture
        clean = diffusion.clean(one.given[:, :4], one.target, one.squares)
        wrong = (clean[:, None] - known).abs().amax(dim=(2, 3, 4))
        assert wrong.min(1).values.max() < 1e-4


def test_pairs_are_the_same_lessons_without_and_with_their_captions(folder: Path) -> None:
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    draw = pieces.Pieces(latents.load(folder), tokenizer, torch.Generator().manual_seed(1)).draw
    drawn = draw(2 * pieces.PIECE, pieces.EXACTNESS)
    assert [len(p.steps) for p in drawn] == [pieces.PIECE] * 2
    empty = pieces.Tokens(tokenizer)([""])
    for part in drawn:
        without, told = (
            pieces.Piece(*half) for half in zip(*(tensor.chunk(2) for tensor in part), strict=True)
        )
        assert (without.ids == empty).all()
        assert torch.equal(told.ids, told.told)
        assert not torch.equal(without.ids, told.ids)
        for name in ("given", "steps", "target", "share"):
            assert torch.equal(getattr(without, name), getattr(told, name))


def test_who_teaches_exactness_stays_the_same_when_it_is_resumed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "teacher.pt").write_bytes(b"of another run")
    teachers: list[torch.Tensor] = []
    taught: list[pieces.Piece] = []
    counts: list[pieces.Emphasis] = []

    class Watched(Teacher):
        def __init__(self, drawer: unet.Drawer) -> None:
            super().__init__(drawer)
            teachers.append(drawer.unet.conv_out.bias)

        def __call__(self, piece: pieces.Piece) -> pieces.Piece:
            taught.append(piece)
            return super().__call__(piece)

    class Counted(pieces.Pieces):
        def draw(self, batch: int, emphasis: pieces.Emphasis) -> list[pieces.Piece]:
            counts.append(emphasis)
            return super().draw(batch, emphasis)

    monkeypatch.setattr(unet, "Teacher", Watched)
    monkeypatch.setattr(unet, "Pieces", Counted)
    monkeypatch.setattr(unet, "BATCHES", ((0.0, pieces.PIECE),))
    monkeypatch.setattr(checkpoints, "AVERAGED", 1)

    def go_on(times: float = 1.5) -> torch.Tensor:
        path = folder / "unet.pt"
        seconds = torch.load(path, weights_only=True)["seconds"] if path.exists() else 0.0
        unet.train(folder, minutes=max(1e-4, times * seconds / 60), rate=1e-3)
        average: torch.Tensor = torch.load(path, weights_only=True)["average"]["unet.conv_out.bias"]
        return average

    things = go_on()
    assert (teachers, taught) == ([], [])
    assert set(counts) == {pieces.THINGS}
    counts.clear()
    learned = go_on()
    assert not torch.equal(learned, things)
    go_on()
    assert set(counts) == {pieces.EXACTNESS}
    assert len(taught) == len(counts)  # of one piece each
    go_on(times=3)  # comes to its second part anew
    assert counts[-1] == pieces.EXACTNESS
    assert pieces.THINGS in counts
    assert [torch.equal(bias, things) for bias in teachers] == [True] * 3
