"""From names to captions, and the colour words in them.

A caption is built from parts that are known of a scene: the thing, its style, its background.
Only true statements are made: "red" is said of a thing that is red as drawn.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterable

# One style per source of pictures; the first phrase is the one that prompts should use.
STYLES: dict[str, tuple[str, ...]] = {
    "3d": ("3d render of {}", "3d render of {}", "{}, 3d render", "a 3d {bare}"),
    "flat": ("flat cartoon of {}", "flat cartoon of {}", "{}, flat cartoon", "a cartoon {bare}"),
    "clip art": ("clip art of {}", "clip art of {}", "{}, clip art", "a drawing of {}"),
}
ANY_STYLE = ("{}", "{bare}", "a picture of {}")

# Everyday words for things that emoji name otherwise.
ALIASES = {
    "airplane": "plane",
    "automobile": "car",
    "baby chick": "chick",
    "camera": "photo camera",
    "doughnut": "donut",
    "evergreen tree": "tree",
    "game die": "dice",
    "gem stone": "diamond",
    "green apple": "apple",
    "honeybee": "bee",
    "hot beverage": "cup of coffee",
    "lady beetle": "ladybug",
    "laptop": "computer",
    "racing car": "race car",
    "red apple": "apple",
    "red heart": "heart",
    "running shoe": "shoe",
    "sailboat": "boat",
    "soccer ball": "football",
    "wrapped gift": "present",
}

# Colour words by hue in degrees: upper bound of the sector, in ascending order.
HUES: tuple[tuple[float, str], ...] = (
    (14, "red"),
    (42, "orange"),
    (68, "yellow"),
    (165, "green"),
    (195, "cyan"),
    (258, "blue"),
    (300, "purple"),
    (342, "pink"),
    (360, "red"),
)
COLOURS = ("red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown")
NEUTRALS = ("white", "grey", "black")
_COLOUR_WORD = re.compile(r"\b(" + "|".join((*COLOURS, *NEUTRALS)) + r")\b")

# Words of clip art's file names that name an artist, a version or a manner, not a thing.
_NOISE = re.compile(
    r"\b(bw|simple|icon|clipart|clip|art|outline|contour|colou?r|version|alt|architetto|franc\w*"
    r"|dave|pena|ganson|01|new|nicu|buculei|jarno|vasamaa?|benji|park|benjamin|matthew|gates"
    r"|gerald|jean|victor|balin?|peterm|enrique|meza|drawn|shaded|cartoon|the|with|of|and|in)\b"
)


def article(thing: str) -> str:
    """`thing` with "a" or "an" before it, where English wants one.

    >>> article("apple"), article("red apple"), article("grapes")
    ('an apple', 'a red apple', 'grapes')
    """
    last = thing.split()[-1]
    if last.endswith("s") and not last.endswith(("ss", "us", "is")):
        return thing
    return ("an " if thing[0].lower() in "aeiou" else "a ") + thing


def clean_label(label: str) -> str:
    """An emoji's name as one would say it: lower case, straight quotes, no qualifiers."""
    label = label.lower().replace("’", "'").replace("“", "").replace("”", "")
    label = re.sub(r"^(closed|front-facing|oncoming) (?=\w)", "", label)
    label = re.sub(r"[:(].*$", "", label)
    return re.sub(r"\s+", " ", label.replace("-", " ")).strip()


def clean_file_name(stem: str, vocabulary: Iterable[str]) -> str:
    """The thing that a clip art file shows, or "" when its name does not tell.

    `vocabulary` holds the words that may name things. Words outside it, artists' names and
    numbers fall away; what is left must be one to three words.

    >>> clean_file_name("red_apple_jarno_vasama_01", {"red", "apple"})
    'red apple'
    >>> clean_file_name("ruota_dentata_01", {"wheel"})
    ''
    """
    if re.search(r"(^|_)(bw|outline|contour)(_|$)", stem.lower()):
        return ""
    words = re.sub(r"[^a-z]+", " ", stem.lower())
    words = re.sub(r"\s+", " ", _NOISE.sub(" ", words)).strip()
    known = set(vocabulary)
    kept: list[str] = []
    for word in words.split():
        if word in known and len(word) > 2 and word not in kept:
            kept.append(word)
        elif kept:  # what follows the thing's name is the artist's
            break
    return " ".join(kept) if 1 <= len(kept) <= 3 else ""


def hue_word(degrees: float) -> str:
    """The colour word of a saturated, light colour of that hue (0 is red, 120 green)."""
    degrees %= 360
    return next(word for bound, word in HUES if degrees < bound or bound == 360)


def colour_word(red: float, green: float, blue: float) -> str:
    """The colour word of one sRGB colour, channels 0 to 1."""
    high, low = max(red, green, blue), min(red, green, blue)
    chroma = high - low
    if chroma < 0.12 or high < 0.12:
        return "white" if low > 0.85 else "black" if high < 0.2 else "grey"
    if high == red:
        hue = 60 * (((green - blue) / chroma) % 6)
    elif high == green:
        hue = 60 * ((blue - red) / chroma + 2)
    else:
        hue = 60 * ((red - green) / chroma + 4)
    if (hue < 42 or hue > 345) and high < 0.62 and chroma / high > 0.25 and hue > 10:
        return "brown"
    if (hue < 20 or hue > 330) and high > 0.85 and 0.12 < chroma / high < 0.45:
        return "pink"
    return hue_word(hue)


def with_colour(thing: str, colour: str) -> str:
    """`thing` said to be of `colour`; a colour word that it has already is replaced.

    >>> with_colour("red apple", "blue"), with_colour("car", "blue")
    ('blue apple', 'blue car')
    """
    if _COLOUR_WORD.search(thing):
        return _COLOUR_WORD.sub(colour, thing, count=1)
    return f"{colour} {thing}"


def names_a_colour(thing: str) -> bool:
    """Whether the thing's own name says its colour ("red apple")."""
    return _COLOUR_WORD.search(thing) is not None


def prompt(thing: str, style: str) -> str:
    """The plain caption that a user would type: "3d render of a red apple"."""
    return STYLES[style][0].format(article(thing))


def caption(
    rng: random.Random,
    *,
    thing: str,
    style: str,
    background: str = "",
    keywords: tuple[str, ...] = (),
    say_background: float = 0.6,
) -> str:
    """One of the many ways to say it; `background` is "white", "blue", "gradient" or "".

    `say_background` is how often it is said, where it has a name.
    """
    form = rng.choice(STYLES[style] if rng.random() < 0.92 else ANY_STYLE)
    if rng.random() < 0.25:
        thing = ALIASES.get(thing, thing)
    text = form.format(article(thing), bare=thing)
    if keywords and rng.random() < 0.15:
        text += ", " + rng.choice(keywords)
    if background and rng.random() < say_background:
        text += f" on {article(background)} background"
    return text
