"""The engine that the worker runs: a home's models, one of them in memory, drawing on request.

Importing this module is quick; torch and diffusers come in with `prepare`.
"""

from __future__ import annotations

import importlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scumble import metadata
from scumble.engine import samplers
from scumble.engine.base import Hooks, Picture
from scumble.engine.capabilities import capabilities
from scumble.link.errors import ErrorCode, ScumbleError, bad_request
from scumble.link.home import Home
from scumble.link.values import (
    Capabilities,
    GenerationRequest,
    Mode,
    WorkerState,
    WorkerStatus,
)
from scumble.models.entry import ModelEntry
from scumble.models.registry import Registry

if TYPE_CHECKING:
    from scumble.engine.devices import Device
    from scumble.engine.generation import Outcome
    from scumble.engine.memory import Ladder
    from scumble.engine.model import Model
    from scumble.imaging.remove import Close

HEAVY = ("torch", "diffusers", "transformers", "scumble.engine.generation")


@dataclass
class Loaded:
    """The model in memory, and the hash of its files, read while it draws.

    previews: the folder of the tiny decoder that was tried last.
    """

    model: Model
    ladder: Ladder
    seconds: float
    hash: Hash
    previews: Path | None = None


@dataclass
class Hash:
    """A model's sha256, computed on a thread of its own: gigabytes take seconds."""

    registry: Registry
    model_id: str
    _value: str = ""
    _thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._compute, name="model-hash", daemon=True)
        self._thread.start()

    def value(self) -> str:
        """Hex; "" when the files cannot be read."""
        self._thread.join()
        return self._value

    def _compute(self) -> None:
        try:
            self._value = self.registry.sha256(self.model_id)
        except (ScumbleError, OSError):
            self._value = ""


