"""At what resolution a selection is worked on: working pixels per canvas pixel, and its share.

python tests/benchmarks/resolution.py
"""

from __future__ import annotations

import leader

from scumble.link.geometry import context_region, working_size
from scumble.link.values import Region, Size

SELECTIONS = (
    Size(32, 32),
    Size(64, 64),
    Size(100, 100),
    Size(128, 256),
    Size(200, 200),
    Size(300, 300),
    Size(512, 512),
    Size(600, 150),
    Size(1000, 1000),
    Size(2000, 100),
    Size(2000, 1500),
    Size(4000, 4000),
)
CANVASES = (Size(2000, 2000), Size(4000, 3000), Size(8000, 6000))
NATIVES = (512, 1024)
MULTIPLE = 8


def table() -> list[str]:
    """Markdown rows: for each selection and canvas what is read and at what scale, ours and theirs.

    A selection that is larger than the canvas is cut to it.
    """
    lines = [
        "| selection | canvas | context | leader's | share | leader's |"
        " 512: px/px | leader's | 1024: px/px | leader's |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for asked in SELECTIONS:
        for canvas in CANVASES:
            place = middle(asked, canvas)
            contexts = context_region(place, canvas), leader.context(place, canvas)
            longer = max(place.width, place.height)
            cells = [size_of(place.size), size_of(canvas), *(size_of(c.size) for c in contexts)]
            cells += [f"{longer / max(c.width, c.height):.0%}" for c in contexts]
            for native in NATIVES:
                ours = working_size(contexts[0].size, native, MULTIPLE)
                theirs = leader.working_size(contexts[1].size, native)
                cells += [
                    f"{scale(work, context.size):.2f}"
                    for work, context in zip((ours, theirs), contexts, strict=True)
                ]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def middle(size: Size, canvas: Size) -> Region:
    """`size` in the middle of the canvas, cut to it."""
    width, height = min(size.width, canvas.width), min(size.height, canvas.height)
    return Region((canvas.width - width) // 2, (canvas.height - height) // 2, width, height)


def scale(work: Size, context: Size) -> float:
    """Working pixels per canvas pixel, a side."""
    return min(work.width / context.width, work.height / context.height)


def size_of(size: Size) -> str:
    return f"{size.width}×{size.height}"


if __name__ == "__main__":
    print("\n".join(table()))
