"""scumble generate --size WxH"""

from __future__ import annotations

import argparse
from typing import Any

from scumble.cli import form_options
from scumble.cli.canvas import FileCanvas
from scumble.cli.output import chosen_output
from scumble.cli.picture import empty_picture
from scumble.cli.result_files import ResultFiles, check_targets
from scumble.cli.run import parse_pair, run_job
from scumble.link.errors import bad_request
from scumble.link.home import find_home
from scumble.link.values import Size


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("generate", help="make a new picture from a prompt")
    parser.add_argument("--size", default="512x512", metavar="WxH", help="default: 512x512")
    form_options.describe(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    check_targets(options.out, None)
    sides = parse_pair(options.size, "x", "a size (such as 512x768)")
    if len(sides) != 2:
        raise bad_request(f"{options.size!r} is not a size.", "Give width and height: 512x768.")
    output = chosen_output(options.json)
    files = ResultFiles(tuple(options.out), options.batch, output.written)
    canvas = FileCanvas("new picture", empty_picture(Size(*sides)), None, files.keep)
    run_job(find_home(), canvas, form_options.form_maker(options), output)
    return 0