class DiffusionEngine:
    """Fulfils `engine.base.Engine`. Runs come one after the other, from one thread."""

    def __init__(self, home: Home, device: str | None = None) -> None:
        """device: cuda, cuda:1, mps, xpu or cpu; None: the best that is there."""
        self._registry = Registry(home)
        self._wanted = device
        self._device: Device | None = None
        self._loaded: Loaded | None = None
        self._eraser: tuple[ModelEntry, Close] | None = None

    def prepare(self) -> None:
        for name in HEAVY:
            importlib.import_module(name)
        # diffusers resolves its names when they are first asked for, which takes seconds
        diffusers: Any = importlib.import_module("diffusers")
        transformers: Any = importlib.import_module("transformers")
        for library in (diffusers, transformers):
            library.utils.logging.set_verbosity_error()
            library.utils.logging.disable_progress_bar()
        _ = diffusers.UNet2DConditionModel, diffusers.AutoencoderKL, transformers.CLIPTextModel
        self._choose()

    def capabilities(self) -> Capabilities:
        return capabilities(self._registry.list())

    def run(
        self, request: GenerationRequest, pixels: bytes, mask: bytes, hooks: Hooks
    ) -> Iterator[Picture]:
        if not request.needs_model:
            yield from self._removed(request, pixels, mask, hooks)
            return
        entry = self._registry.get(request.model)
        sampler = samplers.check(request.sampler, entry.prediction_type, entry.zero_snr)
        if request.steps < 1 or request.batch < 1:
            raise bad_request("There must be at least one step and one result.")
        if request.mode is not Mode.TEXT_TO_IMAGE and request.strength <= 0:
            yield from self._unchanged(request, entry, pixels, mask)
            return
        started = time.perf_counter()
        loaded = self._load(entry, hooks)
        load_seconds = time.perf_counter() - started
        self._look_for_previews(loaded)
        device = self._choose()
        hooks.status(WorkerStatus(WorkerState.RUNNING, entry.id, device.name))
        try:
            for outcome in self._outcomes(loaded, request, pixels, mask, hooks):
                picture = outcome.picture
                described = metadata.describe(
                    request,
                    replace(entry, sha256=loaded.hash.value()),
                    index=picture.index,
                    sampler_name=sampler.name,
                    working_size=outcome.working_size,
                    steps_run=outcome.steps_run,
                    loras=[metadata.Lora(lora.name, lora.weight) for lora in outcome.loras],
                    timings={"load": load_seconds, **outcome.seconds},
                    device=device.name,
                    dtype=device.dtype,
                    note=outcome.note,
                )
                load_seconds = 0.0
                yield replace(picture, metadata=described)
        except ScumbleError as error:
            if error.code is ErrorCode.OUT_OF_MEMORY:
                self.unload()
                told = WorkerStatus(
                    WorkerState.OUT_OF_MEMORY, "", device.name, message=error.info.message
                )
                hooks.status(told)
            raise

    def unload(self) -> None:
        self._eraser = None
        if self._loaded is None:
            return
        self._loaded = None
        importlib.import_module("scumble.engine.memory").free_unused()

    def _choose(self) -> Device:
        if self._device is None:
            self._device = importlib.import_module("scumble.engine.devices").choose(self._wanted)
        return self._device

    def _load(self, entry: ModelEntry, hooks: Hooks) -> Loaded:
        if self._loaded is not None and _same(self._loaded.model.entry, entry):
            return self._loaded
        self.unload()
        device = self._choose()
        hooks.status(WorkerStatus(WorkerState.LOADING, entry.id, device.name))
        self.prepare()
        from scumble.engine import loading, memory

        start = time.perf_counter()
        try:
            model = loading.load(entry, device)
        except (MemoryError, RuntimeError) as error:
            if memory.is_out_of_memory(error):
                raise memory.out_of_memory() from error
            raise
        seconds = time.perf_counter() - start
        self._loaded = Loaded(model, memory.Ladder(model), seconds, Hash(self._registry, entry.id))
        return self._loaded

    def _look_for_previews(self, loaded: Loaded) -> None:
        """Take up a tiny decoder that was fetched since the model was loaded."""
        from scumble.engine import loading

        folder = self._registry.preview_decoder(loaded.model.entry.architecture)
        if folder != loaded.previews:
            loaded.previews = folder
            found = None if folder is None else loading.load_tiny_decoder(folder, loaded.model)
            loaded.model.tiny_decoder = found

    def _outcomes(
        self,
        loaded: Loaded,
        request: GenerationRequest,
        pixels: bytes,
        mask: bytes,
        hooks: Hooks,
    ) -> Iterator[Outcome]:
        from scumble.engine.generation import generate

        loras = self._registry.models_dir / "loras"
        return generate(loaded.model, loaded.ladder, request, pixels, mask, loras, hooks)

    def _removed(
        self, request: GenerationRequest, pixels: bytes, mask: bytes, hooks: Hooks
    ) -> Iterator[Picture]:
        """No model takes part but LaMa or MAT where one is there and can be loaded.

        The model in memory stays there.
        """
        from scumble.engine import removing

        kept = "" if self._loaded is None else self._loaded.model.entry.id
        entry, note = self._registry.eraser(), ""
        if entry is not None:
            device = self._choose()
            try:
                close = self._load_eraser(entry, device, hooks, kept)
            except ScumbleError as error:
                note = removing.without(error)
            else:
                hooks.status(WorkerStatus(WorkerState.RUNNING, kept, device.name))
                yield from removing.removed(request, pixels, mask, hooks, close, entry, device.name)
                return
        hooks.status(WorkerStatus(WorkerState.RUNNING, kept, removing.DEVICE))
        yield from removing.removed(request, pixels, mask, hooks, note=note)

    def _load_eraser(self, entry: ModelEntry, device: Device, hooks: Hooks, kept: str) -> Close:
        """kept: the id of the model in memory. Raises ScumbleError as `eraser.load` does."""
        if self._eraser is None or not _same(self._eraser[0], entry):
            from scumble.engine import eraser

            hooks.status(WorkerStatus(WorkerState.LOADING, kept, device.name))
            self._eraser = entry, eraser.load(entry, device.place)
        return self._eraser[1]

    def _unchanged(
        self, request: GenerationRequest, entry: ModelEntry, pixels: bytes, mask: bytes
    ) -> Iterator[Picture]:
        """Strength 0 keeps everything: the input's own bytes, under the fill's alpha."""
        from scumble.engine.unchanged import unchanged

        layer = unchanged(request, entry.native, pixels, mask)
        for index in range(request.batch):
            described = metadata.describe(request, entry, index=index, steps_run=0)
            yield Picture(index, request.region, layer, described)


def _same(one: ModelEntry, other: ModelEntry) -> bool:
    """Whether both name the same weights; words and hashes may have changed."""
    return (one.id, one.path, one.size) == (other.id, other.path, other.size)
