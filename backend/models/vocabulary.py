"""CLIP's tokenizer, made from the one vocabulary that ships with Scumble.

The file lists byte-pair merges by rank; token ids follow from it as in
OpenAI's CLIP (https://github.com/openai/CLIP, clip/simple_tokenizer.py): the
256 bytes, the same at a word's end, one id a merge, then start and end.
"""

from __future__ import annotations

import gzip
from functools import lru_cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "configs" / "vocabulary" / "bpe_simple_vocab_16e6.txt.gz"
SIZE = 49408  # tokens
MERGES = SIZE - 2 * 256 - 2
START = "<|startoftext|>"
END = "<|endoftext|>"
LENGTH = 77  # tokens that the text encoder reads at once


@lru_cache(maxsize=1)
def merges() -> tuple[tuple[str, str], ...]:
    """The merges, most frequent first."""
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        lines = file.read().split("\n")[1 : MERGES + 1]  # the first line names the file
    pairs = (line.split() for line in lines)
    return tuple((first, second) for first, second in pairs)


def ids() -> dict[str, int]:
    """Token -> id, 0 … 49407."""
    letters = _byte_letters()
    tokens = [*letters, *(letter + "</w>" for letter in letters)]
    tokens += ["".join(pair) for pair in merges()]
    return {token: number for number, token in enumerate([*tokens, START, END])}


def _byte_letters() -> list[str]:
    """One printable character for each of the 256 bytes, the printable ones themselves first."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = 256 - len(printable)
    return [chr(byte) for byte in printable] + [chr(256 + number) for number in range(others)]


def tokenizer(pad_token: str = END) -> Any:
    """A transformers CLIPTokenizer of 77 tokens. pad_token: "!" for OpenCLIP's encoders."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer(
        vocab=ids(),
        merges=list(merges()),
        unk_token=END,
        bos_token=START,
        eos_token=END,
        pad_token=pad_token,
        model_max_length=LENGTH,
    )
