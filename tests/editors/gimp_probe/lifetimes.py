"""Stories about what ends, closes or goes on elsewhere while the work is under way."""

import os
from unittest import mock

import gimp_screen as screen
from gi.repository import Gimp, Gio, GLib, Gtk
from scumble_gimp import procedures
from scumble_gimp.batch import BatchRun
from scumble_gimp.canvas import GimpCanvas
from scumble_gimp.link.errors import ErrorCode, ErrorInfo
from scumble_gimp.link.form import Form
from scumble_gimp.link.values import Region, Result
from scumble_gimp.window import Window


def _fill_begun(steps, seed=None):
    """An image, the window on it, and whether the fill began that was asked for there."""
    image = screen.image_of(600, 400, shown=True)
    screen.select(image, 100, 100, 200, 150)
    window = screen.window_on(image)
    screen.fill_in(window, "a boat", steps, seed=seed)
    window.start.clicked()
    return image, window, {"began": screen.began(window)}


def close_the_image_meanwhile():
    """The image goes while the work is under way; its result is offered, and pasted once."""
    image, window, facts = _fill_begun(12, seed=8)
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


def crop_the_image_meanwhile():
    """The result's place is cut off; it waits, and by hand it comes onto what is left."""
    image, window, facts = _fill_begun(12, seed=8)
    image.crop(250, 200, 0, 0)
    facts["offered"] = screen.wait(lambda: window.lost.get_visible())
    facts["message"] = window.message.text()
    facts["layers"] = [screen.names(image)]
    window.lost.buttons[0].clicked()
    facts["pasted"] = screen.wait(lambda: not window.lost.get_visible(), 20.0)
    facts["layers"].append(screen.names(image))
    facts["place"] = screen.place(image.get_layers()[0])
    return facts


def turn_the_image_to_indexed_meanwhile():
    """Its palette would leave little of the result, which waits for better days."""
    image, window, facts = _fill_begun(12, seed=8)
    _to_indexed(image)
    facts["offered"] = screen.wait(lambda: window.lost.get_visible())
    facts["message"] = window.message.text()
    facts["layers"] = [screen.names(image)]
    image.convert_rgb()
    window.lost.buttons[0].clicked()
    facts["pasted"] = screen.wait(lambda: not window.lost.get_visible(), 20.0)
    facts["layers"].append(screen.names(image))
    return facts


def _to_indexed(image):
    dither, palette = Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.WEB
    image.convert_indexed(dither, palette, 0, False, False, "")


def what_ends_a_call_without_a_window():
    """It never waits in vain: closed, cropped or indexed image, no backend, GIMP says no."""
    lost = ErrorInfo(ErrorCode.UNSUPPORTED, "Scumble's backend is gone.")
    away = ErrorInfo(ErrorCode.BUSY, "The connection was lost.", retryable=True)

    def closed(run, image):
        image.delete()

    def cropped(run, image):
        image.crop(200, 200, 0, 0)

    def indexed(run, image):
        _to_indexed(image)

    def gone_for_good(run, image):
        run.connection_changed("lost", lost)

    def gone_for_a_moment(run, image):
        run.connection_changed("lost", away)

    facts = {}
    for happens in (closed, cropped, indexed, gone_for_good, gone_for_a_moment):
        image = screen.image_of(300, 200)
        facts[happens.__name__] = _call(image, happens)
        if image.is_valid() and image.get_base_type() == Gimp.ImageBaseType.INDEXED:
            image.convert_rgb()
    foreign = screen.image_of(9, 9).get_layers()[0]
    with mock.patch("scumble_gimp.canvas._above_active", return_value=(foreign, 0)):
        facts["not_taken"] = _call(screen.image_of(300, 200), lambda run, image: None)
    window = screen.window_on(image, "scumble-recovered")
    screen.rest(1.0)
    facts["waiting"] = len(window.lost.buttons)
    for button in list(window.lost.buttons):
        button.clicked()
    screen.wait(lambda: not window.lost.get_visible(), 20.0)
    return facts


def _call(image, happens):
    """[what went wrong, how many layers came] of a fill in which this happens meanwhile."""
    screen.select(image, 20, 20, 100, 100)
    run = BatchRun(GimpCanvas(image))
    begun = []

    def look():
        if run._job_id and not begun:
            begun.append(True)
            happens(run, image)
        return not begun

    GLib.timeout_add(50, look)
    patience = GLib.timeout_add(30_000, run._loop.quit)
    run.fill(Form(prompt="a call", model=screen.MODEL, steps=8))
    GLib.source_remove(patience)
    return [run.error.message if run.error else "", len(run.pasted)]


def another_image_while_it_is_read():
    """The menu entry is chosen on another image just while Fill reads the first one."""
    first, second = screen.image_of(300, 200), screen.image_of(300, 200)
    screen.select(first, 20, 20, 100, 100)
    screen.select(second, 60, 60, 80, 80)
    facts, shown = {"during": []}, []
    size = GimpCanvas.size

    class Seen(Window):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            shown.append(self)

    def chosen_meanwhile(canvas):
        if not facts["during"]:
            show = Gimp.get_pdb().lookup_procedure(procedures.WINDOW)
            arguments = show.create_config()
            arguments.set_property("image", second)
            arguments.set_property("entry", "scumble-fill")
            show.run(arguments)
            facts["during"].append(canvas.image.get_id() == first.get_id())
        return size(canvas)

    def artist():
        (it,) = shown
        try:
            assert screen.wait(lambda: it.fields.model.chosen())
            it.fields.model.choose(screen.MODEL)
            screen.fill_in(it, "a boat", 3, seed=4)
            it._look()
            with mock.patch.object(GimpCanvas, "size", chosen_meanwhile):
                it.start.clicked()
            facts["after"] = screen.wait(lambda: it._canvas.image.get_id() == second.get_id(), 5.0)
            facts["arrived"] = screen.wait(lambda: len(first.get_layers()) == 2)
        finally:
            it.dialog.destroy()

    GLib.timeout_add(500, artist)
    with mock.patch("scumble_gimp.window.Window", Seen):
        fill = Gimp.get_pdb().lookup_procedure("scumble-fill")
        procedures.Scumble._show_window(Gimp.get_plug_in(), fill, "scumble-fill", first)
    layer = first.get_layers()[0]
    facts["within"] = screen.place(layer)
    facts["second"] = screen.names(second)
    return facts


