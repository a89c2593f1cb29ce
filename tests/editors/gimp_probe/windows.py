"""What an artist does with the window."""

import hashlib
import os
import threading
import time
from unittest import mock

import gimp_screen as screen
from gi.repository import Gegl, Gimp, GLib
from scumble_gimp.link.form import Form
from scumble_gimp.link.geometry import Context
from scumble_gimp.link.values import Intent, MaskSettings, Prefill, Region, Result
from scumble_gimp.link.wording import MARKED
from scumble_gimp.procedures import WINDOW


def press_fill():
    """A 512² selection in a large image, beside a timer of 5 ms that measures its own lateness."""
    image = screen.image_of(4000, 3000, shown=True)
    image.select_ellipse(Gimp.ChannelOps.REPLACE, 1500, 1000, 512, 512)
    screen.rest(3.0)  # GIMP paints its window first
    before, mask = screen.visible(image), screen.selected(image)
    window = screen.window_on(image)
    screen.fill_in(window, "a red apple", 6)
    watch, steps, previews = _Watch(), set(), set()
    facts = {"label": window.start.get_label(), "idle_ms": [], "fill_ms": []}

    def look():
        text = window.activity.bar.get_text() or ""
        if screen.working(window) and text.startswith("Step"):
            steps.add(text)
        preview = window.activity.preview
        if preview.get_visible() and preview.get_pixbuf():
            previews.add(hashlib.sha256(preview.get_pixbuf().get_pixels()).hexdigest())
        return True

    looking = GLib.timeout_add(50, look)
    for layers in (2, 3, 4):  # again, since other programs hold the machine up now and then
        watch.start()
        screen.rest(3.0)
        facts["idle_ms"].append(watch.stop())
        watch.start()
        window.start.clicked()
        facts["arrived"] = screen.filled(window, image, layers)
        facts["fill_ms"].append(watch.stop())
        if layers == 2:
            facts["place"] = screen.place(image.get_layers()[0])
            after = screen.visible(image)
            facts["outside"], facts["inside"] = screen.changed(before, after, mask, 4000)
    GLib.source_remove(looking)
    facts.update(message=window.message.text(), steps=len(steps), previews=len(previews))
    return facts


class _Watch:
    """The longest gap of a 5 ms timer, without the time in which others had the processor."""

    def start(self):
        self._longest = 0.0
        self._last = self._now()
        self._timer = GLib.timeout_add(5, self._tick)

    def stop(self):
        """Milliseconds."""
        GLib.source_remove(self._timer)
        return round(self._longest * 1000, 1)

    def _tick(self):
        now = self._now()
        self._longest = max(self._longest, now - self._last)
        self._last = now
        return True

    def _now(self):
        with open("/proc/thread-self/schedstat") as file:
            return time.monotonic() - int(file.read().split()[1]) / 1e9


def what_other_threads_run():
    """The plug-in's own functions that run outside the main thread during a fill."""
    seen = set()

    def profile(frame, event, argument):
        path = frame.f_code.co_filename
        if event == "call" and "scumble_gimp" in path and os.sep + "link" + os.sep not in path:
            seen.add(frame.f_code.co_name)

    image = screen.image_of(300, 200, shown=True)
    screen.select(image, 20, 20, 100, 100)
    threading.setprofile(profile)  # for threads that begin from now on: the client's
    try:
        window = screen.window_on(image)
        screen.fill_in(window, "a boat", 4)
        window.start.clicked()
        arrived = screen.filled(window, image, 2)
    finally:
        threading.setprofile(None)
    return {"arrived": arrived, "functions": sorted(seen)}


def every_field_is_there():
    """A form with nothing as it usually is comes back out of the window's fields."""
    image = screen.image_of(300, 200)
    window = screen.window_on(image)
    screen.rest(0.5)
    model, sampler = window.fields.model.chosen(), window.fields.sampler.chosen()
    facts = {}
    forms = {
        "choices": Form(
            prompt="a\nprompt",
            negative_prompt="but not this",
            model=model,
            sampler=sampler,
            steps=33,
            guidance_scale=3.5,
            strength=0.35,
            seed=2**32 - 1,
            batch=3,
            context=Context.WIDE,
            intent=Intent.REPLACE_BACKGROUND,
            prefill=Prefill.NOISE,
            mask=MaskSettings(grow=4.0, feather=0.0),
            colour_match=False,
            focus=True,
            gradient_domain=True,
        ),
        "padding": Form(model=model, sampler=sampler, padding=48),
        "marked": Form(
            model=model,
            sampler=sampler,
            marked_by="a mark",
            mask=MaskSettings(blend=3.0),
            mask_percent=MaskSettings(grow=2.5),
        ),
    }
    facts["fits"] = window.form().gradient_domain
    context, fold = window.fields.context, window.fields.selection
    facts["context"] = [context.get_mapped(), context.is_ancestor(fold), fold.get_expanded()]
    window.fields.selection.set_expanded(True)
    for name, form in forms.items():
        window._show_form(form)
        screen.rest(0.2)
        facts[name] = window.form() == form or [str(form), str(window.form())]
        facts[name + "_spin"] = window.fields.context.padding.get_visible()
        facts[name + "_grow"] = window.fields.selection.edges["grow"].number.get_text()
    screen.picture("fields")
    return facts


