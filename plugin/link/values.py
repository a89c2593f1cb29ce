"""The frozen value types that travel between editor, daemon and worker.

Pixels are 8-bit sRGB with straight alpha, rows from top to bottom without
padding, R G B A; masks are one byte a pixel, 0 outside and 255 inside the
selection. Coordinates are canvas pixels, x to the right and y down. Pixels and
masks are not fields: they travel as binary blobs beside these values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Dict, Optional, Tuple

from .encoding import NEWER
from .errors import ErrorInfo

MAX_SIDE = 16384  # pixels; a side of canvas or region
MAX_PIXELS = 128 * 1024 * 1024  # pixels of one snapshot or result
MAX_STEPS = 200
MAX_BATCH = 16
MAX_GUIDANCE = 50.0
MAX_SEED = 2**32 - 1
MAX_PROMPT = 8192  # characters; a header holds at most 64 KiB


@dataclass(frozen=True)
class Size:
    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True)
class Region:
    """A rectangle; x and y may lie outside the canvas, width and height are at least 0."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column to the right of the region."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the region."""
        return self.y + self.height

    @property
    def size(self) -> Size:
        return Size(self.width, self.height)

    @property
    def empty(self) -> bool:
        return self.width <= 0 or self.height <= 0


@dataclass(frozen=True)
class Snapshot:
    """The visible pixels of `region` at one moment, and the selection over the same rectangle.

    `pixels` holds region.width * region.height * 4 bytes, `mask` (None: nothing
    is selected) region.width * region.height bytes.
    """

    canvas: Size
    region: Region
    pixels: bytes
    mask: Optional[bytes] = None


class Mode(str, Enum):
    TEXT_TO_IMAGE = "text_to_image"
    IMAGE_TO_IMAGE = "image_to_image"
    INPAINT = "inpaint"


class Intent(str, Enum):
    """What the artist means by an inpaint; the backend's intents.py says what each one does.

    In all of them what is selected changes and the rest keeps its bytes; to
    replace the background, the background is selected.
    """

    FILL = "fill"
    EXPAND = "expand"
    ADD = "add"
    REMOVE = "remove"
    REPLACE_BACKGROUND = "replace_background"


class Prefill(str, Enum):
    """What stands inside the mask before the first denoising step."""

    AUTO = "auto"
    NONE = "none"
    NEUTRAL = "neutral"
    BLUR = "blur"
    BORDER = "border"
    NOISE = "noise"


@dataclass(frozen=True)
class MaskSettings:
    """How the selection becomes the model's mask and the layer's alpha, in canvas pixels.

    `grow`: how far beyond the selection the model repaints, so that what it
    draws runs on under the edge. `feather`: over what width, inward from the
    selection's edge, the layer's alpha rises from 0; the selection's own grey
    values are kept. `blend`: over what width, inward from the grown mask's
    edge, the model goes over from keeping to repainting. Where the selection
    is 0 the layer's alpha is 0, always. None: a default that scales with the
    selection.
    """

    grow: Optional[float] = None
    feather: Optional[float] = None
    blend: Optional[float] = None


@dataclass(frozen=True)
class GenerationRequest:
    """All that decides a result, but the pixels.

    region: the context, the rectangle that pixels and mask cover; for text to
    image the rectangle to fill. steps: asked for at full strength, 1…200.
    guidance_scale: classifier-free guidance, 1 (off) … 50. strength: 0 (keep)
    … 1 (redraw). seed: of the first result; result i uses seed + i. batch: how
    many results. document: the editor's own name for where it was asked from,
    opaque to the backend. focus: the prompt holds inside the mask only.
    gradient_domain: what is left of a difference at the selection's edge is
    spread over the fill.
    model, sampler: "" where none is needed (`needs_model`).
    """

    id: str
    mode: Mode
    prompt: str
    negative_prompt: str
    model: str
    sampler: str
    steps: int
    guidance_scale: float
    strength: float
    seed: int
    batch: int
    canvas: Size
    region: Region
    document: str = ""
    intent: Intent = Intent.FILL
    prefill: Prefill = Prefill.AUTO
    mask: MaskSettings = MaskSettings()
    colour_match: bool = True
    focus: bool = False
    gradient_domain: bool = field(default=False, metadata=NEWER)

    @property
    def needs_model(self) -> bool:
        """Whether a model has to be named: what is removed is filled from its surroundings."""
        return not (self.mode is Mode.INPAINT and self.intent is Intent.REMOVE)


class JobState(str, Enum):
    QUEUED = "queued"
    LOADING = "loading"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Job:
    """A request on its way. attempt counts from 1; error is set when state is failed.

    results: how many finished pictures lie in the store; unacknowledged: the
    indices of those that no editor has pasted yet.
    """

    id: str
    client_id: str
    state: JobState
    attempt: int = 1
    error: Optional[ErrorInfo] = None
    prompt: str = ""
    document: str = ""
    results: int = 0
    unacknowledged: Tuple[int, ...] = ()


@dataclass(frozen=True)
class Result:
    """One finished picture: RGBA8 of `region`, its bytes in the store under `blob`.

    metadata: JSON values; everything that made it (see the backend's metadata.py).
    """

    job_id: str
    index: int
    region: Region
    blob: str
    metadata: Dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Progress:
    """How far a running job is. Newest wins; seq rises with each.

    step runs from 0 to steps over the whole job (all results of the batch and
    all passes). seconds_left: None until it is known. preview: size of the
    RGB8 picture in the message's only blob (None: no preview with this one).
    """

    job_id: str
    seq: int
    step: int
    steps: int
    seconds_left: Optional[float] = None
    preview: Optional[Size] = None
    preview_region: Optional[Region] = None


class WorkerState(str, Enum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    LOADING = "loading"
    RUNNING = "running"
    OUT_OF_MEMORY = "out_of_memory"
    FAILED = "failed"


@dataclass(frozen=True)
class WorkerStatus:
    """What the worker does now. model: the one in memory; device: cpu, cuda, mps, xpu."""

    state: WorkerState
    model: str = ""
    device: str = ""
    message: str = ""


@dataclass(frozen=True)
class SamplerInfo:
    id: str
    name: str


@dataclass(frozen=True)
class ModelInfo:
    """One registered model, as the docker shows it.

    native: the side in pixels that the model was trained at. modes: what it
    can do. samplers: ids it can use; others are greyed. steps, guidance_scale,
    sampler: the model's own defaults.
    """

    id: str
    name: str
    architecture: str
    native: int
    modes: Tuple[Mode, ...]
    samplers: Tuple[str, ...]
    sampler: str
    steps: int
    guidance_scale: float
    note: str = ""


@dataclass(frozen=True)
class Capabilities:
    """What the backend offers: models (the first is the default) and samplers."""

    models: Tuple[ModelInfo, ...]
    samplers: Tuple[SamplerInfo, ...]
    version: str = ""