def close_the_image_while_it_is_looked_at():
    """The window goes on looking at what can be done, in the next image."""
    image = screen.image_of(300, 200, shown=True)
    screen.select(image, 20, 20, 100, 100)
    window = screen.window_on(image)
    screen.fill_in(window, "a boat", 3)
    document = window._canvas.document

    def closed_after_this():
        name = document()
        screen.close(image)
        return name

    with mock.patch.object(window._canvas, "document", closed_after_this):
        screen.rest(0.6)
    facts = {}
    other, gone = screen.image_of(300, 200), screen.image_of(300, 200)
    window.show_image(other, "scumble-fill")
    gone.delete()
    window.image.choose(gone.get_id())  # the list is of a moment ago
    facts["image"] = window._canvas.image.get_id() == other.get_id()
    facts["nothing"] = window.start.get_sensitive()
    screen.select(other, 20, 20, 100, 100)
    facts["selected"] = screen.wait(lambda: window.start.get_sensitive(), 5.0)
    return facts


def a_script_beside_the_window():
    """What a script of this GIMP asked for is its own; the window does not offer it."""
    image, other = screen.image_of(300, 200), screen.image_of(300, 200)
    screen.select(other, 20, 20, 100, 100)
    window = screen.window_on(image)
    screen.rest(0.5)
    with mock.patch.object(window.lost, "offer", wraps=window.lost.offer) as offer:
        status, names = screen.call(
            "scumble-fill", other, prompt="a script", seed=1, steps=4, results=2
        )
        screen.rest(1.0)
    return {"status": status, "names": names, "offers": offer.call_count}


def duplicate_the_image_meanwhile():
    """The duplicate carries the original's parasites; the layer belongs to the original."""
    image, window, facts = _fill_begun(12)
    twin = screen.keep(image.duplicate())
    window.show_image(twin, "scumble-fill")
    facts["arrived"] = screen.filled(window, image, 2)
    facts["twin"] = len(twin.get_layers())
    return facts


def close_the_window_meanwhile():
    """The artist closes the window and opens it again later, in the same GIMP."""
    image, window, facts = _fill_begun(40, seed=9)
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


def discard_what_waits():
    """One by its entry in the menu, the others after a question; what comes meanwhile stays."""
    image = screen.image_of(300, 200)
    window = screen.window_on(image, "scumble-recovered")
    results = [Result("%032d" % n, 0, Region(0, 0, 20, 10), "b", {"seed": n}) for n in range(4)]
    discarded = []
    with mock.patch.object(window._session, "discard_recovered", discarded.append):
        window.recovered(results[:3])
        menu = window.lost.menu_button.get_popup()
        facts = {"menu": [item.get_label() for item in menu.get_children()]}
        menu.activate_item(menu.get_children()[2], True)
        screen.wait(lambda: discarded, 5.0)
        for answer in (Gtk.ResponseType.CANCEL, Gtk.ResponseType.OK):
            window.recovered(results[1:3])
            menu = window.lost.menu_button.get_popup()
            menu.activate_item(menu.get_children()[0], True)
            facts["question"] = window.lost.question.get_property("text")
            window.recovered(results[1:])
            window.lost.question.response(answer)
            facts["after %s" % answer.value_nick] = len(discarded)
    facts["discarded"] = [[result.metadata["seed"] for result in each] for each in discarded]
    window.recovered(results[:1])
    menu = window.lost.menu_button.get_popup()
    facts["alone"] = [item.get_label() for item in menu.get_children()]
    return facts


def a_script_pastes_what_waits():
    """What one list has no room for comes when that list is done."""
    results = [Result("%032d" % n, 0, Region(0, 0, 20, 10), "b", {"seed": n}) for n in range(3)]
    with mock.patch("scumble_gimp.batch.open_session", return_value=(mock.Mock(), mock.Mock())):
        run = BatchRun(GimpCanvas(screen.image_of(300, 200)))
    pasted = run._session.paste_recovered
    for waiting in (results[:2], results[1:2], [], results[2:], []):
        run._session.recovered.return_value = waiting
        run.recovered(waiting)
        if not pasted.called:
            run._paste_all()
    return {"pasted": [each.args[0].metadata["seed"] for each in pasted.call_args_list]}


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


def model_added_while_the_list_is_open():
    window = screen.window_on(screen.image_of(200, 200))
    models = window.fields.model

    def listed():
        return [row[0] for row in models.get_model()]

    facts = {"before": listed()}
    models.popup()
    open(os.path.join(os.environ["SCUMBLE_HOME"], "list_is_open"), "w").close()
    screen.wait(lambda: len(window._session.capabilities.models) > len(facts["before"]))
    screen.rest(1.0)
    facts.update(open=models.get_property("popup-shown"), while_open=listed())
    models.popdown()
    screen.wait(lambda: len(listed()) > len(facts["before"]))
    facts.update(after=listed(), chosen=models.chosen())
    return facts