def modes_follow_the_selection():
    """The button says what the fill is for; without a prompt what is selected is removed."""
    image = screen.image_of(400, 300, shown=True)
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 300, 0, 100, 300)
    image.get_layers()[0].edit_clear()
    mark = Gimp.Layer.new(
        image, "mark", 400, 300, Gimp.ImageType.RGBA_IMAGE, 100.0, Gimp.LayerMode.NORMAL
    )
    buffer = mark.get_buffer()
    place = Gegl.Rectangle.new(30, 20, 170, 150)
    buffer.set(place, screen.PIXELS, b"\x01\x02\x03\xff" * 170 * 150)
    buffer.flush()
    image.insert_layer(mark, None, 0)
    mark.set_visible(False)
    window = screen.window_on(image)
    canvas = window._canvas
    facts = {"layers": canvas.layer_names()}
    facts["bounds"] = [str(canvas.layer_bounds(name)) for name in ("mark", "gone")]

    def label():
        window._look()
        return window.start.get_label()

    facts["empty"] = [label()]
    start = time.perf_counter()
    facts["empty"].append(canvas.mostly_empty(canvas.selection()))
    facts["look_ms"] = (time.perf_counter() - start) * 1000
    screen.select(image, 60, 60, 80, 60)
    window.prompt.set_text("")  # a window begins with what was asked last
    facts["silent"] = [label(), window.start.get_tooltip_text()]
    window.prompt.set_text("a cup")
    facts["typed"] = label()
    window.prompt.set_text("add a cup")
    facts["added"] = label()
    window.prompt.set_text("a cup")
    image.select_rectangle(Gimp.ChannelOps.REPLACE, 60, 60, 80, 60)
    Gimp.Selection.invert(image)
    start = time.perf_counter()
    facts["round_it"] = label()
    facts["round_it_ms"] = (time.perf_counter() - start) * 1000
    screen.select(image, 60, 60, 80, 60)
    window.fields.context.choice.choose(MARKED)
    facts["marked_at_first"] = window.form().marked_by
    window.fields.context.marked_by.get_child().set_text("gone")
    window._start()
    facts["missing"] = window.message.text()
    window.fields.context.marked_by.get_child().set_text("mark")
    window._look()
    with mock.patch.object(canvas, "layer_bounds", wraps=canvas.layer_bounds) as read:
        window.prompt.set_text("a cup of tea")
        facts["read_while_typing"] = read.call_count
    window.prompt.set_text("")
    facts["region"] = str(window._session.region(window.form()))
    before = screen.visible(image)
    window._look()
    window._start()
    facts["arrived"] = screen.wait(lambda: len(screen.names(image)) == 3)
    facts["names"] = screen.names(image)
    mask = screen.selected(image)
    facts["outside"], facts["inside"] = screen.changed(before, screen.visible(image), mask, 400)
    screen.picture("modes")
    return facts


def button_knows_what_can_be_done():
    image = screen.image_of(300, 200, shown=True)
    window = screen.window_on(image)

    window.prompt.set_text("a boat")

    def seen():
        window._look()
        return [window.start.get_label(), window.start.get_sensitive(), window.time.get_text()]

    facts = {"nothing": seen()}
    screen.picture("nothing")
    screen.select(image, 20, 20, 100, 100)
    facts["selected"] = seen()[:2]
    window.fields.strength.set_value(50)
    facts["weaker"] = seen()[:2]
    window.show_image(image, "scumble-generate")
    facts["generate"] = seen()[:2]
    window.show_image(image, "scumble-refine")
    facts["refine"] = [*seen()[:2], window.form().strength]
    image.convert_indexed(
        Gimp.ConvertDitherType.NONE, Gimp.ConvertPaletteType.WEB, 0, False, False, ""
    )
    facts["indexed"] = seen()
    screen.picture("indexed")
    screen.close(image)
    screen.wait(lambda: not image.is_valid(), 5.0)
    facts["closed"] = seen()
    return facts


def repeat_what_was_generated():
    """ "Repeat last" in the open window does the same again, whatever is selected."""
    image = screen.image_of(96, 64)
    screen.select(image, 20, 20, 30, 30)
    window = screen.window_on(image, "scumble-generate")
    screen.fill_in(window, "a sea", 2, seed=1)
    window._start()
    facts = {"arrived": [screen.filled(window, image, 2)]}
    window.show_image(image, "scumble-repeat")
    facts["arrived"].append(screen.filled(window, image, 3))
    facts["places"] = [screen.place(layer) for layer in image.get_layers()]
    return facts


