"""Stories about what ends, closes or goes on elsewhere while the work is under way."""

import os

import gimp_screen as screen
from gi.repository import Gimp, Gio


def close_the_image_meanwhile():
    """The image goes while the work is under way; its result is offered, and pasted once."""
    image = screen.image_of(600, 400, shown=True)
    screen.select(image, 100, 100, 200, 150)
    window = screen.window_on(image)
    screen.fill_in(window, "a boat", 12, seed=8)
    window.start.clicked()
    facts = {"began": screen.began(window)}
    screen.close(image)
    facts["offered"] = screen.wait(lambda: window.lost.get_visible())
    other = screen.image_of(600, 400, shown=True)
    screen.rest(1.0)
    window.show_image(other, "scumble-recovered")
    screen.raise_above(window)
    screen.picture("recovered")
    window.lost.buttons[0].clicked()
    facts["pasted"] = screen.wait(lambda: len(other.get_layers()) == 2)
    facts["gone"] = screen.wait(lambda: not window.lost.get_visible())
    facts["layers"] = screen.names(other)
    return facts


def duplicate_the_image_meanwhile():
    """The duplicate carries the original's parasites; the layer belongs to the original."""
    image = screen.image_of(600, 400, shown=True)
    screen.select(image, 100, 100, 200, 150)
    window = screen.window_on(image)
    screen.fill_in(window, "a boat", 12)
    window.start.clicked()
    facts = {"began": screen.began(window)}
    twin = screen.keep(image.duplicate())
    window.show_image(twin, "scumble-fill")
    facts["arrived"] = screen.filled(window, image, 2)
    facts["twin"] = len(twin.get_layers())
    return facts


def close_the_window_meanwhile():
    """The artist closes the window and opens it again later, in the same GIMP."""
    image = screen.image_of(600, 400, shown=True)
    screen.select(image, 100, 100, 200, 150)
    window = screen.window_on(image)
    screen.fill_in(window, "a boat", 40, seed=9)
    window.start.clicked()
    facts = {"began": screen.began(window)}
    window.dialog.destroy()
    screen.rest(1.0)
    window = screen.window_on(image)
    facts["offered"] = screen.wait(lambda: window.lost.get_visible())
    window.lost.buttons[0].clicked()
    facts["pasted"] = screen.wait(lambda: len(image.get_layers()) == 2)
    facts["gone"] = screen.wait(lambda: not window.lost.get_visible())
    facts["layers"] = screen.names(image)
    return facts


def paste_what_was_lost():
    """In a new GIMP: what the last ones left behind is offered and pasted once."""
    image = screen.image_of(600, 400)
    window = screen.window_on(image, "scumble-recovered")
    facts = {"offered": screen.wait(lambda: window.lost.get_visible(), 30.0)}
    screen.rest(1.0)  # they come one after the other
    facts["rows"] = len(window.lost.buttons)
    for layers in range(2, 2 + facts["rows"]):
        window.lost.buttons[0].clicked()
        screen.wait(lambda count=layers: len(image.get_layers()) == count, 20.0)
        screen.rest(0.5)
    facts["gone"] = screen.wait(lambda: not window.lost.get_visible(), 20.0)
    facts["layers"] = screen.names(image)
    again = screen.window_on(image, "scumble-recovered")
    screen.rest(1.0)
    facts["offered_again"] = again.lost.get_visible()
    return facts


def fill_until_told():
    """One fill after the other beside another editor, until the test says enough."""
    image = screen.image_of(400, 300, shown=True)
    screen.select(image, 50, 50, 150, 120)
    window = screen.window_on(image)
    done = os.environ["SCUMBLE_PROBE_FLAG"] + ".enough"
    wanted, offered = 0, False
    while not os.path.exists(done):
        wanted += 1
        screen.fill_in(window, "gimp's own", 40, seed=wanted)
        window.start.clicked()
        assert screen.filled(window, image, 1 + wanted), window.message.text()
        offered = offered or window.lost.get_visible()
    return {"wanted": wanted, "layers": screen.names(image), "offered": offered}


def picture_for_the_readme():
    """A fill in a meadow, the window beside it; not a test. See take_screenshot.py."""
    folder = os.path.expanduser("~")
    file = Gio.File.new_for_path(os.path.join(folder, "meadow.png"))
    image = Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, file)
    image.set_file(Gio.File.new_for_path(os.path.join(folder, "meadow.xcf")))
    screen.show(image)
    x, y, width, height = map(int, os.environ["SCUMBLE_PROBE_SELECTION"].split(","))
    image.select_ellipse(Gimp.ChannelOps.REPLACE, x, y, width, height)
    window = screen.window_on(image)
    window.fields.model.choose("starter")
    window.fields.selection.set_expanded(True)
    screen.fill_in(window, os.environ["SCUMBLE_PROBE_PROMPT"], 20)
    screen.press(*os.environ["SCUMBLE_PROBE_LAYOUT"].split())
    screen.rest(1.5)
    window.start.clicked()
    screen.wait(lambda: window.activity.preview.get_visible())
    screen.rest(1.5)
    screen.picture("working")
    facts = {"arrived": screen.filled(window, image, 2)}
    screen.rest(1.5)
    screen.picture("screenshot")
    return facts
