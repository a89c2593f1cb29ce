"""OpenRaster: what is written is what the specification asks for, and reads back the same."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import Size
from scumble.openraster import Document, Layer, merge, read, write

RNG = np.random.default_rng(5)


def picture(width: int, height: int, alpha: int | None = None) -> np.ndarray:
    pixels = RNG.integers(0, 256, (height, width, 4), dtype=np.uint8)
    if alpha is not None:
        pixels[..., 3] = alpha
    return pixels


def two_layers() -> Document:
    below = Layer("meadow.png", picture(300, 200, 255))
    above = Layer("a red barn (seed 7)", picture(40, 30), x=100, y=-10, text={"parameters": "ü 7"})
    return Document(Size(300, 200), (below, above), {"parameters": "the whole"})


def test_what_was_written_reads_back_the_same(tmp_path: Path) -> None:
    document = two_layers()
    write(tmp_path / "a.ora", document)
    again = read(tmp_path / "a.ora")
    assert again.size == document.size
    assert [layer.name for layer in again.layers] == ["meadow.png", "a red barn (seed 7)"]
    for before, after in zip(document.layers, again.layers, strict=True):
        assert (before.x, before.y, before.opacity) == (after.x, after.y, after.opacity)
        np.testing.assert_array_equal(before.pixels, after.pixels)
    assert again.layers[1].text["parameters"] == "ü 7"
    assert again.text["parameters"] == "the whole"


def test_the_type_stands_first_and_uncompressed_in_the_file(tmp_path: Path) -> None:
    write(tmp_path / "a.ora", two_layers())
    data = (tmp_path / "a.ora").read_bytes()
    assert data[30:54] == b"mimetypeimage/openraster"
    with zipfile.ZipFile(tmp_path / "a.ora") as archive:
        first = archive.infolist()[0]
        assert (first.filename, first.compress_type, first.extra) == ("mimetype", 0, b"")
        assert archive.testzip() is None


def test_the_topmost_layer_is_the_stack_s_first(tmp_path: Path) -> None:
    write(tmp_path / "a.ora", two_layers())
    with zipfile.ZipFile(tmp_path / "a.ora") as archive:
        root = ElementTree.fromstring(archive.read("stack.xml"))
        assert root.tag == "image"
        assert (root.get("w"), root.get("h")) == ("300", "200")
        layers = root.findall("stack/layer")
        assert [layer.get("name") for layer in layers] == ["a red barn (seed 7)", "meadow.png"]
        assert all(str(layer.get("src")) in archive.namelist() for layer in layers)


def test_merged_picture_and_thumbnail_are_inside(tmp_path: Path) -> None:
    document = two_layers()
    write(tmp_path / "a.ora", document)
    with zipfile.ZipFile(tmp_path / "a.ora") as archive:
        merged = Image.open(io.BytesIO(archive.read("mergedimage.png")))
        np.testing.assert_array_equal(np.asarray(merged), merge(document.size, document.layers))
        thumbnail = Image.open(io.BytesIO(archive.read("Thumbnails/thumbnail.png")))
        assert max(thumbnail.size) == 256


def test_where_the_upper_layer_is_transparent_the_lower_one_keeps_its_bytes() -> None:
    below, above = picture(64, 48), picture(64, 48)
    above[:, :40, 3] = 0
    above[:, 40:, 3] = 255
    merged = merge(Size(64, 48), [Layer("below", below), Layer("above", above)])
    np.testing.assert_array_equal(merged[:, :40], below[:, :40])
    np.testing.assert_array_equal(merged[:, 40:], above[:, 40:])


@pytest.mark.parametrize(("x", "y"), [(-5, -5), (60, 44), (3, -200), (200, 3)])
def test_a_layer_that_leaves_the_canvas_is_cut_at_its_edge(x: int, y: int) -> None:
    below, above = picture(64, 48, 255), picture(10, 10, 255)
    merged = merge(Size(64, 48), [Layer("below", below), Layer("above", above, x, y)])
    expected = below.copy()
    for row in range(10):
        for column in range(10):
            if 0 <= y + row < 48 and 0 <= x + column < 64:
                expected[y + row, x + column] = above[row, column]
    np.testing.assert_array_equal(merged, expected)


def test_opacity_scales_a_layer_s_alpha() -> None:
    white, black = picture(8, 8, 255), picture(8, 8, 255)
    white[..., :3], black[..., :3] = 255, 0
    merged = merge(Size(8, 8), [Layer("w", white), Layer("b", black, opacity=0.25)])
    assert abs(int(merged[0, 0, 0]) - 191) <= 1


def test_a_failed_write_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "a.ora"
    path.write_bytes(b"the old one")
    broken = Layer("no picture", np.zeros((4, 4, 7), np.uint8))
    with pytest.raises((TypeError, ValueError)):
        write(path, Document(Size(4, 4), (broken,)))
    assert path.read_bytes() == b"the old one"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"PK\3\4 no zip", None])
def test_what_is_no_openraster_is_refused_in_one_sentence(
    tmp_path: Path, content: bytes | None
) -> None:
    path = tmp_path / "a.ora"
    if content is None:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("mimetype", "application/epub+zip")
    else:
        path.write_bytes(content)
    with pytest.raises(ScumbleError) as caught:
        read(path)
    assert caught.value.code is ErrorCode.BAD_REQUEST
