"""scumble fill PICTURE --mask MASK | --select x,y,w,h"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from scumble.cli import form_options
from scumble.cli.canvas import FileCanvas
from scumble.cli.output import chosen_output
from scumble.cli.picture import bounds, load_mask, load_picture, rectangle_mask
from scumble.cli.result_files import ResultFiles, check_targets
from scumble.cli.run import parse_pair, run_job
from scumble.link.errors import bad_request
from scumble.link.home import find_home
from scumble.link.values import Region


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("fill", help="fill a selection of a picture")
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    selection = parser.add_mutually_exclusive_group(required=True)
    selection.add_argument(
        "--mask", type=Path, metavar="MASK", help="a picture of the same size; white is selected"
    )
    selection.add_argument("--select", metavar="X,Y,W,H", help="a rectangle in pixels")
    form_options.describe(parser)
    form_options.describe_strength(parser, 1.0)
    form_options.describe_mask(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_targets(options.out, options.picture)
    make_form = form_options.form_maker(options)
    picture = load_picture(options.picture)
    if options.mask is not None:
        mask = load_mask(options.mask, picture.size)
    else:
        mask = rectangle_mask(_rectangle(options.select), picture.size)
    if bounds(mask) is None:
        raise bad_request("Nothing of the picture is selected.", "Select a part of it.")
    output = chosen_output(options.json)
    files = ResultFiles(tuple(options.out), options.batch, output.written)
    canvas = FileCanvas(str(options.picture), picture, mask, files.keep)
    run_job(find_home(), canvas, make_form, output)
    return 0


def _rectangle(text: str) -> Region:
    numbers = parse_pair(text, ",", "a rectangle (x,y,width,height)")
    if len(numbers) != 4 or min(numbers[2:]) < 1:
        raise bad_request(
            f"{text!r} is not a rectangle.", "Give x,y,width,height in pixels: 100,80,256,256."
        )
    return Region(*numbers)
