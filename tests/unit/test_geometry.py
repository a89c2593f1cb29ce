"""Which rectangle is read round a selection, and at what size the model works on it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble.link import geometry
from scumble.link.errors import ErrorCode, ScumbleError
from scumble.link.geometry import Context, context_region, working_size
from scumble.link.values import Region, Size

NAMED = (Context.TIGHT, Context.AUTO, Context.WIDE)
CANVASES = (Size(2000, 2000), Size(4000, 3000), Size(8000, 6000))

regions = st.builds(
    Region,
    st.integers(-300, 300),
    st.integers(-300, 300),
    st.integers(0, 300),
    st.integers(0, 300),
)
sizes = st.builds(Size, st.integers(1, 9000), st.integers(1, 9000))


@st.composite
def selections(draw: st.DrawFn) -> tuple[Region, Size]:
    """A canvas and a selection of at least one pixel within it."""
    canvas = draw(sizes)
    x, y = draw(st.integers(0, canvas.width - 1)), draw(st.integers(0, canvas.height - 1))
    return (
        Region(
            x,
            y,
            draw(st.integers(1, canvas.width - x)),
            draw(st.integers(1, canvas.height - y)),
        ),
        canvas,
    )


def middle(side: int, canvas: Size, height: int = 0) -> Region:
    height = height or side
    return Region((canvas.width - side) // 2, (canvas.height - height) // 2, side, height)


def share(selection: Region, context: Region) -> float:
    return max(selection.width, selection.height) / max(context.width, context.height)


def surroundings(selection: Region, context: Region) -> tuple[int, int, int, int]:
    return (
        selection.x - context.x,
        selection.y - context.y,
        context.right - selection.right,
        context.bottom - selection.bottom,
    )


# rectangles


@given(regions, st.integers(1, 70))
def test_align_gives_the_smallest_region_on_the_grid_that_holds_it(region: Region, n: int) -> None:
    aligned = geometry.align(region, n)
    assert [v % n for v in (aligned.x, aligned.y, aligned.right, aligned.bottom)] == [0] * 4
    assert geometry.contains(aligned, region)
    assert region.x - aligned.x < n
    assert region.y - aligned.y < n
    assert aligned.right - region.right < n
    assert aligned.bottom - region.bottom < n


@pytest.mark.parametrize(
    ("region", "pixels", "padded"),
    [
        (Region(10, 20, 5, 6), 3, Region(7, 17, 11, 12)),
        (Region(0, 0, 5, 6), 0, Region(0, 0, 5, 6)),
        (Region(0, 0, 9, 8), -2, Region(2, 2, 5, 4)),
        (Region(4, 4, 2, 2), -5, Region(5, 5, 0, 0)),
    ],
)
def test_pad_grows_or_shrinks_every_side(region: Region, pixels: int, padded: Region) -> None:
    assert geometry.pad(region, pixels) == padded


@given(regions, regions)
def test_intersection_and_union_hold_what_both_and_either_cover(a: Region, b: Region) -> None:
    both, either = geometry.intersect(a, b), geometry.union(a, b)
    for region in (a, b):
        assert region.empty or geometry.contains(either, region)
        assert both.empty or geometry.contains(region, both)
    assert both == geometry.intersect(b, a)
    if not a.empty and not b.empty:
        assert either == geometry.union(b, a)
        assert either.x == min(a.x, b.x)
        assert either.bottom == max(a.bottom, b.bottom)


@given(regions, regions)
def test_a_pixel_is_in_the_intersection_exactly_when_it_is_in_both(a: Region, b: Region) -> None:
    both = geometry.intersect(a, b)
    for x, y in product((a.x, a.right - 1, b.x, b.right - 1), (a.y, a.bottom - 1, b.y)):
        pixel = Region(x, y, 1, 1)
        in_both = geometry.contains(a, pixel) and geometry.contains(b, pixel)
        assert geometry.contains(both, pixel) == in_both


def test_an_empty_region_adds_nothing_to_a_union() -> None:
    region = Region(5, 6, 7, 8)
    assert geometry.union(region, Region(900, 900, 0, 4)) == region
    assert geometry.union(Region(900, 900, 4, 0), region) == region


def test_clamp_keeps_what_lies_on_the_canvas() -> None:
    canvas = Size(100, 50)
    assert geometry.clamp(Region(-10, -10, 30, 30), canvas) == Region(0, 0, 20, 20)
    assert geometry.clamp(Region(90, 40, 30, 30), canvas) == Region(90, 40, 10, 10)
    assert geometry.clamp(Region(100, 0, 5, 5), canvas).empty


@given(selections())
def test_a_region_on_the_canvas_is_not_moved_onto_it(case: tuple[Region, Size]) -> None:
    region, canvas = case
    assert geometry.onto(region, canvas) == region


@given(regions, sizes)
def test_a_region_that_is_moved_onto_the_canvas_shows_all_that_fits(
    region: Region, canvas: Size
) -> None:
    moved = geometry.onto(region, canvas)
    assert moved.size == region.size
    seen = geometry.clamp(moved, canvas)
    assert seen.width * seen.height == min(region.width, canvas.width) * min(
        region.height, canvas.height
    )


def test_a_region_is_moved_onto_the_canvas_by_the_least_way() -> None:
    canvas = Size(100, 50)
    assert geometry.onto(Region(3000, -20, 30, 10), canvas) == Region(70, 0, 30, 10)
    assert geometry.onto(Region(90, 45, 30, 10), canvas) == Region(70, 40, 30, 10)
    larger = Region(-10, -70, 130, 60)  # covers the canvas from side to side, from above not at all
    assert geometry.onto(larger, canvas) == Region(-10, -10, 130, 60)


@given(regions, regions)
def test_the_paste_offset_leads_from_the_outer_to_the_inner_corner(a: Region, b: Region) -> None:
    dx, dy = geometry.paste_offset(a, b)
    assert (b.x + dx, b.y + dy) == (a.x, a.y)


# context


@given(selections(), st.sampled_from([*Context, 0, 17, 500]))
def test_the_context_holds_the_selection_and_stays_on_the_canvas(
    case: tuple[Region, Size], context: geometry.ContextChoice
) -> None:
    selection, canvas = case
    region = context_region(selection, canvas, context)
    assert geometry.contains(region, selection)
    assert geometry.contains(geometry.whole(canvas), region)


@pytest.mark.parametrize("context", NAMED)
@pytest.mark.parametrize("side", [1, 32, 100, 333, 1000])
def test_the_context_follows_the_selection_and_never_the_canvas(
    context: Context, side: int
) -> None:
    read = {
        context_region(middle(side, canvas), canvas, context).size
        for canvas in (Size(3200, 3200), Size(8000, 6000), Size(16384, 4000))
    }
    assert len(read) == 1


def test_the_same_selection_in_2000_and_8000_pixels_reads_the_same_rectangle() -> None:
    selection = Region(700, 800, 300, 200)
    assert context_region(selection, Size(2000, 2000)) == context_region(
        selection, Size(8000, 8000)
    )


@pytest.mark.parametrize("width", range(105, 2000, 37))
@pytest.mark.parametrize("flat", [1.0, 0.4, 0.05])
def test_in_auto_the_longer_side_takes_45_to_70_percent(width: int, flat: float) -> None:
    canvas = Size(8000, 6000)
    selection = middle(width, canvas, max(1, int(width * flat)))
    assert 0.45 <= share(selection, context_region(selection, canvas, Context.AUTO)) <= 0.70


@pytest.mark.parametrize("corner", [(0, 0), (7700, 0), (0, 5700), (7700, 5700), (3000, 5700)])
def test_at_the_canvas_edge_the_context_moves_inward_and_keeps_its_share(
    corner: tuple[int, int],
) -> None:
    canvas = Size(8000, 6000)
    selection = Region(*corner, 300, 300)
    region = context_region(selection, canvas)
    assert region.size == context_region(middle(300, canvas), canvas).size
    assert 0.45 <= share(selection, region) <= 0.70


def test_a_canvas_smaller_than_the_context_cuts_it() -> None:
    selection = Region(100, 100, 300, 300)
    assert context_region(selection, Size(420, 4000)) == Region(0, 0, 420, 536)


@given(selections(), st.sampled_from(NAMED))
def test_at_least_64_pixels_surround_the_selection_where_the_canvas_has_them(
    case: tuple[Region, Size], context: Context
) -> None:
    selection, canvas = case
    there = surroundings(selection, geometry.whole(canvas))
    read = surroundings(selection, context_region(selection, canvas, context))
    for has, took in zip(there, read, strict=True):
        assert took >= min(64, has)


@pytest.mark.parametrize("side", [20, 80, 200, 1000])
@pytest.mark.parametrize("flat", [1.0, 0.5])
def test_a_small_model_spends_its_pixels_on_the_selection(side: int, flat: float) -> None:
    canvas = Size(4000, 3000)
    selection = middle(side, canvas, int(side * flat))
    region = context_region(selection, canvas, native=128)
    assert min(surroundings(selection, region)) >= 16
    taken = share(selection, region)
    assert taken > share(selection, context_region(selection, canvas, native=512))
    if side >= 200:
        assert 0.75 <= taken <= 0.84  # across a strip less is read than along it
    assert context_region(selection, canvas, native=512) == context_region(selection, canvas)


def test_a_small_model_reads_as_wide_as_the_artist_chose() -> None:
    canvas, selection = Size(8000, 6000), Region(3000, 3000, 600, 400)
    for choice in (Context.WIDE, Context.WHOLE, 30, Region(2900, 2900, 900, 900)):
        known = context_region(selection, canvas, choice)
        assert context_region(selection, canvas, choice, native=128) == known
    auto, tight = (
        context_region(selection, canvas, choice, native=128)
        for choice in (Context.AUTO, Context.TIGHT)
    )
    assert tight == auto, "never more than in Auto"


def test_a_wider_choice_reads_more() -> None:
    canvas, selection = Size(8000, 6000), Region(3000, 3000, 600, 400)
    tight, auto, wide, whole = (context_region(selection, canvas, c) for c in Context)
    assert tight.width < auto.width < wide.width < whole.width
    assert whole == Region(0, 0, 8000, 6000)


def test_pixels_of_padding_are_taken_literally_and_cut_at_the_edge() -> None:
    canvas = Size(1000, 1000)
    assert context_region(Region(100, 10, 50, 50), canvas, 30) == Region(70, 0, 110, 90)
    assert context_region(Region(100, 10, 50, 50), canvas, 0) == Region(100, 10, 50, 50)


def test_a_marked_rectangle_is_the_context_and_never_cuts_the_selection() -> None:
    canvas, selection = Size(1000, 1000), Region(400, 400, 100, 100)
    marked = Region(300, 350, 400, 900)
    assert context_region(selection, canvas, marked) == Region(300, 350, 400, 650)
    assert context_region(selection, canvas, Region(450, 450, 10, 10)) == selection
    assert context_region(selection, canvas, Region(5000, 0, 9, 9)) == selection


@pytest.mark.parametrize("selection", [Region(1000, 1000, 2000, 100), Region(9, 9, 1, 900)])
def test_a_thin_selection_gets_a_context_of_bounded_aspect(selection: Region) -> None:
    region = context_region(selection, Size(8000, 6000))
    longer, shorter = max(region.size.width, region.height), min(region.width, region.height)
    assert longer <= geometry.MAX_ASPECT * shorter


def test_a_thin_selection_keeps_more_resolution_than_a_square_context_would_leave_it() -> None:
    region = context_region(Region(1000, 1000, 2000, 100), Size(8000, 6000))
    assert region.height < region.width / 3
    assert min(surroundings(Region(1000, 1000, 2000, 100), region)) >= 100


def test_a_selection_that_leaves_the_canvas_counts_with_what_lies_on_it() -> None:
    canvas = Size(4000, 4000)
    assert context_region(Region(-500, -500, 700, 700), canvas) == context_region(
        Region(0, 0, 200, 200), canvas
    )


@pytest.mark.parametrize(
    ("selection", "canvas", "context"),
    [
        (Region(10, 10, 0, 5), Size(100, 100), Context.AUTO),
        (Region(10, 10, 5, 0), Size(100, 100), Context.WHOLE),
        (Region(200, 10, 5, 5), Size(100, 100), Context.AUTO),
        (Region(10, 10, 5, 5), Size(100, 100), -1),
        (Region(0, 0, 5, 5), Size(0, 100), Context.AUTO),
    ],
)
def test_what_cannot_be_read_is_said_in_one_sentence(
    selection: Region, canvas: Size, context: geometry.ContextChoice
) -> None:
    with pytest.raises(ScumbleError) as caught:
        context_region(selection, canvas, context)
    assert caught.value.code is ErrorCode.BAD_REQUEST
    assert caught.value.info.message.count(".") == 1


# working size


@given(
    st.integers(1, 16384),
    st.integers(1, 16384),
    st.sampled_from([512, 768, 1024, 1328]),
    st.sampled_from([8, 16, 32]),
)
def test_the_model_works_near_its_native_area_and_in_the_regions_shape(
    width: int, height: int, native: int, multiple: int
) -> None:
    region = Size(width, height)
    size = working_size(region, native, multiple)
    assert size.width % multiple == 0
    assert size.height % multiple == 0
    assert 0.9 <= size.pixels / native**2 <= 1.1
    shape = geometry.bounded_aspect(region)
    stretch = (size.width / size.height) / (shape.width / shape.height)
    step = multiple / min(size.width, size.height)
    assert 1 - step <= stretch <= 1 + step


@pytest.mark.parametrize("multiple", [8, 16, 32])
def test_a_small_selection_gets_the_models_full_resolution(multiple: int) -> None:
    region = context_region(Region(2000, 1500, 100, 100), Size(4000, 3000))
    size = working_size(region.size, 1024, multiple)
    assert size.width / region.width >= 4.5
    assert size.height / region.height >= 4.5


@pytest.mark.parametrize("size", [Size(1024, 1024), Size(1152, 896), Size(1000, 1040)])
def test_a_region_that_fits_as_it_stands_is_not_resampled(size: Size) -> None:
    assert working_size(size, 1024, 8) == size


def test_a_strip_is_worked_on_in_a_bounded_aspect() -> None:
    assert geometry.bounded_aspect(Size(2000, 100)) == Size(2000, 500)
    assert geometry.bounded_aspect(Size(3, 2000)) == Size(500, 2000)
    assert working_size(Size(2000, 100), 1024, 64) == Size(2048, 512)


def test_a_grid_too_coarse_for_the_native_area_gives_its_nearest_size() -> None:
    assert working_size(Size(100, 100), 96, 64) == Size(128, 128)


@pytest.mark.parametrize(
    ("region", "native", "multiple"),
    [(Size(0, 5), 512, 8), (Size(5, -1), 512, 8), (Size(5, 5), 0, 8), (Size(5, 5), 512, 0)],
)
def test_sizes_below_one_are_refused(region: Size, native: int, multiple: int) -> None:
    with pytest.raises(ScumbleError):
        working_size(region, native, multiple)
