"""GIMP's images as a `session.Canvas`: what is read, what is pasted.

Every call here goes to GIMP's procedural database and so belongs to the
plug-in's main thread.
"""

from __future__ import annotations

import json
import uuid
from typing import Dict, List, Optional

from gi.repository import Gegl, Gimp

from .link.canvas import PasteOutcome
from .link.errors import ErrorCode, ErrorInfo, ScumbleError
from .link.geometry import onto
from .link.values import Region, Result, Size, Snapshot
from .pixels import PIXELS, mostly_empty, painted, selection_mask, visible_pixels

IDENTITY = "scumble-document"  # parasite: the image's own name, travels in the XCF
PASTED = "scumble-pasted"  # parasite: the results that this image has got
PERSISTENT = 1  # GIMP_PARASITE_PERSISTENT: saved with the image, no undo step

# which image each name was given to: a duplicate carries its original's parasites
_named: Dict[str, int] = {}


class GimpCanvas:
    """The canvas of one image. use_selection False: the selection is not looked at."""

    def __init__(self, image: Gimp.Image, use_selection: bool = True) -> None:
        self.image = image
        self.use_selection = use_selection

    def document(self) -> Optional[str]:
        """The image's lasting name; None when it is closed."""
        return identity(self.image) if self.image.is_valid() else None

    def size(self) -> Size:
        return _size(self._open_image())

    def selection(self) -> Optional[Region]:
        """The selection's bounds on the canvas; None: nothing is selected."""
        image = self._open_image()
        if not self.use_selection:
            return None
        found, selected, x1, y1, x2, y2 = Gimp.Selection.bounds(image)
        if not found or not selected:
            return None
        return Region(x1, y1, x2 - x1, y2 - y1)

    def snapshot(self, region: Region, with_mask: bool) -> Snapshot:
        """The visible pixels of `region` in sRGB, and the selection over it.

        Raises ScumbleError (unsupported) for an indexed image.
        """
        image = self._open_image()
        refused = refusal(image)
        if refused is not None:
            raise ScumbleError.from_info(refused)
        pixels = visible_pixels(image, region)
        mask = selection_mask(image, region) if with_mask else None
        return Snapshot(self.size(), region, pixels, mask)

    def layer_bounds(self, name: str) -> Optional[Region]:
        """What is painted on the layer, not how large it is."""
        layer = next(
            (each for each in _layers(self._open_image()) if each.get_name() == name), None
        )
        return None if layer is None else painted(layer)

    def layer_names(self) -> List[str]:
        image = self._open_image()
        names = [layer.get_name() for layer in _layers(image)]
        for layer in image.get_selected_layers()[:1]:
            names.insert(0, names.pop(names.index(layer.get_name())))
        return names

    def mostly_empty(self, selection: Region) -> bool:
        return mostly_empty(self._open_image(), selection)

    def selected(self, line: Region) -> bytes:
        return selection_mask(self._open_image(), line)

    def paste(
        self,
        document: str,
        result: Result,
        pixels: bytes,
        name: str,
        canvas: Optional[Size] = None,
    ) -> PasteOutcome:
        """Put the result above the active layer of the image it was asked from, in one undo step.

        pixels: RGBA8, result.region.width * height * 4 bytes; raises
        ScumbleError (internal) when they are not, since GEGL would only warn.
        An image that is indexed by now is refused (unsupported): it would
        leave the layer with the few colours of its palette.
        """
        image = find(document)
        if image is None:
            return PasteOutcome.CLOSED
        marker = "%s/%d" % (result.job_id, result.index)
        pasted = _pasted(image)
        if marker in pasted:
            return PasteOutcome.ALREADY_THERE
        size = _size(image)
        if canvas not in (None, size):
            return PasteOutcome.RESIZED
        refused = refusal(image)
        if refused is not None:
            raise ScumbleError.from_info(refused)
        width, height = result.region.width, result.region.height
        if len(pixels) != width * height * 4:
            raise ScumbleError(ErrorCode.INTERNAL, "The result's pixels are not of its size.")
        grey = image.get_base_type() == Gimp.ImageBaseType.GRAY
        kind = Gimp.ImageType.GRAYA_IMAGE if grey else Gimp.ImageType.RGBA_IMAGE
        image.undo_group_start()
        try:
            layer = Gimp.Layer.new(image, name, width, height, kind, 100.0, Gimp.LayerMode.NORMAL)
            buffer = layer.get_buffer()
            buffer.set(Gegl.Rectangle.new(0, 0, width, height), PIXELS, pixels)
            buffer.flush()
            layer.update(0, 0, width, height)
            layer.attach_parasite(_parasite("scumble-metadata", result.metadata))
            parent, position = _above_active(image)
            # before it is inserted: in a group whose position is locked it cannot be moved
            place = onto(result.region, size)
            layer.set_offsets(place.x, place.y)
            if not image.insert_layer(layer, parent, position):
                raise ScumbleError(ErrorCode.INTERNAL, "GIMP did not take the new layer.")
        finally:
            image.undo_group_end()
        image.attach_parasite(_parasite(PASTED, [*pasted, marker][-200:]))
        Gimp.displays_flush()
        return PasteOutcome.PASTED

    def _open_image(self) -> Gimp.Image:
        if not self.image.is_valid():
            raise ScumbleError(ErrorCode.BAD_REQUEST, "No image is open.", "Open one first.")
        return self.image


