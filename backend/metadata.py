"""What made a picture: as data beside the result, as text in a PNG, and read back.

Two text chunks: "parameters" in the form that AUTOMATIC1111's web UI writes
and many tools read, and "scumble", JSON with everything. Imports no torch.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata as packages
from typing import Any

from scumble import __version__
from scumble.link.values import GenerationRequest, Mode, Size
from scumble.metadata_text import TextFields, read_parameters, write_parameters
from scumble.models.entry import ModelEntry

FORMAT = 1
MAX_TEXT = 64 * 1024  # bytes of one text chunk, read or written
MAX_PROMPTS = 24 * 1024  # bytes of both prompts as JSON; a wire header takes 64 KiB in all
NAMED_VERSIONS = ("torch", "diffusers", "transformers")

Metadata = dict[str, Any]


@dataclass(frozen=True)
class Lora:
    """A LoRA that took part. weight: as in `<lora:name:0.8>`; sha256: "" where not computed."""

    name: str
    weight: float
    sha256: str = ""


def describe(
    request: GenerationRequest,
    model: ModelEntry | None,
    *,
    index: int = 0,
    seed: int | None = None,
    sampler_name: str = "",
    working_size: Size | None = None,
    steps_run: int | None = None,
    loras: Sequence[Lora] = (),
    timings: Mapping[str, float] | None = None,
    device: str = "",
    dtype: str = "",
    note: str = "",
) -> Metadata:
    """Everything that made result `index` of `request`, as JSON values.

    model: None where none took part. seed: the effective one (None:
    request.seed + index). working_size: what the model drew at. steps_run:
    fewer than request.steps below full strength.
    timings: seconds by phase. note: one sentence, where it was made otherwise
    than the artist may think. Prompts too long for a header are cut, and
    "shortened" says so.
    """
    prompt, negative, shortened = _fit(request.prompt, request.negative_prompt)
    return {
        "format": FORMAT,
        "prompt": prompt,
        "negative_prompt": negative,
        "shortened": shortened,
        "mode": request.mode.value,
        "intent": request.intent.value if request.mode is Mode.INPAINT else "",
        "prefill": request.prefill.value if request.mode is Mode.INPAINT else "",
        "mask": asdict(request.mask),
        "colour_match": request.colour_match,
        "focus": request.focus,
        "gradient_domain": request.gradient_domain,
        "model": model.name if model else "",
        "model_id": model.id if model else "",
        "model_hash": model.sha256 if model else "",
        "architecture": model.architecture if model else "",
        "sampler": request.sampler,
        "sampler_name": sampler_name or request.sampler,
        "steps": request.steps,
        "steps_run": request.steps if steps_run is None else steps_run,
        "guidance_scale": request.guidance_scale,
        "strength": request.strength,
        "seed": request.seed + index if seed is None else seed,
        "batch": request.batch,
        "index": index,
        "region": asdict(request.region),
        "canvas": asdict(request.canvas),
        "working_size": asdict(working_size or request.region.size),
        "loras": [asdict(lora) for lora in loras],
        "timings": {name: round(seconds, 3) for name, seconds in (timings or {}).items()},
        "device": device,
        "dtype": dtype,
        "note": note,
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Of Scumble and of what decides the numbers, without importing them."""
    found = {"scumble": __version__}
    for name in NAMED_VERSIONS:
        try:
            found[name] = packages.version(name)
        except packages.PackageNotFoundError:
            continue
    return found


