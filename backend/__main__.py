"""The command line: `scumble VERB`, or `python -m scumble VERB`.

Only the module of the verb that is called is imported: `serve` has to be up in
a fraction of a second and knows nothing of pictures.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from scumble import __version__
from scumble.link.errors import ErrorCode, ScumbleError

# verb -> module with `add_parser(subparsers)`, whose parser sets `run(options) -> exit code`
VERBS = {
    "fill": "scumble.cli.fill",
    "generate": "scumble.cli.generate",
    "refine": "scumble.cli.refine",
    "jobs": "scumble.cli.jobs",
    "models": "scumble.models.cli",
    "serve": "scumble.cli.serve",
}

EXIT_FAILED = 1
EXIT_WRONG_REQUEST = 2  # as argparse has it for a wrong command line
EXIT_CANCELLED = 130  # as shells have it for Ctrl-C


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; its exit code. Errors are one sentence and a hint on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser(given).parse_args(given)
    try:
        return int(options.run(options))
    except ScumbleError as error:
        if error.code is ErrorCode.CANCELLED:
            return EXIT_CANCELLED
        return _report(error, bool(getattr(options, "json", False)))
    except KeyboardInterrupt:
        return EXIT_CANCELLED
    except BrokenPipeError:  # `scumble … | head` took what it wanted
        sys.stderr.close()
        return EXIT_FAILED


def _parser(given: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="scumble", description="Diffusion models for Krita, GIMP and the command line."
    )
    parser.add_argument("--version", action="version", version=f"Scumble {__version__}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    wanted = next((word for word in given if not word.startswith("-")), "")
    for module in [VERBS[wanted]] if wanted in VERBS else VERBS.values():
        importlib.import_module(module).add_parser(verbs)
    return parser


def _report(error: ScumbleError, as_json: bool) -> int:
    if as_json:
        from scumble.cli.output import JsonOutput

        JsonOutput().error(error.info)
    print(f"{error.info.message} {error.info.hint}".rstrip(), file=sys.stderr)
    wrong = error.code is ErrorCode.BAD_REQUEST
    return EXIT_WRONG_REQUEST if wrong else EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
