"""What a result's layer is called: "red apple (seed 123)"."""

from __future__ import annotations

import re
from typing import Optional

from .values import Result

MAX_NAME = 48  # characters of the prompt; a layer list shows about as many

_LORA = re.compile(r"<lora:[^>]*>", re.IGNORECASE)


def layer_name(prompt: str, seed: Optional[int]) -> str:
    """Prompt and seed; the prompt loses its LoRA tags and is cut between two words."""
    text = " ".join(_LORA.sub(" ", prompt).split()).strip(" ,") or "Scumble"
    if len(text) > MAX_NAME:
        cut = text[: MAX_NAME - 1]
        text = (cut[: cut.rfind(" ")] if " " in cut else cut).rstrip(" ,.;:") + "…"
    return text if seed is None else "%s (seed %d)" % (text, seed)


def result_name(result: Result, prompt: str) -> str:
    """The name of another session's result, from its metadata where `prompt` is not known."""
    told = result.metadata.get("prompt")
    seed = result.metadata.get("seed")
    return layer_name(
        prompt or (told if isinstance(told, str) else ""),
        seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
    )
