"""The things that a short run learns first: common words, one clear picture in each style.

A run of an hour can learn a few hundred pictures well or a thousand badly. Longer runs take
`sprites.core` (660 things) or everything.
"""

from __future__ import annotations

from .prompts import THINGS
from .sprites import Sprite, core

_MORE = """
grapes; tangerine; lime; peach; cherries; mango; kiwi fruit; coconut; avocado; eggplant; potato;
hot pepper; bell pepper; cucumber; garlic; onion; peanuts; pretzel; bagel; pancakes; bacon;
french fries; sandwich; taco; popcorn; spaghetti; sushi; birthday cake; pie; chocolate bar; candy;
wine glass; beer mug; hot beverage; spoon; jar; gorilla; wolf; tiger; leopard; unicorn; zebra;
deer; cow; ram; goat; camel; giraffe; elephant; rhinoceros; mouse; hamster; hedgehog; bat; koala;
sloth; kangaroo; turkey; chicken; rooster; baby chick; bird; eagle; swan; flamingo; parrot;
crocodile; lizard; snake; dragon; dolphin; shark; tropical fish; crab; lobster; ant; beetle; spider;
cherry blossom; hibiscus; seedling; potted plant; shamrock; mountain; volcano; factory; hospital;
tram; locomotive; ambulance; fire engine; pickup truck; racing car; motor scooter; wheel; canoe;
rainbow; cloud; sun; fire; droplet; snowflake; christmas tree; wrapped gift; baseball; volleyball;
game die; yarn; glasses; necktie; t shirt; jeans; socks; dress; backpack; running shoe; top hat;
ring; gem stone; bell; microphone; headphone; saxophone; candle; flashlight; coin; package;
pen; paintbrush; briefcase; pushpin; paperclip; wrench; screwdriver; gear; magnet; ladder;
microscope; telescope; bed; chair; broom; bucket; ghost; robot; alien; blue heart; green heart;
yellow heart; purple heart; blue book; green book; orange book; automobile; delivery truck
"""
# What people ask for in a colour of their choice: drawn in other hues under other colour words.
OF_ANY_COLOUR = frozenset(
    {
        "automobile",
        "balloon",
        "bird",
        "dress",
        "fish",
        "house",
        "star",
        "t shirt",
        "teapot",
        "umbrella",
    }
)
COMMON = frozenset(" ".join(name.split()) for name in (*THINGS, *_MORE.split(";")))

_FIRST = OF_ANY_COLOUR | frozenset(THINGS)


def weight(record: Sprite) -> float:
    """How often a picture is drawn in the lessons, beside the others."""
    return 2.5 if record.thing in _FIRST else 1.0 if record.thing in COMMON else 0.5


def common(records: list[Sprite]) -> list[Sprite]:
    """The pictures of the common things."""
    return [record for record in core(records) if record.thing in COMMON]
