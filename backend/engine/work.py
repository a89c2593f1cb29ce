"""A request as the model sees it, and the way back from the model's picture to the layer."""

from __future__ import annotations

from dataclasses import dataclass

from scumble.engine.model import Model
from scumble.engine.start import Canvas
from scumble.imaging.composite import finish_image, finish_inpaint
from scumble.imaging.crop import Prepared, prepare_image, prepare_inpaint
from scumble.imaging.pixels import Bytes8
from scumble.imaging.window import Window, fit
from scumble.link.geometry import working_size
from scumble.link.values import GenerationRequest, Mode, Region, Size


@dataclass(frozen=True)
class Work:
    """canvas: the working picture; window: how the request's region lies in it.

    prepared: of an inpaint, else None.
    """

    request: GenerationRequest
    canvas: Canvas
    window: Window
    prepared: Prepared | None

    def finish(self, generated: Bytes8) -> tuple[Region, bytes]:
        """The layer for generated, uint8 (h, w, 3) at working size: rectangle and RGBA8 bytes."""
        if self.prepared is not None:
            return finish_inpaint(self.request, self.prepared, generated)
        return self.request.region, finish_image(self.request, generated)


def prepare(request: GenerationRequest, pixels: bytes, mask: bytes, model: Model) -> Work:
    """Raises ScumbleError bad_request for pixels or mask that do not fit the request."""
    if request.mode is Mode.INPAINT:
        prepared = prepare_inpaint(request, pixels, mask, model.native, model.scale)
        canvas = Canvas(_size(prepared.image), prepared.image, prepared.change)
        return Work(request, canvas, prepared.window, prepared)
    if request.mode is Mode.IMAGE_TO_IMAGE:
        image = prepare_image(request, pixels, model.native, model.scale)
        canvas = Canvas(_size(image), image)
    else:
        canvas = Canvas(working_size(request.region.size, model.native, model.scale))
    return Work(request, canvas, fit(request.region.size, canvas.size), None)


def _size(image: Bytes8) -> Size:
    return Size(image.shape[1], image.shape[0])