def png_text(metadata: Mapping[str, Any]) -> dict[str, str]:
    """The text chunks of a PNG for what `describe` gave, each at most 64 KiB."""
    size = metadata.get("working_size") or {}
    extra = {}
    if metadata.get("mode") != Mode.TEXT_TO_IMAGE.value:
        extra["Denoising strength"] = _number(metadata.get("strength", 1.0))
    hashes = [
        f"{lora['name']}: {lora['sha256'][:12]}"
        for lora in metadata.get("loras", ())
        if lora["sha256"]
    ]
    if hashes:
        extra["Lora hashes"] = ", ".join(hashes)
    fields = TextFields(
        prompt=str(metadata.get("prompt", "")),
        negative_prompt=str(metadata.get("negative_prompt", "")),
        settings={
            "Steps": str(metadata.get("steps", 0)),
            "Sampler": str(metadata.get("sampler_name", "")),
            "CFG scale": _number(metadata.get("guidance_scale", 1.0)),
            "Seed": str(metadata.get("seed", 0)),
            "Size": f"{size.get('width', 0)}x{size.get('height', 0)}",
            "Model hash": str(metadata.get("model_hash", ""))[:10],
            "Model": str(metadata.get("model", "")),
            **extra,
            "Version": f"Scumble {metadata.get('versions', {}).get('scumble', __version__)}",
        },
    )
    text = json.dumps(dict(metadata), ensure_ascii=True, separators=(",", ":"))
    chunks = {"parameters": write_parameters(fields), "scumble": text}
    return {name: text for name, text in chunks.items() if len(text.encode()) <= MAX_TEXT}


def parse(chunks: Mapping[str, Any]) -> Metadata | None:
    """What a PNG's text chunks (as Pillow's `image.info` holds them) say, or None.

    Scumble's own chunk comes back as `describe` gave it; the text of other
    tools gives those of its keys that it names: prompt, negative_prompt,
    steps, sampler_name, guidance_scale, seed, strength, working_size, model,
    model_hash. Never raises on foreign text; longer than 64 KiB is not read.
    """
    own = _own(chunks.get("scumble"))
    return own if own is not None else _foreign(chunks.get("parameters"))


def _own(text: object) -> Metadata | None:
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT:
        return None
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        return None
    fits = all(
        isinstance(data.get(key), kind) and not isinstance(data.get(key), bool)
        for key, kind in _KINDS.items()
    )
    finite = fits and all(math.isfinite(data[key]) for key in ("guidance_scale", "strength"))
    return data if finite else None


_KINDS: dict[str, type | tuple[type, ...]] = {
    "prompt": str,
    "negative_prompt": str,
    "sampler": str,
    "model": str,
    "model_hash": str,
    "steps": int,
    "seed": int,
    "guidance_scale": (int, float),
    "strength": (int, float),
}


def _foreign(text: object) -> Metadata | None:
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT:
        return None
    fields = read_parameters(text)
    if fields is None:
        return None
    said = fields.settings
    found: Metadata = {"prompt": fields.prompt, "negative_prompt": fields.negative_prompt}
    for key, label in (("steps", "Steps"), ("seed", "Seed")):
        if (whole := _whole(said.get(label, ""))) is not None:
            found[key] = whole
    for key, label in (("guidance_scale", "CFG scale"), ("strength", "Denoising strength")):
        if (value := _real(said.get(label, ""))) is not None:
            found[key] = value
    labels = (("sampler_name", "Sampler"), ("model", "Model"), ("model_hash", "Model hash"))
    for key, label in labels:
        if said.get(label):
            found[key] = said[label]
    width, _, height = said.get("Size", "").partition("x")
    if (w := _whole(width)) and (h := _whole(height)):
        found["working_size"] = {"width": w, "height": h}
    return found


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 20 else None


def _real(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _number(value: Any) -> str:
    return f"{float(value):g}"


def _fit(prompt: str, negative: str) -> tuple[str, str, bool]:
    """Both prompts within MAX_PROMPTS bytes of JSON; what is too long loses its end."""
    first = _cut(prompt, MAX_PROMPTS - min(_weight(negative), MAX_PROMPTS // 2))
    second = _cut(negative, MAX_PROMPTS - _weight(first))
    return first, second, (first, second) != (prompt, negative)


def _weight(text: str) -> int:
    return len(json.dumps(text))  # as ASCII, the longest way that JSON takes


def _cut(text: str, room: int) -> str:
    while _weight(text) > room:
        text = text[: min(len(text) * room // _weight(text), len(text) - 1)]
    return text
