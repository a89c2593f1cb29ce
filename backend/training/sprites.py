"""The things: cut-out pictures with their names, gathered from the sources into one folder.

Each sprite is an RGBA picture cropped to what it shows, its longer side `SIDE` pixels, and a
record: thing, style, keywords, dominant colour, and whether it is held back for the figures.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from . import captions
from .checkpoints import appearing
from .sources import Sources

SIDE = 128  # pixels, longer side of a stored sprite
HELD_BACK = 0.05  # share of the pictures that training never sees
NOTO_POINTS = 109  # the only size that the bitmap font has

# emojibase groups: animals, food, travel, activities, objects; see its messages.json
_GROUPS = (3, 4, 5, 6, 7)
_ALSO = {14: "heart", 11: "face-costume", 12: "cat-face", 96: "geometric"}  # subgroups
_NOT_SUBGROUPS = {49, 52, 53, 58}  # maps, places of worship, whole scenes, clock faces
_TIMEPIECES = {"watch", "alarm clock", "stopwatch", "timer clock", "mantelpiece clock"}
# Words of names whose pictures are abstract, written or near doubles.
_LEFT_OUT = """
face cat's moon volume disk banknote medal mailbox tray suit square circle diamond button calendar
chart card landslide camping mosquito microbe park receipt label e ticket tickets motorway station
pager symbol low love post elevator placard sari performing film cloud piñata
"""
_NOT_CORE = frozenset(_LEFT_OUT.split())
_CLIP_ART_FOLDERS = ("food", "animals", "plants", "transportation", "tools", "buildings")
_NOT_FOLDERS = ("aiga-symbols", "roadsigns", "dinosaurs", "fantasy", "weapons")
# What is left of some file names says no thing (a blue dragonfly's "blue"), or names what is left
# out: persons, signs, flags.
_NAME_NOTHING = """
arctic; baby; bear under; bird peace; black; blue; chef; christmas; clown; curve; cycle; dead;
electric; eyes; fall; flag; flying; full bloom; green; knot two; mad; metal; mobile; motorway; one;
pink; plush; road; sailing; school country; sign; soft; straw; thanksgiving; top; turn; two way;
white; yellow
"""
_NOT_CLIP_ART = frozenset(" ".join(name.split()) for name in _NAME_NOTHING.split(";"))


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """What is known of one cut-out picture."""

    file: str
    thing: str
    style: str  # a key of captions.STYLES
    keywords: tuple[str, ...]
    colour: str  # a word, or "" when no colour dominates
    held_back: bool


def build(sources: Sources, folder: Path, *, clip_art: bool, tell: Callable[[str], None]) -> int:
    """Write every sprite below `folder` with an index; returns how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    emoji = list(_emoji(sources))
    records: list[Sprite] = []

    def keep(name: str, image: Image.Image | None, thing: str, style: str, tags: Any) -> None:
        cut = None if image is None else cut_out(image)
        if cut is None:
            return
        cut.save(folder / f"{name}.png")
        records.append(
            Sprite(
                file=f"{name}.png",
                thing=thing,
                style=style,
                keywords=tuple(tags),
                colour=dominant_colour(np.asarray(cut)),
                held_back=_held_back(name),
            )
        )

    font = ImageFont.truetype(str(sources.noto), NOTO_POINTS)
    for entry in emoji:
        thing, code = captions.clean_label(entry["label"]), entry["hexcode"].lower()
        tags = [tag for tag in entry.get("tags", ()) if tag.isascii() and tag not in thing]
        keep(f"3d-{code}", _fluent(sources.fluent, code), thing, "3d", tags)
        keep(f"flat-{code}", _noto(font, entry["emoji"]), thing, "flat", tags)
    tell(f"{len(records)} emoji")
    if clip_art:
        words = _vocabulary(emoji)
        for number, (path, thing) in enumerate(_clip_art(sources.clip_art, words)):
            if thing in _NOT_CLIP_ART:
                continue
            keep(f"clip-{number:04}", _open(path), thing, "clip art", ())
        tell(f"{len(records)} with clip art")
    with appearing(folder / "sprites.json") as part:
        part.write_text(json.dumps([asdict(record) for record in records], indent=0))
    return len(records)


def load(folder: Path) -> tuple[list[Sprite], list[npt.NDArray[np.uint8]]]:
    """Records and pictures (H x W x 4, uint8, straight alpha) of a folder that `build` wrote."""
    records = [
        Sprite(**{**entry, "keywords": tuple(entry["keywords"])})
        for entry in json.loads((folder / "sprites.json").read_text())
    ]
    return records, pictures(folder, records)


