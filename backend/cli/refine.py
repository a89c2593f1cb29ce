"""scumble refine PICTURE --strength 0…1"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from scumble.cli import form_options
from scumble.cli.canvas import FileCanvas
from scumble.cli.output import chosen_output
from scumble.cli.picture import load_picture
from scumble.cli.result_files import ResultFiles, check_targets
from scumble.cli.run import run_job
from scumble.link.errors import bad_request
from scumble.link.home import find_home

DEFAULT_STRENGTH = 0.5


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("refine", help="redraw a whole picture with some strength")
    parser.add_argument("picture", type=Path, metavar="PICTURE")
    form_options.describe(parser)
    form_options.describe_strength(parser, DEFAULT_STRENGTH)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    if options.strength == 1:
        raise bad_request(
            "A strength of 1 keeps nothing of the picture.", "Use: scumble generate, or less."
        )
    check_targets(options.out, options.picture)
    picture = load_picture(options.picture)
    output = chosen_output(options.json)
    files = ResultFiles(tuple(options.out), options.batch, output.written)
    canvas = FileCanvas(str(options.picture), picture, None, files.keep)
    run_job(find_home(), canvas, form_options.form_maker(options), output)
    return 0
