"""The tokenizer that Scumble puts together is CLIP's."""

from __future__ import annotations

import pytest

from scumble.models import vocabulary


def test_the_vocabulary_has_clips_ids() -> None:
    ids = vocabulary.ids()
    assert len(ids) == len(set(ids.values())) == vocabulary.SIZE
    known = {"!": 0, "!</w>": 256, "a</w>": 320, "photo</w>": 1125, "cat</w>": 2368}
    assert {token: ids[token] for token in known} == known
    assert (ids[vocabulary.START], ids[vocabulary.END]) == (49406, 49407)


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("a photo of a cat", [320, 1125, 539, 320, 2368]),
        ("  A  Photo\nof a CAT ", [320, 1125, 539, 320, 2368]),
    ],
)
def test_known_prompts_give_known_ids(text: str, ids: list[int]) -> None:
    assert vocabulary.tokenizer()(text).input_ids == [49406, *ids, 49407]


def test_it_reads_as_the_openai_tokenizer_does() -> None:
    """Letters beyond ASCII fall apart into bytes, numbers into digits; nothing gets lost."""
    tokenizer = vocabulary.tokenizer()
    for text in ("naïve café", "3d render, 1024x768!", "猫 🐱", "it's o'clock"):
        ids = tokenizer(text).input_ids
        assert tokenizer.decode(ids, skip_special_tokens=True).replace(" ", "") == text.replace(
            " ", ""
        )
    assert len(tokenizer("2024").input_ids) == 2 + 4


@pytest.mark.parametrize(("pad", "pad_id"), [(vocabulary.END, 49407), ("!", 0)])
def test_prompts_are_padded_to_77(pad: str, pad_id: int) -> None:
    tokenizer = vocabulary.tokenizer(pad)
    ids = tokenizer("a cat", padding="max_length", truncation=True).input_ids
    assert ids == [49406, 320, 2368, 49407] + [pad_id] * 73
    assert len(tokenizer("cat " * 200, truncation=True).input_ids) == 77
