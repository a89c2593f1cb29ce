"""The list of models on this computer; imports no torch.

Models stay where the artist has them; copies and downloads lie in the home's
models folder. The starter model in the package comes first and is the default.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from scumble.link.encoding import from_wire, to_wire
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.home import Home
from scumble.models import digest
from scumble.models.catalogue import CATALOGUE
from scumble.models.copying import copy_into
from scumble.models.entry import Defaults, LoraEntry, ModelEntry, slug, usual_defaults
from scumble.models.folder import read_configs as read_folder_configs
from scumble.models.folder import read_json
from scumble.models.inspect import ERASERS, Inspection, inspect
from scumble.models.ledger import Ledger, cannot_write
from scumble.models.loras import Loras

log = logging.getLogger(__name__)

STARTER = Path(__file__).parent / "starter"
OWN_WORDS = "scumble.json"
STARTER_NOTE = "Small and quick; larger models are one command away: scumble models download sd15."
HASH_AT_ONCE = 64 * 1024 * 1024  # bytes; larger models are hashed when somebody asks

Entries = list[ModelEntry]
Problems = list[str]


class Registry:
    """Reads its file at every call, so that the command line and the daemon agree."""

    def __init__(self, home: Home, starter: Path | None = STARTER) -> None:
        self.models_dir = home.models_dir
        self.loras = Loras(self.models_dir / "loras")
        self.downloads_dir = self.models_dir / "downloads"
        self._starter = starter
        self._ledger = Ledger(home.models_file)

    def list(self) -> Entries:
        """All models, the default first; where a model's files are away, its note says so."""
        data = self._ledger.read()
        entries = [] if self._starter is None else _starter_entry(self._starter)
        for record in data["models"]:
            try:
                entries.append(from_wire(ModelEntry, record))
            except ScumbleError as error:
                log.warning("a record in the list of models is skipped: %s", error)
        return [_as_of_now(entry, data["digests"]) for entry in entries]

    def get(self, model_id: str) -> ModelEntry:
        """Raises ScumbleError model_missing for an id that is not in the list."""
        for entry in self.list():
            if entry.id == model_id:
                return entry
        raise ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"There is no model “{model_id[:80]}”.",
            "Choose one from the list, or add it with: scumble models add.",
        )

    def add(
        self,
        source: str | Path,
        name: str = "",
        *,
        copy: bool = False,
        config: Path | None = None,
        report: digest.Report | None = None,
    ) -> ModelEntry | LoraEntry:
        """Register what lies at `source`: a diffusers folder, a .safetensors file, or a LoRA.

        In place by default; `copy` puts a copy into Scumble's own folder.
        config: a folder of diffusers configurations for a single file of
        unusual sizes (a folder `<stem>.config` beside the file is found by
        itself). A path that is registered already gives its entry.
        Raises ScumbleError: model_missing, model_rejected, disk_full, busy.
        """
        path = Path(os.path.abspath(os.path.expanduser(source)))
        found = inspect(path)
        if found.kind == "lora":
            return self.loras.add(path, name or path.stem, copy=copy)
        for known in self.list():
            if known.path == str(path) and not copy:
                return known
        if config is None and path.with_suffix(".config").is_dir():
            config = path.with_suffix(".config")
        entry = describe(path, found, name)
        if config is not None:
            entry = _with_config(entry, Path(os.path.abspath(config)))
        if copy:
            target = copy_into(path, self.models_dir / "files", report)
            entry = replace(entry, path=str(target), managed=True)
        return self.record(entry)

    def record(self, entry: ModelEntry) -> ModelEntry:
        """Put a finished entry into the list: in place of one of the same path, else under a
        free id.
        """
        with self._ledger.change() as data:
            for number, record in enumerate(data["models"]):
                if record.get("path") == entry.path:
                    entry = replace(entry, id=str(record.get("id")))
                    data["models"][number] = to_wire(entry)
                    return entry
            taken = {record.get("id") for record in data["models"]} | {"starter"}
            base, number = entry.id, 2
            while entry.id in taken:
                entry, number = replace(entry, id=f"{base}-{number}"), number + 1
            if entry.size <= HASH_AT_ONCE:
                entry = replace(entry, sha256=_digest(entry, data["digests"]))
            data["models"].append(to_wire(entry))
        return entry

    def remove(self, model_id: str) -> bool:
        """Take a model or LoRA off the list; true if files were deleted (only Scumble's own).

        Raises ScumbleError: model_missing, or unsupported for the starter model.
        """
        if model_id not in {entry.id for entry in self.list()} and self.loras.has(model_id):
            return self._remove_lora(model_id)
        entry = self.get(model_id)
        if entry.id == "starter":
            raise ScumbleError(
                ErrorCode.UNSUPPORTED,
                "The starter model is part of Scumble and cannot be removed.",
                "It takes no more than 60 MB.",
            )
        with self._ledger.change() as data:
            data["models"] = [r for r in data["models"] if r.get("id") != model_id]
            digest.forget(Path(entry.path), data["digests"])
        path = Path(entry.path)
        if not entry.managed or self.models_dir not in path.parents:
            return False
        _delete(self._download_of(path) or path)
        return True

    def _remove_lora(self, name: str) -> bool:
        origin = self._download_of(Path(self.loras.find(name).path).resolve())
        gone = self.loras.remove(name)
        if origin is not None:
            _delete(origin)
        return gone or origin is not None

    def _download_of(self, path: Path) -> Path | None:
        """The folder of the download that brought `path`, if one did."""
        for downloads in (self.downloads_dir, self.downloads_dir.resolve()):
            if downloads in path.parents:
                return downloads / path.relative_to(downloads).parts[0]
        return None

    def remember(self, hashes: Mapping[Path, str]) -> None:
        """Take over hashes of files that were checked a moment ago."""
        with self._ledger.change() as data:
            for path, value in hashes.items():
                digest.remember(path, value, data["digests"])

    def preview_decoder(self, architecture: str) -> Path | None:
        """The folder of the tiny decoder that was fetched for previews, if there is one."""
        wanted = "sd1" if architecture == "sd2" else architecture  # one VAE for both
        for item in CATALOGUE:
            folder = self.models_dir / "previews" / item.id
            if item.kind == "preview" and item.architecture == wanted and folder.is_dir():
                return folder
        return None

    def eraser(self) -> ModelEntry | None:
        """The first network that closes gaps (LaMa, MAT) whose file is there."""
        entries = (entry for entry in self.list() if entry.architecture in ERASERS)
        return next((entry for entry in entries if os.path.exists(entry.path)), None)

    def sha256(self, model_id: str, report: digest.Report | None = None) -> str:
        """The model's hash; read from disk once (gigabytes take seconds), recorded from then on.

        Raises ScumbleError model_missing: not in the list, or its files cannot be read.
        """
        entry = self.get(model_id)
        if entry.sha256:
            return entry.sha256
        digests = self._ledger.read()["digests"]
        value = _digest(entry, digests, report)
        with contextlib.suppress(ScumbleError), self._ledger.change() as data:
            data["digests"].update(digests)
        return value

    def verify(self, model_id: str, report: digest.Report | None = None) -> Problems:
        """What is wrong with a model's files, a sentence each; reads them all again."""
        if model_id not in {entry.id for entry in self.list()} and self.loras.has(model_id):
            error = self.loras.find(model_id).error
            return [error] if error else []
        entry = self.get(model_id)
        try:
            inspect(Path(entry.path))
        except ScumbleError as error:
            return [error.info.message]
        recorded = self.sha256(model_id)
        if _digest(entry, {}, report) != recorded:
            return ["Its bytes changed since they were recorded, though not their size or date."]
        return []


