"""Files of all kinds as the canvas sees them: upright, 8-bit, sRGB, masks with soft edges."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from scumble.cli.canvas import FileCanvas
from scumble.cli.picture import bounds, load_mask, load_picture, rectangle_mask
from scumble.link.canvas import PasteOutcome
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.values import Region, Result, Size
from scumble.openraster import Document, Layer, write

RNG = np.random.default_rng(2)


def saved(folder: Path, image: Image.Image, name: str = "a.png", **options: object) -> Path:
    image.save(folder / name, **options)
    return folder / name


def test_rgba_comes_byte_for_byte(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    picture = load_picture(saved(tmp_path, Image.fromarray(pixels)))
    np.testing.assert_array_equal(picture.merged, pixels)
    assert (picture.size, picture.opaque) == (Size(30, 20), False)


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "CMYK"])
def test_every_mode_becomes_rgba_and_stays_opaque(tmp_path: Path, mode: str) -> None:
    name = "a.tif" if mode == "CMYK" else "a.png"
    source = Image.new("RGB", (6, 4), (255, 255, 255)).convert(mode)
    picture = load_picture(saved(tmp_path, source, name))
    assert picture.opaque
    assert (picture.merged == 255).all()


def test_16_bit_grey_keeps_its_levels(tmp_path: Path) -> None:
    levels = np.array([[0, 128 * 257, 65535]], np.uint16)
    picture = load_picture(saved(tmp_path, Image.fromarray(levels)))
    assert picture.merged[0, :, 0].tolist() == [0, 128, 255]


def test_a_colour_profile_is_converted_to_srgb(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    lab = Image.new("LAB", (2, 2), (255, 128, 128))
    path = saved(tmp_path, lab, "a.tif", icc_profile=profile)
    assert (load_picture(path).merged[..., :3] >= 250).all(), "L*=100 is white"


def test_a_photograph_that_lies_on_its_side_is_put_upright(tmp_path: Path) -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees to see it upright
    picture = load_picture(saved(tmp_path, image, "a.png", exif=exif))
    assert picture.size == Size(20, 40)
    assert picture.merged[2, 10, 0] == 0


def test_an_openraster_keeps_its_layers(tmp_path: Path) -> None:
    below = Layer("below", RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8))
    above = Layer("above", RNG.integers(0, 256, (5, 5, 4), dtype=np.uint8), 3, 4)
    write(tmp_path / "a.ora", Document(Size(30, 20), (below, above)))
    picture = load_picture(tmp_path / "a.ora")
    assert [layer.name for layer in picture.layers] == ["below", "above"]


def test_a_mask_keeps_its_grey_values(tmp_path: Path) -> None:
    grey = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
    mask = load_mask(saved(tmp_path, Image.fromarray(grey)), Size(30, 20))
    np.testing.assert_array_equal(mask, grey)


def test_where_a_mask_is_transparent_nothing_is_selected(tmp_path: Path) -> None:
    rgba = np.full((4, 4, 4), 255, np.uint8)
    rgba[:2, :, 3] = 0
    rgba[3, :, 3] = 100
    mask = load_mask(saved(tmp_path, Image.fromarray(rgba)), Size(4, 4))
    assert mask[:, 0].tolist() == [0, 0, 255, 100]


def test_bounds_hold_everything_selected() -> None:
    mask = np.zeros((20, 30), np.uint8)
    assert bounds(mask) is None
    mask[4, 7] = 1
    assert bounds(mask) == Region(7, 4, 1, 1)
    mask[15, 2] = 1
    assert bounds(mask) == Region(2, 4, 6, 12)


@pytest.mark.parametrize(
    ("region", "selected"),
    [
        (Region(-5, -5, 10, 10), Region(0, 0, 5, 5)),
        (Region(25, 15, 99, 99), Region(25, 15, 5, 5)),
        (Region(-9, 0, 5, 5), None),
        (Region(0, 0, 30, 20), Region(0, 0, 30, 20)),
    ],
)
def test_a_rectangle_is_cut_at_the_canvas(region: Region, selected: Region | None) -> None:
    assert bounds(rectangle_mask(region, Size(30, 20))) == selected


def test_a_picture_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(RNG.integers(0, 256, (90, 90, 3), dtype=np.uint8)))
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(ScumbleError) as caught:
        load_picture(path)
    assert caught.value.code is ErrorCode.BAD_REQUEST


def test_a_result_is_pasted_once_and_only_into_its_own_document(tmp_path: Path) -> None:
    picture = load_picture(saved(tmp_path, Image.new("RGB", (8, 8))))
    canvas = FileCanvas("mine", picture)
    result = Result("job", 0, Region(2, 2, 2, 2), "blob")
    pixels = bytes([255, 0, 0, 255]) * 4
    assert canvas.paste("another", result, pixels, "x") is PasteOutcome.CLOSED
    assert canvas.paste("mine", result, pixels, "x") is PasteOutcome.PASTED
    assert canvas.paste("mine", result, pixels, "x") is PasteOutcome.ALREADY_THERE
    assert len(canvas.as_document().layers) == 2


def test_a_snapshot_is_the_part_that_was_asked_for(tmp_path: Path) -> None:
    pixels = RNG.integers(0, 256, (20, 30, 4), dtype=np.uint8)
    picture = load_picture(saved(tmp_path, Image.fromarray(pixels)))
    mask = RNG.integers(0, 256, (20, 30), dtype=np.uint8)
    taken = FileCanvas("mine", picture, mask).snapshot(Region(3, 5, 10, 7), True)
    assert taken.pixels == pixels[5:12, 3:13].tobytes()
    assert taken.mask == mask[5:12, 3:13].tobytes()
