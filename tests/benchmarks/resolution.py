"""At what resolution a selection is worked on: working pixels per canvas pixel, and its share."""

from __future__ import annotations

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
MULTIPLE = 8


def table() -> list[str]:
    """Markdown rows: for each selection and canvas, per native size, scale and share."""
    lines = [
        "| selection | canvas | context | share | 512: work | px/px | 1024: work | px/px |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for selection in SELECTIONS:
        for canvas in CANVASES:
            if selection.width > canvas.width or selection.height > canvas.height:
                continue
            x, y = (canvas.width - selection.width) // 2, (canvas.height - selection.height) // 2
            place = Region(x, y, selection.width, selection.height)
            context = context_region(place, canvas)
            share = max(selection.width, selection.height) / max(context.width, context.height)
            cells = [_size(selection), _size(canvas), _size(context.size), f"{share:.0%}"]
            for native in (512, 1024):
                work = working_size(context.size, native, MULTIPLE)
                scale = min(work.width / context.width, work.height / context.height)
                cells += [_size(work), f"{scale:.2f}"]
            lines.append("| " + " | ".join(cells) + " |")
    return lines


def _size(size: Size) -> str:
    return f"{size.width}×{size.height}"