def refusal(image: Gimp.Image) -> Optional[ErrorInfo]:
    """Why nothing can be drawn into this image; None when it can."""
    if image.get_base_type() != Gimp.ImageBaseType.INDEXED:
        return None
    return ErrorInfo(
        ErrorCode.UNSUPPORTED,
        "An indexed image has too few colours to paint in.",
        "Convert it with Image > Mode > RGB.",
    )


def identity(image: Gimp.Image) -> str:
    """The image's lasting name, given to it on the first call and saved with it."""
    name = _name_in(image)
    if not name or _owner(name) not in (None, image.get_id()):
        name = uuid.uuid4().hex
        image.attach_parasite(Gimp.Parasite.new(IDENTITY, PERSISTENT, name.encode("ascii")))
    _named[name] = image.get_id()
    return name


def find(document: str) -> Optional[Gimp.Image]:
    """The open image of that name, or None."""
    owner = _owner(document)
    if owner is not None:
        return Gimp.Image.get_by_id(owner)
    return next((image for image in Gimp.get_images() if _name_in(image) == document), None)


def _owner(name: str) -> Optional[int]:
    """The id of the open image that this process gave the name to, or None."""
    known = _named.get(name)
    return known if known is not None and Gimp.Image.id_is_valid(known) else None


def _name_in(image: Gimp.Image) -> str:
    parasite = image.get_parasite(IDENTITY)
    return bytes(parasite.get_data()).decode("ascii", "replace") if parasite is not None else ""


def _size(image: Gimp.Image) -> Size:
    return Size(image.get_width(), image.get_height())


def _layers(image: Gimp.Image) -> List[Gimp.Layer]:
    """All of them, those in groups too, from the top down."""
    found: List[Gimp.Layer] = []
    waiting = list(image.get_layers())
    while waiting:
        layer = waiting.pop(0)
        found.append(layer)
        if layer.is_group():
            waiting = list(layer.get_children()) + waiting
    return found


def _above_active(image: Gimp.Image) -> "tuple":
    """(parent group or None, position) right above the selected layer, else on top."""
    selected = image.get_selected_layers()
    if not selected:
        return None, 0
    layer = selected[0]
    return layer.get_parent(), image.get_item_position(layer)


def _parasite(name: str, value: object) -> Gimp.Parasite:
    return Gimp.Parasite.new(name, PERSISTENT, json.dumps(value).encode("utf-8"))


def _pasted(image: Gimp.Image) -> List[str]:
    parasite = image.get_parasite(PASTED)
    if parasite is None:
        return []
    try:
        return [str(item) for item in json.loads(bytes(parasite.get_data()))]
    except ValueError:
        return []