def by_file(folder: Path, records: list[Sprite]) -> dict[str, npt.NDArray[np.uint8]]:
    """The records' pictures by file name."""
    return dict(zip((r.file for r in records), pictures(folder, records), strict=True))


def pictures(folder: Path, records: list[Sprite]) -> list[npt.NDArray[np.uint8]]:
    """The records' pictures (H x W x 4, uint8, straight alpha)."""
    return [np.asarray(Image.open(folder / record.file)) for record in records]


def core(records: list[Sprite]) -> list[Sprite]:
    """The plainer half, for short runs: emoji with short names."""

    def plain(record: Sprite) -> bool:
        words = record.thing.split()
        return record.style != "clip art" and len(words) < 3 and _NOT_CORE.isdisjoint(words)

    return distinct([record for record in records if plain(record)])


def distinct(records: list[Sprite]) -> list[Sprite]:
    """One picture for a name and style: of several a small network learns only their mean."""
    chosen: dict[tuple[str, str], Sprite] = {}
    for record in records:
        chosen.setdefault((record.thing, record.style), record)
    return list(chosen.values())


def cut_out(image: Image.Image) -> Image.Image | None:
    """Crop to the opaque part and bring the longer side to SIDE; None where there is nothing."""
    image = image.convert("RGBA")
    box = image.getchannel("A").point(lambda value: 255 if value > 8 else 0).getbbox()
    if box is None:
        return None
    image = image.crop(box)
    alpha = np.asarray(image.getchannel("A"), dtype=np.float32) / 255
    if min(image.size) < 20 or alpha.mean() < 0.12 or max(image.size) > 4 * min(image.size):
        return None
    scale = SIDE / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    # Premultiplied, so that hidden colours do not bleed into the rim.
    return image.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")


def dominant_colour(pixels: npt.NDArray[np.uint8]) -> str:
    """The colour word that fits at least 45 % of the opaque pixels (a sample of 400), or ""."""
    opaque = pixels[pixels[..., 3] > 128][:, :3]
    if len(opaque) == 0:
        return ""
    sample = opaque[np.linspace(0, len(opaque) - 1, 400).astype(int)] / 255
    words = [captions.colour_word(*map(float, pixel)) for pixel in sample]
    best = max(sorted(set(words)), key=words.count)
    return best if words.count(best) >= 0.45 * len(words) else ""


def _held_back(name: str) -> bool:
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) / 2**32 < HELD_BACK


def _emoji(sources: Sources) -> Iterator[dict[str, Any]]:
    for entry in json.loads(sources.names.read_text()):
        group, subgroup = entry.get("group"), entry.get("subgroup")
        if group is None or "sign" in entry["label"]:
            continue
        if subgroup in _NOT_SUBGROUPS and entry["label"] not in _TIMEPIECES:
            continue
        if group in _GROUPS or subgroup in _ALSO:
            yield entry


def _fluent(folder: Path, code: str) -> Image.Image | None:
    for name in (code, f"{code}-fe0f", code.replace("-fe0f", "")):
        path = folder / f"{name}.webp"
        if path.exists():
            return _open(path)
    return None


def _noto(font: ImageFont.FreeTypeFont, emoji: str) -> Image.Image | None:
    canvas = Image.new("RGBA", (NOTO_POINTS * 3, NOTO_POINTS * 2))
    draw = ImageDraw.Draw(canvas)
    draw.text((20, 20), emoji, font=font, embedded_color=True)
    box = canvas.getbbox()
    # A missing sequence is drawn as several glyphs side by side.
    return None if box is None or box[2] - box[0] > 1.3 * 136 else canvas


def _vocabulary(emoji: list[dict[str, Any]]) -> set[str]:
    words = {
        word
        for entry in emoji
        for text in (entry["label"], *entry.get("tags", ()))
        for word in captions.clean_label(text).split()
    }
    return {word for word in words if word.isalpha()} - {"flat", "big", "old", "round", "party"}


def _clip_art(folder: Path, words: set[str]) -> Iterator[tuple[Path, str]]:
    for top in _CLIP_ART_FOLDERS:
        for path in sorted((folder / top).rglob("*.png")):
            if any(part in _NOT_FOLDERS for part in path.parts):
                continue
            thing = captions.clean_file_name(path.stem, words)
            if thing:
                yield path, thing


def _open(path: Path) -> Image.Image | None:
    try:
        with Image.open(path) as image:
            if image.mode not in ("RGBA", "LA", "P") or max(image.size) > 4000:
                return None  # without alpha it cannot be cut out
            converted: Image.Image = image.convert("RGBA")
            return converted
    except OSError:
        return None