def open_by_a_shortcut():
    """The test has bound a key to the menu's entry; the window opens, and its process ends with it.

    This is the plug-in as GIMP starts it, not the window of the other scenarios.
    """
    screen.image_of(400, 300, shown=True)
    screen.rest(2.0)

    def open_now():
        return Gimp.get_pdb().procedure_exists(WINDOW)

    facts = {"before": len(_plugin_processes())}
    screen.press("mousemove", "700", "500", "sleep", "0.3", "key", "ctrl+shift+F9")
    facts["opened"] = screen.wait(open_now, 15.0)
    facts["while"] = len(_plugin_processes())
    screen.rest(1.0)
    screen.press("search", "--onlyvisible", "--name", "^Scumble", "windowfocus", "key", "Escape")
    facts["closed"] = screen.wait(lambda: not open_now(), 10.0)
    facts["ended"] = screen.wait(lambda: not _plugin_processes(), 10.0)
    return facts


def _plugin_processes():
    """Those of Scumble's own plug-in; the scenarios run in another one."""
    found = []
    for process in os.listdir("/proc"):
        try:
            with open("/proc/%s/cmdline" % process, "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"/plug-ins/scumble/scumble.py") for word in words):
            found.append(process)
    return found


def values_follow_the_image():
    first, second = screen.image_of(200, 160), screen.image_of(200, 160)
    window = screen.window_on(first, "scumble-generate")
    screen.fill_in(window, "first", 3)
    window.show_image(second, "scumble-generate")
    screen.fill_in(window, "second", 4)
    window.image.choose(first.get_id())
    shown = [window.prompt.text(), window.form().steps]
    window.prompt.set_text("first, and more")
    window.show_image(first, "scumble-generate")
    return {
        "back": shown,
        "typed": window.prompt.text(),
        "image": window._canvas.image.get_id() == first.get_id(),
        "offered": sorted(window.image._values) == sorted([first.get_id(), second.get_id()]),
    }


def start_with_the_keyboard():
    """Ctrl+Enter starts; a second start waits behind the first."""
    image = screen.image_of(600, 400, shown=True)
    screen.select(image, 100, 100, 200, 150)
    window = screen.window_on(image)
    screen.fill_in(window, "a boat", 100, seed=1)
    screen.rest(1.0)
    screen.raise_above(window)
    window.prompt.focus()
    screen.press("key", "ctrl+Return")
    facts = {"began": screen.began(window), "prompt": window.prompt.text()}
    screen.fill_in(window, "a second boat", 5, seed=1)
    fields = window.fields
    fields.seed.grab_focus()
    typed = {fields.seed: "2", fields.steps: "4", fields.strength: "40"}
    typed[fields.selection.edges["grow"].number] = "3"
    for spin, text in typed.items():  # as keys do, but not confirmed
        spin.set_text(text)
    window._look()
    facts["while_typing"] = [window.form().seed, window.form().strength]
    screen.press("key", "ctrl+Return")

    def said():
        return window.activity.bar.get_text() or ""

    facts["waits"] = screen.wait(lambda: "1 more waiting" in said(), 20.0)
    screen.picture("working")
    facts["arrived"] = screen.filled(window, image, 3)
    facts["layers"] = screen.names(image)
    asked = list(window._session._asked.values())[-1]
    facts["asked"] = [asked.seed, asked.steps, asked.strength, asked.mask.grow]
    return facts


def cancel_in_the_window():
    image = screen.image_of(600, 400, shown=True)
    screen.select(image, 100, 100, 200, 150)
    window = screen.window_on(image)
    screen.fill_in(window, "a boat", 150)
    window.start.clicked()
    facts = {"began": screen.began(window)}
    window.activity.cancel.clicked()
    facts["ended"] = screen.wait(lambda: not screen.working(window))
    screen.rest(0.5)
    facts.update(layers=len(image.get_layers()), message=window.message.text())
    return facts


def error_in_the_window():
    image = screen.image_of(600, 400, shown=True)
    window = screen.window_on(image)
    window.prompt.set_text("x" * 9000)
    window.show_image(image, "scumble-generate")
    window.start.clicked()
    facts = {"message": window.message.text(), "layers": len(image.get_layers())}
    window.prompt.set_text("a boat")
    screen.picture("error")
    window.message.response(-7)  # its close button
    facts["hidden"] = window.message.text()
    result = Result("j", 0, Region(0, 0, 1, 1), "b", {"note": "Closed without it."})
    window.finished(result, "Removed")
    facts["note"] = window.message.text()
    return facts


def undo_the_fill():
    """The artist presses Ctrl+Z in GIMP's own window."""
    image = screen.image_of(600, 400, shown=True)
    screen.select(image, 100, 100, 200, 150)
    before = screen.visible(image)
    status, _ = screen.call("scumble-fill", image, prompt="a tree", seed=3, steps=2)
    facts = {"status": status, "layers": len(image.get_layers())}
    screen.rest(1.0)
    screen.press("mousemove", "700", "500", "sleep", "0.3", "key", "ctrl+z")
    facts["undone"] = screen.wait(lambda: len(image.get_layers()) == 1, 15.0)
    screen.rest(0.5)
    facts["left"] = screen.names(image)
    facts["same_bytes"] = screen.visible(image) == before
    screen.press("key", "ctrl+y")
    facts["redone"] = screen.wait(lambda: len(image.get_layers()) == 2, 15.0)
    return facts
