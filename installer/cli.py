"""The verbs of `python3 installer`."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from installer import testing
from installer.bundle import FILE_NAME, write_bundle
from installer.carry_out import do_steps, undo_all
from installer.daemon import leave_daemon
from installer.doctor import examine
from installer.editors import Kind
from installer.facts import gather
from installer.failure import InstallError
from installer.plan import Facts, Wishes, plan_environment, plan_install, plan_uninstall
from installer.progress import Display
from installer.undo import Record, remove_empty
from plugin.link.errors import ScumbleError

# What the demo asks for, in the words that the small model inside was trained on
DEMO_PROMPT = "flat cartoon of a balloon"
DEMO_NAME = "scumble-demo"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    display = Display()
    try:
        return int(options.run(options, display))
    except InstallError as error:
        if error.detail:
            display.say(error.detail)
        display.say(f"{error.message} {error.hint}".rstrip())
        return 1
    except ScumbleError as error:
        display.say(f"{error.info.message} {error.info.hint}".rstrip())
        return 1
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        display.say(
            f"{where}{error.strerror or error}. "
            "Close the editors, see who owns that folder and whether the disk is full, "
            "then start this again."
        )
        return 1
    except KeyboardInterrupt:
        display.say("Stopped. Starting the same again goes on from here.")
        return 130


def demo(options: argparse.Namespace, display: Display) -> int:
    facts = gather()
    prepare(facts, _wishes(options), display)
    sample = facts.checkout.sample
    out = Path(options.out).resolve()
    out.mkdir(parents=True, exist_ok=True)
    command = [
        str(facts.environment.python), "-m", "scumble", "fill", str(sample / "meadow.png"),
        "--mask", str(sample / "selection.png"), "--prompt", options.prompt,
        "-o", str(out / f"{DEMO_NAME}.ora"), "-o", str(out / f"{DEMO_NAME}.png"),
    ]  # fmt: skip
    if options.seed is not None:
        command += ["--seed", str(options.seed)]
    code = _scumble(command, facts)
    if code == 0:
        display.say("Krita and GIMP open the .ora file: the fill is a layer of its own above.")
        display.say("A small model drew it. Larger ones: python3 installer models list")
    return code


def install(options: argparse.Namespace, display: Display) -> int:
    facts = gather()
    record = _record(facts)
    do_steps(plan_install(facts, _wishes(options)), record, display)
    leave_daemon(facts.home, display)
    served = [editor for editor in facts.editors if editor.kind in facts.plugins]
    for editor in served:
        display.say(f"Scumble is in {editor.title}; start it anew to see it.")
    for kind in Kind:
        if kind not in facts.plugins and any(e.kind is kind for e in facts.editors):
            display.say(f"{kind.value} was found; this version of Scumble has no plugin for it.")
    if not served:
        display.say(
            "No Krita was found. Start Krita once and then this again, or import "
            f"{facts.home.path / FILE_NAME} in Krita: Tools > Scripts > Import Python Plugin."
        )
    return 0


def update(options: argparse.Namespace, display: Display) -> int:
    if not gather().home.install_record.exists():
        raise InstallError("Scumble is not installed.", "Run: python3 installer install")
    return install(options, display)


def doctor(options: argparse.Namespace, display: Display) -> int:
    troubles = examine(gather(), display)
    if not troubles:
        display.say("All is well.")
    return 1 if troubles else 0


def models(options: argparse.Namespace, display: Display) -> int:
    facts = gather()
    prepare(facts, Wishes(), display)
    return _scumble(
        [str(facts.environment.python), "-m", "scumble", "models", *options.rest], facts
    )


def test(options: argparse.Namespace, display: Display) -> int:
    facts = gather(tests=True)
    do_steps(plan_environment(facts, _wishes(options), tests=True), _record(facts), display)
    return testing.run(facts, options.rest, display)


def bundle(options: argparse.Namespace, display: Display) -> int:
    path = Path(options.out).resolve() / FILE_NAME
    write_bundle(gather().checkout, path)
    display.say(f"{path}: in Krita, Tools > Scripts > Import Python Plugin from File.")
    return 0


def uninstall(options: argparse.Namespace, display: Display) -> int:
    facts = gather()
    keep_models = _keeps(options, options.keep_models, facts.home.models_dir, "the models in")
    keep_history = _keeps(options, options.keep_history, facts.home.journal_file, "the history in")
    leave_daemon(facts.home, display, force=True)
    record = _record(facts)
    made = record.load()
    undo_all(plan_uninstall(facts.home, made, keep_models, keep_history), record, display)
    # the folders above go last, when nothing is left in them
    remove_empty((str(facts.home.path), *(p for undo in made for p in undo.parents)))
    if facts.home.path.exists():
        display.say(f"Kept: {facts.home.path}")
    return 0


def prepare(facts: Facts, wishes: Wishes, display: Display) -> None:
    """Make the environment run this source; seconds when it does already."""
    steps = plan_environment(facts, wishes)
    do_steps(steps, _record(facts), display)
    if steps:
        leave_daemon(facts.home, display)


def _keeps(options: argparse.Namespace, kept: bool, path: Path, what: str) -> bool:
    if kept or not path.exists():
        return True
    if options.yes:
        return False
    if not sys.stdin.isatty():
        return True  # nobody there to ask: what cannot be had back stays
    try:
        answer = input(f"Remove {what} {path} too? They cannot be had back. [y/N] ")
    except EOFError:  # Ctrl-D is no yes
        return True
    return answer.strip().lower() not in ("y", "yes")


def _scumble(command: list[str], facts: Facts) -> int:
    environ = {**os.environ, "SCUMBLE_HOME": str(facts.home.path)}
    try:
        return subprocess.run(command, env=environ).returncode
    except KeyboardInterrupt:
        return 130


def _record(facts: Facts) -> Record:
    return Record(facts.home.path / "installed.json")


def _wishes(options: argparse.Namespace) -> Wishes:
    return Wishes(options.index_url, options.torch_index, options.fresh)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python3 installer",
        description="Puts Scumble on this computer, under your own data folder only.",
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    packages = argparse.ArgumentParser(add_help=False)
    packages.add_argument(
        "--index-url", metavar="URL", help="package index instead of the one pip is configured for"
    )
    packages.add_argument("--torch-index", metavar="URL", help="package index for PyTorch alone")
    packages.add_argument("--fresh", action="store_true", help="make the Python environment anew")

    verb = verbs.add_parser("demo", parents=[packages], help="fill a selection in a sample picture")
    verb.add_argument("--out", default=".", metavar="FOLDER", help="where the pictures go")
    verb.add_argument("--prompt", default=DEMO_PROMPT)
    verb.add_argument("--seed", type=int)
    verb.set_defaults(run=demo)

    verb = verbs.add_parser("test", parents=[packages], help="run the project's tests")
    verb.add_argument(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="...",
        help="arguments for pytest; then only it runs",
    )
    verb.set_defaults(run=test)

    verb = verbs.add_parser("install", parents=[packages], help="install for Krita and GIMP")
    verb.set_defaults(run=install)
    verb = verbs.add_parser("update", parents=[packages], help="bring what is installed up to date")
    verb.set_defaults(run=update)
    verb = verbs.add_parser("doctor", help="what is wrong, and how to mend it")
    verb.set_defaults(run=doctor)

    verb = verbs.add_parser("models", add_help=False, help="the same as `scumble models`")
    verb.add_argument("rest", nargs=argparse.REMAINDER, metavar="...")
    verb.set_defaults(run=models)

    verb = verbs.add_parser("bundle", help=f"write {FILE_NAME} for Krita's own importer")
    verb.add_argument("--out", default=".", metavar="FOLDER", help="where it goes")
    verb.set_defaults(run=bundle)

    verb = verbs.add_parser("uninstall", help="remove all that was installed")
    verb.add_argument("--yes", action="store_true", help="remove models and history unasked")
    verb.add_argument("--keep-models", action="store_true")
    verb.add_argument("--keep-history", action="store_true")
    verb.set_defaults(run=uninstall)
    return parser
