"""Reads what artists write: weights as in `(word:1.2)`, LoRA as `<lora:name:0.8>`.

The syntax is AUTOMATIC1111's: `(word)` weighs 1.1, `[word]` 1/1.1, brackets
nest and multiply, a backslash makes a bracket a letter, and brackets that
never close are letters too. How weights act on the encoding is compel's part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

ROUND = 1.1  # weight of one pair of round brackets
SQUARE = 1 / 1.1
MAX_WEIGHT = 10.0
MAX_LORA_WEIGHT = 4.0

_LORA = re.compile(r"<lora:([^:<>]+)(?::([^<>]*))?>", re.IGNORECASE)
_TOKEN = re.compile(r"\\[()\[\]\\]|:\s*([+-]?\d*\.?\d+)\s*\)|[()\[\]]|[^\\()\[\]:]+|.", re.DOTALL)


@dataclass(frozen=True)
class Fragment:
    """Words that share one weight; 1 is neutral."""

    text: str
    weight: float = 1.0


@dataclass(frozen=True)
class Lora:
    """A LoRA asked for in a prompt by the name of its file; 0 switches it off."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class Prompt:
    """A prompt as it is encoded: fragments without brackets, and the LoRAs it names."""

    fragments: tuple[Fragment, ...]
    loras: tuple[Lora, ...] = ()

    @property
    def text(self) -> str:
        """All words, weights left away."""
        return "".join(fragment.text for fragment in self.fragments)

    @property
    def weighted(self) -> bool:
        return any(fragment.weight != 1.0 for fragment in self.fragments)


def parse(prompt: str) -> Prompt:
    """Never fails: what is no syntax is text."""
    loras: list[Lora] = []

    def take(match: re.Match[str]) -> str:
        weight = _number(match.group(2)) if match.group(2) is not None else 1.0
        if weight is None:
            return match.group(0)
        loras.append(
            Lora(match.group(1).strip(), _clamp(weight, -MAX_LORA_WEIGHT, MAX_LORA_WEIGHT))
        )
        return ""

    text = _LORA.sub(take, prompt)
    if loras:
        text = re.sub(r"[ \t]{2,}", " ", text).strip()
    return Prompt(_fragments(text), tuple(loras))


def _fragments(text: str) -> tuple[Fragment, ...]:
    pieces: list[tuple[str, float]] = []
    open_at: dict[str, list[int]] = {"(": [], "[": []}  # index of the first piece inside
    for match in _TOKEN.finditer(text):
        token = match.group(0)
        if token.startswith("\\") and len(token) == 2:
            pieces.append((token[1], 1.0))
        elif match.group(1) is not None and open_at["("]:
            _weigh(pieces, open_at["("].pop(), float(match.group(1)))
        elif token in open_at:
            open_at[token].append(len(pieces))
            pieces.append((token, 1.0))
        elif token == ")" and open_at["("]:
            _weigh(pieces, open_at["("].pop(), ROUND)
        elif token == "]" and open_at["["]:
            _weigh(pieces, open_at["["].pop(), SQUARE)
        else:
            pieces.append((token, 1.0))
    return _join(pieces)


def _weigh(pieces: list[tuple[str, float]], start: int, factor: float) -> None:
    """Weigh all pieces after the bracket at `start`, and take the bracket away."""
    inside = [(text, weight * factor) for text, weight in pieces[start + 1 :]]
    # an empty piece keeps the positions of brackets that are still open
    pieces[start:] = [("", 1.0), *inside]


def _join(pieces: list[tuple[str, float]]) -> tuple[Fragment, ...]:
    joined: list[Fragment] = []
    for text, raw in pieces:
        weight = round(_clamp(raw, 0.0, MAX_WEIGHT), 6)
        if joined and text and joined[-1].weight == weight:
            joined[-1] = Fragment(joined[-1].text + text, weight)
        elif text:
            joined.append(Fragment(text, weight))
    return tuple(joined)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if value == value and abs(value) != float("inf") else None


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
