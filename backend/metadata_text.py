"""The "parameters" text of AUTOMATIC1111's web UI: prompt, negative prompt, one line of settings.

The form is that of the web UI's `infotext_utils.py`: `Key: value` pairs with
commas between, a value that holds a comma, colon or line break as a JSON string.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

NEGATIVE = "Negative prompt:"
MAX_SETTINGS = 100


@dataclass(frozen=True)
class TextFields:
    """settings: label -> value, both as written, in order."""

    prompt: str
    negative_prompt: str
    settings: Mapping[str, str] = field(default_factory=dict)


def write_parameters(fields: TextFields) -> str:
    lines = [fields.prompt]
    if fields.negative_prompt:
        lines.append(f"{NEGATIVE} {fields.negative_prompt}")
    pairs = (f"{key}: {_quote(value)}" for key, value in fields.settings.items() if value)
    return "\n".join([*lines, ", ".join(pairs)])


def read_parameters(text: str) -> TextFields | None:
    """None unless the last line is one of settings (it names the steps and two more)."""
    *lines, last = text.strip().split("\n")
    settings = _read_settings(last)
    if "Steps" not in settings or len(settings) < 3:
        return None
    prompt: list[str] = []
    negative: list[str] = []
    into = prompt
    for line in lines:
        if into is prompt and line.strip().startswith(NEGATIVE):
            into, line = negative, line.strip().removeprefix(NEGATIVE)
        into.append(line)
    return TextFields("\n".join(prompt).strip(), "\n".join(negative).strip(), settings)


def _quote(value: str) -> str:
    plain = not any(mark in value for mark in ',:"\n') and value == value.strip()
    return value if plain else json.dumps(value, ensure_ascii=False)


def _read_settings(line: str) -> dict[str, str]:
    """The pairs of one line; a single pass, whatever stands in it."""
    settings: dict[str, str] = {}
    at = 0
    while at < len(line) and len(settings) < MAX_SETTINGS:
        colon = line.find(":", at)
        if colon < 0:
            break
        key = line[at:colon].strip(" ,")
        at = colon + 1
        while at < len(line) and line[at] == " ":
            at += 1
        value, at = _read_value(line, at)
        if key and len(key) <= 64:
            settings.setdefault(key, value)
    return settings


def _read_value(line: str, at: int) -> tuple[str, int]:
    """The value that begins at `at`, and where the next pair begins."""
    if line.startswith('"', at):
        try:
            value, end = json.JSONDecoder().raw_decode(line, at)
        except (ValueError, RecursionError):
            pass
        else:
            return str(value), end
    end = line.find(",", at)
    end = len(line) if end < 0 else end
    return line[at:end].strip(), end + 1
