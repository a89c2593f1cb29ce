"""scumble jobs [list|cancel|save|discard]"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from scumble import openraster
from scumble.cli.result_files import check_targets, write_png, writing
from scumble.cli.run import CLIENT_ID, own_install
from scumble.link.channel import Reply
from scumble.link.client import call
from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import bad_request
from scumble.link.home import find_home
from scumble.link.naming import layer_name
from scumble.link.values import Job, Result, Size
from scumble.metadata import png_text


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser("jobs", help="list, cancel, save and discard jobs")
    _add_json(parser, False)
    parser.set_defaults(what="list")
    whats = parser.add_subparsers(dest="what", metavar="WHAT")
    listing = whats.add_parser("list", help="every job that is known (the default)")
    cancel = whats.add_parser("cancel", help="stop a job")
    cancel.add_argument("job", metavar="JOB", help="its id, or how it begins")
    save = whats.add_parser("save", help="write a finished job's results to files")
    save.add_argument("job", metavar="JOB", help="its id, or how it begins")
    save.add_argument(
        "--out", "-o", type=Path, required=True, metavar="FILE", help=".ora (in its place) or .png"
    )
    discard = whats.add_parser("discard", help="offer a finished job's results no more")
    discard.add_argument("job", metavar="JOB", help="its id, or how it begins")
    for each in (listing, cancel, save, discard):
        _add_json(each, argparse.SUPPRESS)  # else it would undo the one before the verb
    parser.set_defaults(run=run)


def _add_json(parser: argparse.ArgumentParser, default: object) -> None:
    parser.add_argument(
        "--json", action="store_true", default=default, help="one JSON object a line on stdout"
    )


def run(options: argparse.Namespace) -> int:
    actions = {"cancel": _cancel, "save": _save, "discard": _discard}
    action = actions.get(options.what or "list", _list)
    return action(options)


def _list(options: argparse.Namespace) -> int:
    for job in _all_jobs():
        if options.json:
            print(json.dumps({"event": "job", "job": to_wire(job)}))
            continue
        waiting = f", {len(job.unacknowledged)} waiting" if job.unacknowledged else ""
        print(
            f"{job.id[:12]}  {job.state.value:<9}  {job.results} result(s){waiting}  "
            f"{layer_name(job.prompt, None)}"
        )
    return 0


def _cancel(options: argparse.Namespace) -> int:
    job = from_wire(Job, _ask("cancel", {"job_id": _find(options.job).id}).fields["job"])
    _show_state(job, options)
    return 0


def _discard(options: argparse.Namespace) -> int:
    job = _find(options.job)
    for index in job.unacknowledged:
        reply = _ask("acknowledge", {"job_id": job.id, "index": index})
        job = from_wire(Job, reply.fields["job"])
    _show_state(job, options)
    return 0


def _show_state(job: Job, options: argparse.Namespace) -> None:
    if options.json:
        print(json.dumps({"event": "job", "job": to_wire(job)}))
    else:
        print(f"{job.id[:12]}  {job.state.value}")


def _save(options: argparse.Namespace) -> int:
    check_targets([options.out], None)
    job = _find(options.job)
    found = _ask("results", {"job_id": job.id}).fields["results"]
    results = [from_wire(Result, entry) for entry in found]
    if not results:
        raise bad_request(f"The job {job.id[:12]} has no results.", "See: scumble jobs")
    for result in results:
        path = options.out
        if len(results) > 1:
            path = path.with_name(f"{path.stem}-{result.index + 1}{path.suffix}")
        reply = _ask("fetch", {"job_id": job.id, "index": result.index})
        # a list may leave out what made them
        whole = from_wire(Result, reply.fields["result"])
        with writing(path):
            _write(path, whole, reply.blobs[0])
        _ask("acknowledge", {"job_id": job.id, "index": result.index})
        print(json.dumps({"event": "written", "path": str(path)}) if options.json else path)
    return 0


def _write(path: Path, result: Result, data: bytes) -> None:
    """The result alone; as .ora at its place on its canvas, under its name."""
    region = result.region
    pixels = np.frombuffer(data, np.uint8).reshape(region.height, region.width, 4)
    text = png_text(result.metadata)
    if path.suffix.lower() != ".ora":
        write_png(path, openraster.png(pixels, text))
        return
    name = layer_name(str(result.metadata.get("prompt", "")), result.metadata.get("seed"))
    layer = openraster.Layer(name, pixels, region.x, region.y, text=text)
    canvas = result.metadata.get("canvas")  # left out where all of it was too long
    size = Size(region.right, region.bottom) if canvas is None else from_wire(Size, canvas)
    openraster.write(path, openraster.Document(size, (layer,), text))


def _find(beginning: str) -> Job:
    found = [job for job in _all_jobs() if job.id.startswith(beginning)]
    if len(found) != 1:
        count = "No" if not found else "More than one"
        raise bad_request(f"{count} job's id begins with {beginning}.", "See: scumble jobs")
    return found[0]


def _all_jobs() -> list[Job]:
    return [from_wire(Job, entry) for entry in _ask("jobs", {"all": True}).fields["jobs"]]


def _ask(kind: str, fields: dict[str, Any]) -> Reply:
    home = find_home()
    return call(home, kind, fields, client_id=CLIENT_ID, install=own_install(home))
