"""What an artist does in GIMP, one function a story; each returns facts for the test to judge."""

import hashlib
import os
import time

from gi.repository import Gegl, Gimp, GLib, Gtk
from scumble_gimp.canvas import GimpCanvas
from scumble_gimp.window import Window

PIXELS = "R'G'B'A u8"
SECONDS = 90.0
_open = []


def tidy():
    """Close what a scenario left open."""
    for thing in _open:
        if isinstance(thing, Window):
            thing.dialog.destroy()
        elif thing.is_valid():
            for display in [d for d in DISPLAYS.pop(thing.get_id(), [])]:
                display.delete()
            if thing.is_valid():
                thing.delete()
    _open.clear()


DISPLAYS = {}


def image_of(width, height, base=Gimp.ImageBaseType.RGB, precision=None, show=False):
    """An image with one layer, a gradient from corner to corner."""
    precision = precision or Gimp.Precision.U8_NON_LINEAR
    image = Gimp.Image.new_with_precision(width, height, base, precision)
    kind = Gimp.ImageType.GRAYA_IMAGE if base == Gimp.ImageBaseType.GRAY else None
    kind = kind or Gimp.ImageType.RGBA_IMAGE
    layer = Gimp.Layer.new(image, "below", width, height, kind, 100.0, Gimp.LayerMode.NORMAL)
    row = bytes(v for x in range(width) for v in (x * 255 // width, 90, 200 - x * 90 // width, 255))
    buffer = layer.get_buffer()
    buffer.set(Gegl.Rectangle.new(0, 0, width, height), PIXELS, row * height)
    buffer.flush()
    image.insert_layer(layer, None, 0)
    if show:
        DISPLAYS[image.get_id()] = [Gimp.Display.new(image)]
    _open.append(image)
    return image


def visible(image):
    """The visible composite, RGBA8."""
    layer = Gimp.Layer.new_from_visible(image, image, "seen")
    rectangle = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    data = bytes(layer.get_buffer().get(rectangle, 1.0, PIXELS, Gegl.AbyssPolicy.NONE))
    layer.delete()
    return data


def selected(image):
    rectangle = Gegl.Rectangle.new(0, 0, image.get_width(), image.get_height())
    buffer = image.get_selection().get_buffer()
    return bytes(buffer.get(rectangle, 1.0, "Y u8", Gegl.AbyssPolicy.NONE))


def changed(before, after, mask, width):
    """(pixels that differ where the mask is 0, pixels that differ where it is not)."""
    outside = inside = 0
    for row in range(len(mask) // width):
        start = row * width
        old, new = before[4 * start : 4 * (start + width)], after[4 * start : 4 * (start + width)]
        for x in range(width) if old != new else ():
            if old[4 * x : 4 * x + 4] != new[4 * x : 4 * x + 4]:
                if mask[start + x]:
                    inside += 1
                else:
                    outside += 1
    return outside, inside


def call(name, image, **arguments):
    """Run one of Scumble's procedures without a window: (status, second value)."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", Gimp.RunMode.NONINTERACTIVE)
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers())
    for key, value in arguments.items():
        config.set_property(key.replace("_", "-"), value)
    values = procedure.run(config)
    second = values.index(1) if values.length() > 1 else None
    return values.index(0).value_nick, second if isinstance(second, (str, list)) else str(second)


def filled(image, **arguments):
    """Facts of one fill of the selection."""
    before, mask, bounds = visible(image), selected(image), Gimp.Selection.bounds(image)
    status, names = call("scumble-fill", image, prompt="a tree", seed=3, steps=3, **arguments)
    layers = image.get_layers()
    facts = {"status": status, "names": names, "layers": [layer.get_name() for layer in layers]}
    if status == "success":
        _, x, y = layers[0].get_offsets()
        facts["layer"] = [x, y, layers[0].get_width(), layers[0].get_height()]
        facts["bounds"] = [bounds.x1, bounds.y1, bounds.x2 - bounds.x1, bounds.y2 - bounds.y1]
        facts["outside"], facts["inside"] = changed(before, visible(image), mask, image.get_width())
    return facts


def fill_soft_selection():
    image = image_of(400, 300)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 120, 80, 120, 90)
    Gimp.Selection.feather(image, 12)
    return filled(image)


def fill_every_precision():
    precisions = {
        "u8_linear": Gimp.Precision.U8_LINEAR,
        "u16": Gimp.Precision.U16_NON_LINEAR,
        "half": Gimp.Precision.HALF_NON_LINEAR,
        "float_linear": Gimp.Precision.FLOAT_LINEAR,
        "float": Gimp.Precision.FLOAT_NON_LINEAR,
    }
    facts = {}
    for name, precision in precisions.items():
        image = image_of(200, 160, precision=precision)
        image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 50, 70, 60)
        facts[name] = filled(image)
    image = image_of(200, 160, Gimp.ImageBaseType.GRAY, Gimp.Precision.U16_NON_LINEAR)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 50, 70, 60)
    facts["grey16"] = filled(image)
    return facts


def refuse_what_cannot_be():
    image = image_of(100, 80)
    nothing = call("scumble-fill", image, prompt="x")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 10, 10, 40, 40)
    unknown = call("scumble-fill", image, prompt="x", model="no such model")
    palette = Gimp.ConvertPaletteType.WEB
    image.convert_indexed(Gimp.ConvertDitherType.NONE, palette, 0, False, False, "")
    try:
        indexed = call("scumble-fill", image, prompt="x")
    except Exception as error:
        indexed = ("exception", str(error))
    return {
        "nothing": nothing,
        "unknown": unknown,
        "indexed": indexed,
        "layers": len(image.get_layers()),
    }


def repeat_and_refine():
    image = image_of(200, 160)
    first = call("scumble-generate", image, prompt="a sea", seed=1, steps=2)
    second = call("scumble-refine", image, prompt="a sea", seed=1, steps=2)
    return {"generate": first, "refine": second, "layers": len(image.get_layers())}


# -- with the window


def wait(wanted, seconds=SECONDS):
    """Let the main loop run until `wanted()` or the time is over; returns what it gave."""
    loop = GLib.MainLoop()
    end = time.monotonic() + seconds

    def look():
        if wanted() or time.monotonic() > end:
            loop.quit()
            return False
        return True

    GLib.timeout_add(20, look)
    loop.run()
    return wanted()


def window_on(image, entry="scumble-fill"):
    window = Window(GimpCanvas(image), lambda: None)
    _open.append(window)
    window.show_image(image, entry)
    ready = wait(lambda: window.fields.model.chosen())
    assert ready, window.message.get_text()
    return window


def fill_in(window, prompt, steps):
    window.fields.prompt.get_buffer().set_text(prompt)
    window.fields.steps.set_value(steps)


def press_fill():
    """A 512² selection in a large image, with a timer of 5 ms that measures its own lateness."""
    image = image_of(4000, 3000, show=True)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 1500, 1000, 512, 512)
    wait(lambda: False, 3.0)  # GIMP paints its window first
    before, mask = visible(image), selected(image)
    window = window_on(image)
    fill_in(window, "a red apple", 6)
    label = window.start.get_label()
    gaps, idle, last, steps = [], [], [time.monotonic()], []

    def tick():
        now = time.monotonic()
        (gaps if started else idle).append(now - last[0])
        last[0] = now
        text = window.bar.get_text()
        if text and text.startswith("Step") and text not in steps:
            steps.append(text)
        return True

    started = False
    source = GLib.timeout_add(5, tick)
    wait(lambda: False, 5.0)
    started = True
    window.start.clicked()
    previews = []

    def done():
        if window.preview.get_visible() and window.preview.get_pixbuf():
            previews.append(hashlib.sha256(window.preview.get_pixbuf().get_pixels()).hexdigest())
        return len(image.get_layers()) == 2

    arrived = wait(done)
    wait(lambda: not window.cancel.get_visible(), 5.0)
    worst = [max(gaps)]
    after = visible(image)
    outside, inside = changed(before, after, mask, image.get_width())
    layer = image.get_layers()[0]
    _, x, y = layer.get_offsets()
    place = [x, y, layer.get_width(), layer.get_height()]
    for layers in (3, 4):  # again, since other programs hold the machine up now and then
        last[0] = time.monotonic()
        gaps.clear()
        window.start.clicked()
        wait(lambda count=layers: len(image.get_layers()) == count)
        wait(lambda: not window.cancel.get_visible(), 5.0)
        worst.append(max(gaps))
    GLib.source_remove(source)
    return {
        "arrived": arrived,
        "label": label,
        "message": window.message.get_text(),
        "worst_gaps_ms": [round(gap * 1000, 1) for gap in worst],
        "idle_gap_ms": round(max(idle) * 1000, 1),
        "steps": steps,
        "previews": len(set(previews)),
        "outside": outside,
        "inside": inside,
        "place": place,
    }


def cancel_in_the_window():
    image = image_of(600, 400, show=True)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 200, 150)
    window = window_on(image)
    fill_in(window, "a boat", 150)
    window.start.clicked()
    began = wait(lambda: (window.bar.get_text() or "").startswith("Step"))
    window.cancel.clicked()
    ended = wait(lambda: not window.cancel.get_visible())
    wait(lambda: False, 0.5)
    return {"began": began, "ended": ended, "layers": len(image.get_layers())}


def close_the_image_meanwhile():
    """The image goes while the work is under way; its result is offered, and pasted once."""
    image = image_of(600, 400, show=True)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 200, 150)
    window = window_on(image)
    fill_in(window, "a boat", 12)
    window.start.clicked()
    began = wait(lambda: (window.bar.get_text() or "").startswith("Step"))
    for display in DISPLAYS.pop(image.get_id()):
        display.delete()
    offered = wait(lambda: window.lost.get_visible())
    other = image_of(600, 400, show=True)
    window.show_image(other, "scumble-recovered")
    window.lost.clicked()
    pasted = wait(lambda: len(other.get_layers()) == 2)
    gone = wait(lambda: not window.lost.get_visible())
    return {"began": began, "offered": offered, "pasted": pasted, "gone": gone}


def duplicate_the_image_meanwhile():
    """The duplicate carries the original's parasites; the layer belongs to the original."""
    image = image_of(600, 400, show=True)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 200, 150)
    window = window_on(image)
    fill_in(window, "a boat", 12)
    window.start.clicked()
    began = wait(lambda: (window.bar.get_text() or "").startswith("Step"))
    twin = image.duplicate()
    _open.append(twin)
    window.show_image(twin, "scumble-fill")
    arrived = wait(lambda: not window.cancel.get_visible() and len(image.get_layers()) == 2)
    return {"began": began, "arrived": arrived, "twin": len(twin.get_layers())}


def undo_the_fill():
    """The test presses Ctrl+Z in GIMP's own window when it sees the file."""
    image = image_of(600, 400, show=True)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 100, 100, 200, 150)
    status, _ = call("scumble-fill", image, prompt="a tree", seed=3, steps=2)
    layers = len(image.get_layers())
    wait(lambda: False, 1.0)
    request = os.environ["SCUMBLE_PROBE_UNDO"]
    open(request, "w").close()
    undone = wait(lambda: len(image.get_layers()) == 1, 15.0)
    wait(lambda: False, 1.0)
    return {
        "status": status,
        "layers": layers,
        "undone": undone,
        "left": [layer.get_name() for layer in image.get_layers()],
    }


def stay_and_wait():
    """Hold a window open until GIMP is killed from outside."""
    image = image_of(300, 200, show=True)
    window = window_on(image)
    open(os.environ["SCUMBLE_PROBE_UNDO"] + ".waiting", "w").write(str(os.getpid()))
    from scumble_gimp.watch import leave_with_gimp

    leave_with_gimp()
    wait(lambda: False, 60.0)
    return {"window": bool(window)}


def picture_for_the_readme():
    image = image_of(900, 640, show=True)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 430, 200, 300, 300)
    window = window_on(image)
    window.dialog.move(20, 40)
    fill_in(window, "3d render of a red apple", 20)
    window.start.clicked()
    wait(lambda: (window.bar.get_text() or "").startswith("Step 1"), 40.0)
    wait(lambda: False, 1.0)
    open(os.environ["SCUMBLE_PROBE_UNDO"] + ".picture", "w").close()
    wait(lambda: len(image.get_layers()) == 2)
    Gtk.main_iteration_do(False)
    return {"layers": len(image.get_layers())}