def describe(path: Path, found: Inspection, name: str = "") -> ModelEntry:
    """The entry for an inspected model at `path`, not yet in any list.

    A folder may hold a scumble.json with its own "name", "note" and "defaults".
    """
    said = read_json(path / OWN_WORDS) if (path / OWN_WORDS).is_file() else {}
    stem = path.name if path.is_dir() else path.stem
    title = name or str(said.get("name", "")) or found.title or stem
    try:
        defaults = from_wire(Defaults, said["defaults"])
    except (KeyError, ScumbleError):
        defaults = usual_defaults(found.architecture, f"{title} {stem}")
    return ModelEntry(
        id=slug(name or stem),
        name=title[:80],
        kind=found.kind,
        path=str(path),
        architecture=found.architecture,
        native=found.native,
        prediction_type=found.prediction_type,
        inpaint_channels=found.inpaint_channels,
        latent_channels=found.latent_channels,
        zero_snr=found.zero_snr,
        variant=found.variant,
        size=found.size,
        note=str(said.get("note", ""))[:200],
        defaults=defaults,
    )


def _starter_entry(path: Path) -> Entries:
    """The starter model, or nothing while the package holds none that can be used."""
    if not (path / "model_index.json").is_file():
        return []
    try:
        entry = describe(path, inspect(path))
    except ScumbleError as error:
        log.warning("the starter model cannot be used: %s", error)
        return []
    name = "Scumble starter" if entry.name == path.name else entry.name
    return [replace(entry, id="starter", name=name, note=entry.note or STARTER_NOTE)]


def _with_config(entry: ModelEntry, config: Path) -> ModelEntry:
    """The entry of a single file whose sizes its own configurations give."""
    own = read_folder_configs(config, xl=entry.architecture == "sdxl")
    marked = entry.prediction_type != "epsilon"  # what the file itself says goes first
    return replace(
        entry,
        config=str(config),
        native=own.native,
        latent_channels=own.latent_channels,
        prediction_type=entry.prediction_type if marked else own.prediction_type,
        zero_snr=entry.zero_snr or own.zero_snr,
    )


def _as_of_now(entry: ModelEntry, digests: dict[str, Any]) -> ModelEntry:
    """The entry with the hash that still holds, and a note when its files are away."""
    path = Path(entry.path)
    with contextlib.suppress(OSError):  # another account's disk, a share that does not answer
        if path.exists():
            return replace(entry, sha256=digest.known(path, digests))
    return replace(entry, note="Its files are not there at the moment.")


def _digest(entry: ModelEntry, digests: dict[str, Any], report: digest.Report | None = None) -> str:
    try:
        return digest.compute(Path(entry.path), digests, report)
    except OSError as error:
        raise ScumbleError(
            ErrorCode.MODEL_MISSING,
            f"The files of “{entry.name}” cannot be read ({error.strerror or error}).",
            "Connect the disk they lie on, or add the model again.",
        ) from error


def _delete(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
