"""From a name to a model that is ready: asks the hub, fetches, checks and registers."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.models import catalogue, download, hub
from scumble.models.catalogue import CatalogueItem
from scumble.models.digest import Report
from scumble.models.entry import LoraEntry, ModelEntry, slug
from scumble.models.folder import read_pipeline
from scumble.models.hub import Plan
from scumble.models.inspect import inspect
from scumble.models.registry import Registry, describe
from scumble.models.safetensors_header import rejected

Acquired = ModelEntry | LoraEntry | Path  # a Path: the folder of a preview decoder


def plan(source: str, *, full_precision: bool = False, endpoint: str | None = None) -> Plan:
    """What fetching `source` takes: a name of the catalogue, or a Hugging Face id.

    Raises ScumbleError: bad names and whatever `hub.plan` raises.
    """
    item = catalogue.find(source)
    if item is None and not hub.is_hub_id(source):
        names = ", ".join(known.id for known in catalogue.CATALOGUE)
        raise rejected(
            f"“{source[:120]}” is neither a known model nor a Hugging Face id.",
            f"Known by name: {names}; others as owner/name.",
        )
    return hub.plan(
        item.source if item else source, full_precision=full_precision, endpoint=endpoint
    )


def acquire(
    registry: Registry,
    plan: Plan,
    name: str = "",
    report: Report | None = None,
    *,
    endpoint: str | None = None,
) -> Acquired:
    """Fetch what `plan` says and register it; needs the network only for what is not there yet.

    Raises ScumbleError: disk_full, model_missing, model_rejected, busy.
    """
    item = catalogue.find(plan.repository)
    if item is not None and item.kind == "preview":
        folder = registry.models_dir / "previews" / item.id
        download.fetch(plan, folder, report, endpoint=endpoint)
        return folder
    name_on_disk = plan.repository.replace("/", "--")
    if not plan.pipeline:
        name_on_disk += "--" + slug(Path(plan.files[0].path).stem)
    folder = registry.downloads_dir / name_on_disk
    if plan.pipeline:
        _refuse_foreign_pipeline(plan, folder, endpoint)
    download.fetch(plan, folder, report, endpoint=endpoint)
    try:
        return _register(registry, plan, item, folder, name)
    except ScumbleError as error:
        if error.code is ErrorCode.MODEL_REJECTED:  # whole as it is, it will never be of use
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _refuse_foreign_pipeline(plan: Plan, folder: Path, endpoint: str | None) -> None:
    """Fetch the small configurations and look at them, before gigabytes come for nothing."""
    small = tuple(file for file in plan.files if file.path.endswith(hub.TEXT_SUFFIXES))
    download.fetch(replace(plan, files=small), folder, endpoint=endpoint)
    try:
        read_pipeline(folder)
    except ScumbleError:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _register(
    registry: Registry, plan: Plan, item: CatalogueItem | None, folder: Path, name: str
) -> ModelEntry | LoraEntry:
    path = folder if plan.pipeline else folder / plan.files[0].path
    found = inspect(path)
    if found.kind == "lora":
        own = item.id if item else slug(plan.repository.split("/")[1])
        return registry.loras.add(path, name or own)
    entry = replace(
        describe(path, found, name or (item.name if item else _name(plan, path))),
        managed=True,
        source=plan.repository,
        licence=plan.licence,
    )
    entry = registry.record(_as_in_catalogue(entry, item))
    registry.remember({folder / f.path: f.sha256 for f in plan.files if f.sha256})
    return replace(entry, sha256=registry.sha256(entry.id))


def _name(plan: Plan, path: Path) -> str:
    return plan.repository.split("/")[1] if plan.pipeline else path.stem


def _as_in_catalogue(entry: ModelEntry, item: CatalogueItem | None) -> ModelEntry:
    if item is None:
        return entry
    return replace(
        entry,
        id=item.id,
        native=item.native or entry.native,
        defaults=item.defaults or entry.defaults,
        note=item.purpose,
    )


def downloaded_folder(registry: Registry, name: str) -> Path | None:
    """Where the files of a downloaded model or LoRA lie; None for what was not downloaded."""
    try:
        path = Path(registry.get(name).path)
    except ScumbleError:
        if not registry.loras.has(name):
            raise
        path = Path(registry.loras.find(name).path).resolve()
    for folder in (path, *path.parents):
        if download.read_record(folder) is not None:
            return folder
    return None
