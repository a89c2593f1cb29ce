"""`scumble models`: list, add, remove, download, inspect, verify."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tqdm import tqdm

from scumble.link.encoding import to_wire
from scumble.link.home import find_home
from scumble.models import acquire, catalogue, download, hub
from scumble.models.copying import gigabytes
from scumble.models.digest import Report
from scumble.models.entry import LoraEntry, ModelEntry
from scumble.models.inspect import ERASERS, inspect
from scumble.models.registry import Registry

Verb = Callable[[argparse.Namespace, Registry], int]

DAMAGED = 3  # exit code of `verify` when a file is not what it should be


def add_parser(subparsers: Any) -> None:
    """Mount `models` and its verbs; each parser sets `run(args) -> exit code`."""
    models = subparsers.add_parser(
        "models", help="list, add, fetch and check models", description="Models of all kinds."
    )
    verbs = models.add_subparsers(dest="models_verb", required=True, metavar="VERB")

    def verb(name: str, action: Verb, help_text: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = verbs.add_parser(
            name, help=help_text, description=help_text.capitalize() + "."
        )
        parser.add_argument("--json", action="store_true", help="answer in JSON, for scripts")
        parser.set_defaults(run=run, action=action)
        return parser

    verb("list", _list, "what is on this computer, and what can be fetched by name")
    parser = verb("add", _add, "register a folder, a .safetensors file, a LoRA, or a hub id")
    parser.add_argument("source", help="path, or owner/name on Hugging Face")
    parser.add_argument("--name", default="", help="what to call it")
    parser.add_argument("--copy", action="store_true", help="copy it into Scumble's own folder")
    parser.add_argument("--config", type=Path, help="folder of diffusers configurations for it")
    _add_download_options(parser)
    parser = verb("remove", _remove, "take a model off the list; only Scumble's own files go")
    parser.add_argument("model")
    parser = verb("download", _download, "fetch a model by its short name or hub id")
    parser.add_argument("source", help="a name from `scumble models list`, or owner/name")
    parser.add_argument("--name", default="", help="what to call it")
    _add_download_options(parser)
    parser = verb("inspect", _inspect, "say what a file or folder is, without loading it")
    parser.add_argument("model", help="a file, a folder, or a name from `scumble models list`")
    parser = verb("verify", _verify, "read a model's files again and compare them")
    parser.add_argument("model", nargs="?", default="", help="all of them when left out")
    parser.add_argument("--repair", action="store_true", help="fetch again what is damaged")
    parser.add_argument("--endpoint", help="another hub than huggingface.co")


def _add_download_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--full-precision", action="store_true", help="fp32 files, twice as large")
    parser.add_argument("--endpoint", help="another hub than huggingface.co")


def run(args: argparse.Namespace) -> int:
    """Carry out one verb; its exit code. Raises ScumbleError for the command line to show."""
    action: Verb = args.action
    return action(args, Registry(find_home()))


def _list(args: argparse.Namespace, registry: Registry) -> int:
    models, loras = registry.list(), registry.loras.list()
    if args.json:
        _print_json(
            {
                "models": [to_wire(entry) for entry in models],
                "loras": [to_wire(lora) for lora in loras],
                "catalogue": [to_wire(item) for item in catalogue.CATALOGUE],
            }
        )
        return 0
    if not models:
        print("No models yet.")
    for entry in models:
        kind = "inpaint" if entry.inpaint_channels else "draws"
        kind = "removes" if entry.architecture in ERASERS else kind
        facts = f"{entry.architecture} {kind} {entry.native} px, {gigabytes(entry.size)}"
        print(f"{entry.id:<24} {entry.name}: {facts}")
        print(f"{'':<24} {entry.note or entry.path}")
    for lora in loras:
        state = lora.error or f"{lora.architecture or 'unknown kind'}, {gigabytes(lora.size)}"
        print(f"{lora.name:<24} LoRA: {state}")
    print("\nTo be fetched with: scumble models download NAME")
    here = {entry.source for entry in models}
    for item in catalogue.CATALOGUE:
        if item.source not in here:
            print(f"{item.id:<24} {gigabytes(item.size):>7}  {item.licence}: {item.purpose}")
    return 0


def _add(args: argparse.Namespace, registry: Registry) -> int:
    is_path = Path(args.source).expanduser().exists()
    if not is_path and (hub.is_hub_id(args.source) or catalogue.find(args.source)):
        return _download(args, registry)
    with _progress(args, "copying") as report:
        entry = registry.add(
            args.source, args.name, copy=args.copy, config=args.config, report=report
        )
    return _say_added(args, entry)


def _download(args: argparse.Namespace, registry: Registry) -> int:
    plan = acquire.plan(args.source, full_precision=args.full_precision, endpoint=args.endpoint)
    print(
        f"{plan.repository}: {gigabytes(plan.size)} in {len(plan.files)} files. "
        f"Licence: {plan.licence}, {plan.licence_page}",
        file=sys.stderr,
    )
    with _progress(args, plan.repository.split("/")[1]) as report:
        entry = acquire.acquire(registry, plan, args.name, report, endpoint=args.endpoint)
    return _say_added(args, entry)


def _say_added(args: argparse.Namespace, entry: acquire.Acquired) -> int:
    if args.json:
        _print_json({"preview": str(entry)} if isinstance(entry, Path) else to_wire(entry))
    elif isinstance(entry, ModelEntry):
        print(f"Added {entry.name} as “{entry.id}”.")
    elif isinstance(entry, LoraEntry):
        print(f"Added the LoRA “{entry.name}”; use it in a prompt: <lora:{entry.name}:1>")
    else:
        print(f"Previews will use what lies in {entry}.")
    return 0


def _remove(args: argparse.Namespace, registry: Registry) -> int:
    deleted = registry.remove(args.model)
    if args.json:
        _print_json({"removed": args.model, "files_deleted": deleted})
    else:
        print(f"Removed {args.model}" + ("." if deleted else "; its files stay where they are."))
    return 0


def _inspect(args: argparse.Namespace, registry: Registry) -> int:
    path = Path(args.model).expanduser()
    known = {entry.id: Path(entry.path) for entry in registry.list()}
    found = inspect(path if path.exists() else known.get(args.model, path))
    if args.json:
        _print_json({**to_wire(found), "inpaint_channels": found.inpaint_channels})
        return 0
    for label, value in (
        ("kind", found.kind.replace("_", " ")),
        ("title", found.title),
        ("architecture", found.architecture or "not known"),
        ("native", f"{found.native} px" if found.native else ""),
        ("predicts", found.prediction_type if found.kind != "lora" else ""),
        ("inpainting", "9 channels" if found.inpaint_channels else ""),
        (
            "size",
            f"{gigabytes(found.size)}, {found.parameters / 1e6:.1f} M numbers of {found.dtype}",
        ),
    ):
        if value:
            print(f"{label:<14}{value}")
    return 0


def _verify(args: argparse.Namespace, registry: Registry) -> int:
    names = [args.model] if args.model else [entry.id for entry in registry.list()]
    outcomes = {name: _verify_one(args, registry, name) for name in names}
    if args.json:
        _print_json(outcomes)
    for name, problems in outcomes.items():
        for problem in problems:
            print(f"{name}: {problem}", file=sys.stderr)
        if not problems and not args.json:
            print(f"{name}: whole")
    return DAMAGED if any(outcomes.values()) else 0


def _verify_one(args: argparse.Namespace, registry: Registry, name: str) -> list[str]:
    """What is wrong with one model, a sentence each."""
    folder = acquire.downloaded_folder(registry, name)
    with _progress(args, name) as report:
        if folder is None:
            return registry.verify(name, report)
        damage = download.verify(folder, report) or ()
        if damage and args.repair:
            download.repair(folder, report, endpoint=args.endpoint)
            damage = download.verify(folder, report) or ()
    return [f"{item.path}: {item.reason}." for item in damage]


@contextlib.contextmanager
def _progress(args: argparse.Namespace, title: str) -> Iterator[Report]:
    """A bar on stderr; none for scripts and where no terminal is."""
    hidden = args.json or not sys.stderr.isatty()
    with tqdm(desc=title, unit="B", unit_scale=True, disable=hidden, file=sys.stderr) as bar:

        def report(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield report


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False))
