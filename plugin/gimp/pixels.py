"""Reading pixels of a GIMP image: what is to be seen in a rectangle, and what is selected there.

GEGL is asked for 8-bit sRGB, into which it converts from any precision and profile.
"""

from __future__ import annotations

from gi.repository import Gegl, Gimp

from .link.errors import ErrorCode, ScumbleError
from .link.values import Region, Size

PIXELS = "R'G'B'A u8"  # babl: perceptual sRGB, straight alpha
_MASK = "Y u8"
_ALPHA = "A u8"
_POINTS = 4  # a side of the grid that is looked at; each point takes GIMP two calls
_SELECTED = 128  # of 255
_CLEAR = 8 / 255  # alpha below which canvas counts as empty
_MOST_READ = 1024 * 1024  # pixels of a layer that are read within some 20 ms
_THUMBNAIL = 256  # pixels, the longer side; 5 ms
_MOST_LAYERS = 20  # each costs a few calls; from here on GIMP's own composite is faster


def visible_pixels(image: Gimp.Image, region: Region) -> bytes:
    """The layers' composite in `region`, RGBA8: region.width * region.height * 4 bytes.

    GIMP can only be asked for the composite of a whole image, which takes it
    0.1 to 0.3 s for 4000×3000 in floating point. So the layers, whose copies
    share their tiles with them, are moved into a small image of the region.
    (The grain of a Dissolve layer depends on the place and comes out another.)
    """
    layers = [layer for layer in image.get_layers() if layer.get_visible()]
    if len(layers) > _MOST_LAYERS:
        return _composite(image, region)
    small = Gimp.Image.new_with_precision(
        region.width, region.height, image.get_base_type(), image.get_precision()
    )
    try:
        small.undo_disable()
        small.set_color_profile(image.get_effective_color_profile())
        for position, layer in enumerate(layers):
            copy = Gimp.Layer.new_from_drawable(layer, small)
            small.insert_layer(copy, None, position)
        # moves all of them, also those whose position the artist has locked
        small.resize(region.width, region.height, -region.x, -region.y)
        return _composite(small, Region(0, 0, region.width, region.height))
    finally:
        small.delete()


def selection_mask(image: Gimp.Image, region: Region) -> bytes:
    """How much each pixel of `region` is selected: region.width * region.height bytes."""
    return _read(image.get_selection().get_buffer(), region, _MASK, 1)


def painted(layer: Gimp.Layer) -> Region:
    """The smallest rectangle of the image that holds all that is not transparent on the layer.

    A large layer takes up to half a second to read. So GIMP's own thumbnail
    tells of one, by up to two of its pixels a side too large.
    """
    size = Size(layer.get_width(), layer.get_height())
    _, left, top = layer.get_offsets()
    if not layer.has_alpha():
        return Region(left, top, size.width, size.height)
    if size.pixels <= _MOST_READ:
        alpha = _read(layer.get_buffer(), Region(0, 0, size.width, size.height), _ALPHA, 1)
        seen, margin = size, 0
    else:
        data, width, height, stride = layer.get_thumbnail_data(_THUMBNAIL, _THUMBNAIL)
        # of several bytes the last is the highest: what is less than it can tell is not seen
        alpha = bytes(data.get_data())[stride - 1 :: stride]
        seen, margin = Size(width, height), 1
    found = _not_zero(alpha, seen)
    if found.empty:
        return Region(left, top, 0, 0)
    x = max(found.x - margin, 0) * size.width // seen.width
    y = max(found.y - margin, 0) * size.height // seen.height
    right = -(-min(found.right + margin, seen.width) * size.width // seen.width)
    bottom = -(-min(found.bottom + margin, seen.height) * size.height // seen.height)
    return Region(left + x, top + y, right - x, bottom - y)


def _not_zero(data: bytes, size: Size) -> Region:
    """The smallest rectangle that holds all bytes that are not 0."""
    width = size.width
    above = (len(data) - len(data.lstrip(b"\0"))) // width
    below = len(data.rstrip(b"\0"))
    if not below:
        return Region(0, 0, 0, 0)
    rows = [data[at : at + width] for at in range(above * width, below, width)]
    first = min(width - len(row.lstrip(b"\0")) for row in rows)
    last = max(len(row.rstrip(b"\0")) for row in rows)
    return Region(first, above, last - first, len(rows))


def mostly_empty(image: Gimp.Image, selection: Region) -> bool:
    """Whether most of what is selected is empty canvas, by a look at a few points.

    selection: its bounds.
    """
    buffer = image.get_selection().get_buffer()
    selected = empty = 0
    for row in range(_POINTS):
        for column in range(_POINTS):
            x = selection.x + (2 * column + 1) * selection.width // (2 * _POINTS)
            y = selection.y + (2 * row + 1) * selection.height // (2 * _POINTS)
            if _read(buffer, Region(x, y, 1, 1), _MASK, 1)[0] >= _SELECTED:
                selected += 1
                empty += _alpha(image, x, y) < _CLEAR
    return bool(selected) and 2 * empty >= selected


def _alpha(image: Gimp.Image, x: int, y: int) -> float:
    """Of the layers' composite, 0 … 1."""
    found, colour = image.pick_color(image.get_layers(), x, y, True, False, 0)
    return colour.get_rgba()[3] if found else 0.0


def _composite(image: Gimp.Image, region: Region) -> bytes:
    visible = Gimp.Layer.new_from_visible(image, image, "visible")
    try:
        return _read(visible.get_buffer(), region, PIXELS, 4)
    finally:
        visible.delete()


def _read(buffer: Gegl.Buffer, region: Region, form: str, channels: int) -> bytes:
    rectangle = Gegl.Rectangle.new(region.x, region.y, region.width, region.height)
    data = bytes(buffer.get(rectangle, 1.0, form, Gegl.AbyssPolicy.NONE))
    if len(data) != region.width * region.height * channels:
        raise ScumbleError(ErrorCode.INTERNAL, "GIMP gave fewer pixels than were asked for.")
    return data
