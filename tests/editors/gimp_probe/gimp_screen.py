"""GIMP as the scenarios see it: images with known pixels, the window, what changed."""

import os
import time

from gi.repository import Gegl, Gimp, GLib
from scumble_gimp.canvas import GimpCanvas
from scumble_gimp.window import Window

PIXELS = "R'G'B'A u8"
MODEL = "sd1-inpaint"  # small, with random weights
SECONDS = 90.0
_open = []
_displays = {}


def tidy():
    """Close what a scenario left open."""
    for thing in _open:
        if isinstance(thing, Window):
            thing.dialog.destroy()
        elif thing.is_valid():
            close(thing)
            if thing.is_valid():
                thing.delete()
    _open.clear()


def image_of(width, height, base=Gimp.ImageBaseType.RGB, precision=None, shown=False):
    """An image with one layer, a gradient from side to side in sRGB."""
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
    return show(image) if shown else keep(image)


def show(image):
    """In a window of GIMP's; closed after the scenario."""
    _displays[image.get_id()] = Gimp.Display.new(image)
    return keep(image)


def keep(image):
    """An image that a scenario made is closed after it."""
    _open.append(image)
    return image


def close(image):
    """As the artist closes it: its window goes."""
    display = _displays.pop(image.get_id(), None)
    if display is not None:
        display.delete()


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


def select(image, x, y, width, height):
    image.select_rectangle(Gimp.ChannelOps.REPLACE, x, y, width, height)


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


def names(image):
    """From the top down."""
    return [layer.get_name() for layer in image.get_layers()]


def place(layer):
    _, x, y = layer.get_offsets()
    return [x, y, layer.get_width(), layer.get_height()]


def call(name, image, **arguments):
    """Run one of Scumble's procedures without a window: (status, second value)."""
    procedure = Gimp.get_pdb().lookup_procedure(name)
    config = procedure.create_config()
    config.set_property("run-mode", arguments.pop("run_mode", Gimp.RunMode.NONINTERACTIVE))
    config.set_property("image", image)
    config.set_core_object_array("drawables", image.get_selected_layers())
    if config.find_property("model") and "model" not in arguments:
        config.set_property("model", MODEL)
    for key, value in arguments.items():
        config.set_property(key.replace("_", "-"), value)
    values = procedure.run(config)
    second = values.index(1) if values.length() > 1 else None
    return values.index(0).value_nick, second if isinstance(second, (str, list)) else str(second)


def wait(wanted, seconds=SECONDS):
    """Let the main loop run until `wanted()` or the time is over; returns what it gave."""
    loop = GLib.MainLoop()
    end = time.monotonic() + seconds

    def look():
        try:
            over = wanted() or time.monotonic() > end
        except Exception:  # it is raised again below; here it would leave the loop running
            over = True
        if over:
            loop.quit()
        return not over

    GLib.timeout_add(20, look)
    loop.run()
    return wanted()


def rest(seconds):
    wait(lambda: False, seconds)


def window_on(image, entry="scumble-fill"):
    window = Window(GimpCanvas(image), lambda: None)
    _open.append(window)
    window.show_image(image, entry)
    ready = wait(lambda: window.fields.model.chosen())
    assert ready, window.message.text()
    window.fields.model.choose(MODEL)
    return window


def raise_above(window):
    """There is no window manager: what was made last is on top and has the keyboard."""
    window.dialog.get_window().raise_()
    press("search", "--onlyvisible", "--name", "^Scumble", "windowfocus")


def fill_in(window, prompt, steps, seed=None):
    window.prompt.set_text(prompt)
    window.fields.steps.set_value(steps)
    if seed is not None:
        window.fields.random.set_active(False)
        window.fields.seed.set_value(seed)


def working(window):
    return window.activity.get_visible()


def began(window):
    """Waits until a first step was made."""
    return wait(lambda: (window.activity.bar.get_text() or "").startswith("Step"))


def filled(window, image, layers):
    """Waits until the image has so many layers and nothing is under way."""
    return wait(lambda: len(image.get_layers()) == layers and not working(window))


def ask(what, text=""):
    """Ask the test outside for something: press.NAME (xdotool's words), picture.NAME, told.NAME."""
    path = "%s.%s" % (os.environ["SCUMBLE_PROBE_FLAG"], what)
    with open(path + "~", "w") as file:
        file.write(text)
    os.replace(path + "~", path)
    return path


def press(*words):
    """The X server presses keys or moves the pointer, as a hand would."""
    asked = ask("press.keys", " ".join(words))
    return wait(lambda: not os.path.exists(asked), 10.0)


def picture(name):
    """The test takes a picture of the whole screen: NAME.png in GIMP's home."""
    asked = ask("picture." + name)
    return wait(lambda: not os.path.exists(asked), 10.0)
