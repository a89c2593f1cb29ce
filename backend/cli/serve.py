"""scumble serve: the daemon in the foreground; editors start it by themselves, too."""

from __future__ import annotations

import argparse
from typing import Any

from scumble.link.home import find_home
from scumble.server import serve


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("serve", help="run the backend in the foreground")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    return serve(find_home())
