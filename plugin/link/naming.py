"""What a prompt says and what a result's layer is called: "red apple (seed 123)"."""

from __future__ import annotations

import re
from typing import Optional, Tuple

from .values import GenerationRequest, Intent, Result

MAX_NAME = 48  # characters of the prompt; a layer list shows about as many

_LORA = re.compile(r"<lora:[^>]*>", re.IGNORECASE)
# the first word after LoRA tags, and with "add" something that is to be added
_ASKED = re.compile(r"((?:<lora:[^>]*>|[\s,])*)(?:(add)\s+(?=\S)|(remove)(?!\S))", re.IGNORECASE)
_REMOVED = "Removed"


def without_tags(prompt: str) -> str:
    """The prompt's words in one line; LoRA tags say how to draw, not what."""
    return " ".join(_LORA.sub(" ", prompt).split()).strip(" ,")


def asked(prompt: str) -> Tuple[Optional[Intent], str]:
    """What the prompt's first word asks for, add or remove, and the prompt as a model wants it.

    "add a hat" is ADD and "a hat"; what is to be removed is selected, and its
    name tells nothing more.
    """
    found = _ASKED.match(prompt)
    if found is None:
        return None, prompt
    if found.group(2):
        return Intent.ADD, found.group(1) + prompt[found.end() :]
    return Intent.REMOVE, prompt


def layer_name(prompt: str, seed: Optional[int]) -> str:
    """Prompt and seed; the prompt loses its LoRA tags and is cut between two words."""
    text = without_tags(prompt) or "Scumble"
    if len(text) > MAX_NAME:
        cut = text[: MAX_NAME - 1]
        text = (cut[: cut.rfind(" ")] if " " in cut else cut).rstrip(" ,.;:") + "…"
    return text if seed is None else "%s (seed %d)" % (text, seed)


def request_name(request: GenerationRequest, index: int) -> str:
    """The name of result `index` of a request."""
    prompt = request.prompt if request.needs_model else _REMOVED
    return layer_name(prompt, request.seed + index)


def result_name(result: Result, prompt: str) -> str:
    """The name of another session's result, from its metadata where `prompt` is not known."""
    told = result.metadata.get("prompt")
    seed = result.metadata.get("seed")
    if result.metadata.get("intent") == Intent.REMOVE.value:
        prompt = _REMOVED
    return layer_name(
        prompt or (told if isinstance(told, str) else ""),
        seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
    )
