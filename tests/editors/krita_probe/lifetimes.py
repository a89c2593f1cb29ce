"""Scenarios about what ends, closes or is touched while the work goes on."""

import importlib
import os
import threading
import weakref
from unittest import mock

from krita import Krita
from PyQt5.QtCore import QByteArray
from PyQt5.QtWidgets import QApplication, QDockWidget

from . import krita_screen as screen


def cancel(facts):
    document = screen.new_document("cancelled", 800, 600)
    screen.select(document, 200, 200, 200, 200)
    yield lambda: screen.idle(document)
    before = screen.visible(document)
    document.setModified(False)
    screen.set_form("slow mountain", steps=200)
    yield screen.says("Fill")
    screen.panel().button.click()
    yield lambda: screen.panel().progress_line.text().startswith("Step")
    facts["cancel_shown"] = screen.panel().cancel_button.isVisible()
    screen.panel().cancel_button.click()
    yield lambda: not screen.working()
    yield 1500  # nothing may come late
    facts["names"] = screen.names(document)
    facts["changed"] = screen.changes_outside(before, screen.visible(document), 0, 0, 0, 0)
    facts["message"] = screen.panel().message.text()
    facts["button"] = screen.panel().button.isEnabled()
    yield from screen.close(document)


def close_document_during_work(facts):
    document = screen.new_document("closed", 640, 480)
    screen.select(document, 100, 100, 128, 128)
    yield lambda: screen.idle(document)
    screen.set_form("slow lighthouse", steps=100)
    yield screen.says("Fill")
    yield screen.REST_MS
    screen.panel().button.click()
    yield lambda: screen.panel().progress_line.text().startswith("Step")
    screen.close_now(document)
    # Krita 5.2 hides its dockers while no document is open
    yield lambda: not screen.panel().recovered_button.isHidden()
    actions = screen.offers()
    facts["offered"] = [action.text() for action in actions]
    other = screen.new_document("another", 640, 480)
    yield lambda: screen.idle(other)
    actions[0].trigger()
    yield screen.settled(other, 2)
    facts["names"] = screen.names(other)
    facts["bounds"] = screen.bounds(screen.layers(other)[-1])
    yield lambda: screen.panel().recovered_button.isHidden()
    yield from screen.close(other)


def discard_recovered(facts):
    """One by its entry in the menu, the others after a question; what comes meanwhile stays."""
    values = importlib.import_module("scumble.link.values")
    place = values.Region(0, 0, 20, 10)
    results = [values.Result("%032d" % n, 0, place, "b", {"seed": n}) for n in range(4)]
    panel, session = screen.panel(), screen.docker()._backend.session
    document = screen.new_document("discarding", 320, 240)
    yield lambda: screen.idle(document)
    discarded = []
    with mock.patch.object(session, "discard_recovered", discarded.append):
        panel.recovered(results[:3])
        menu = panel.recovered_button.discard_menu
        facts["menu"] = [action.text() for action in menu.actions()]
        menu.actions()[2].trigger()
        yield lambda: discarded
        for answer in ("Cancel", "Discard all"):
            panel.recovered(results[1:3])
            menu.actions()[0].trigger()
            yield lambda: QApplication.activeModalWidget()
            question = QApplication.activeModalWidget()
            facts["question"] = question.text()
            panel.recovered(results[1:])
            next(b for b in question.buttons() if b.text().replace("&", "") == answer).click()
            yield lambda: QApplication.activeModalWidget() is None
            yield 300
            facts["after " + answer] = len(discarded)
    facts["discarded"] = [[result.metadata["seed"] for result in each] for each in discarded]
    panel.recovered([])
    yield from screen.close(document)


def close_document_while_its_layer_is_made(facts):
    """A float document of this size takes a second to make room for the layer."""
    document = screen.new_document("closed late", 4000, 3000, "RGBA", "F32")
    screen.select(document, 1700, 1200, 256, 256)
    yield lambda: screen.idle(document)
    screen.set_form("late", steps=2)
    yield screen.says("Fill")
    yield screen.REST_MS
    canvas = screen.docker()._backend.canvas
    screen.panel().button.click()
    yield lambda: canvas._addition is not None
    facts["layers"] = screen.names(document)
    ended = []
    mine = threading.get_ident()
    gone = weakref.ref(canvas._addition, lambda _: ended.append(threading.get_ident() == mine))
    screen.close_now(document)
    # Krita 5.2 hides its dockers while no document is open
    yield lambda: not screen.panel().recovered_button.isHidden()
    yield lambda: gone() is None
    facts["ended_on_the_main_thread"] = ended
    actions = screen.offers()
    facts["offered"] = [action.text() for action in actions]
    other = screen.new_document("open", 640, 480)
    yield lambda: screen.idle(other)
    actions[0].trigger()
    yield screen.settled(other, 2)
    facts["names"] = screen.names(other)
    yield from screen.close(other)


def crop_during_work(facts):
    document = screen.new_document("cropped", 640, 480)
    screen.select(document, 400, 300, 128, 128)
    yield lambda: screen.idle(document)
    screen.set_form("slow harbour", steps=60)
    yield screen.says("Fill")
    yield screen.REST_MS
    screen.panel().button.click()
    yield lambda: screen.panel().progress_line.text().startswith("Step")
    document.crop(0, 0, 300, 200)
    yield lambda: screen.panel().message.text()
    facts["message"] = screen.panel().message.text()
    screen.panel().message.forget()
    facts["names"] = screen.names(document)
    actions = screen.offers()
    facts["offered"] = [action.text() for action in actions]
    actions[0].trigger()
    yield screen.settled(document, 2)
    yield lambda: screen.panel().recovered_button.isHidden()
    facts["names_by_hand"] = screen.names(document)
    facts["bounds"] = screen.bounds(screen.layers(document)[-1])
    yield from screen.close(document)


def resize_while_its_layer_is_made(facts):
    """A float document of this size takes a second to make room for the layer."""
    document = screen.new_document("resized late", 4000, 3000, "RGBA", "F32")
    screen.select(document, 1700, 1200, 256, 256)
    yield lambda: screen.idle(document)
    screen.set_form("late", steps=2)
    yield screen.says("Fill")
    yield screen.REST_MS
    canvas = screen.docker()._backend.canvas
    screen.panel().button.click()
    yield lambda: canvas._addition is not None
    facts["layers"] = screen.names(document)
    document.resizeImage(100, 0, 3900, 3000)
    yield lambda: screen.panel().message.text()
    facts["message"] = screen.panel().message.text()
    screen.panel().message.forget()
    facts["names"] = screen.names(document)
    yield lambda: screen.idle(document)
    screen.set_form("next", steps=2)
    screen.panel().button.click()
    yield screen.settled(document, 2)
    facts["names_afterwards"] = screen.names(document)
    facts["offered"] = len(screen.offers())
    screen.offers()[0].trigger()
    yield screen.settled(document, 3)
    yield from screen.close(document)


def close_window_while_reading(facts):
    """The document stays open in the first window, so the work goes on."""
    document = screen.new_document("two windows", 4000, 3000)
    document.setSelection(None)
    yield lambda: screen.idle(document)
    first = screen.window().qwindow()
    second = Krita.instance().openWindow()
    yield screen.REST_MS
    second.addView(document)
    second.activate()
    yield screen.REST_MS
    docker = second.qwindow().findChild(QDockWidget, "scumble")
    docker.show()
    panel = docker.widget()
    panel.prompt.setPlainText("the whole")
    panel.fields.strength.setValue(60)
    panel.fields.steps.setValue(2)
    panel.fields.seed.set_seed(7)
    yield lambda: panel.button.text() == "Refine" and panel.button.isEnabled()
    yield screen.REST_MS
    panel.button.click()
    facts["reading"] = docker._reading
    second.qwindow().close()  # Window.close would end Krita
    yield lambda: docker._gone()
    facts["read_when_the_window_went"] = not docker._reading
    first.activateWindow()
    # Krita crashes when it is asked for its dockers while no window of it is active
    yield lambda: QApplication.activeWindow() is first
    yield screen.settled(document, 2)
    facts["names"] = screen.names(document)
    facts["message"] = screen.panel().message.text()
    yield from screen.close(document)


def another_document_comes_to_the_front_before_the_picture_is_at_rest(facts):
    document = screen.new_document("asked", 300, 200)
    yield lambda: screen.idle(document)
    screen.set_form("a stone")
    yield screen.says("Generate")
    yield screen.REST_MS
    canvas = screen.docker()._backend.canvas
    canvas.busy = lambda: True  # as while a stroke or a filter is under way
    screen.panel().button.click()
    other = screen.new_document("not asked", 300, 200)
    yield 100
    del canvas.busy
    yield lambda: screen.panel().message.text()
    facts["message"] = screen.panel().message.text()
    screen.panel().message.forget()
    yield 1000
    facts["names"] = [screen.names(document), screen.names(other)]
    yield screen.says("Generate")
    yield from screen.close(other)
    yield from screen.close(document)


def paint_on_the_marking_layer_while_reading(facts):
    document = screen.new_document("marked", 2400, 2000)
    mark = document.createNode("mark", "paintlayer")
    document.rootNode().addChildNode(mark, None)
    mark.setPixelData(QByteArray(b"\x10\x20\x30\xff" * 2000 * 1600), 100, 100, 2000, 1600)
    document.refreshProjection()
    screen.select(document, 1000, 800, 128, 128)
    yield lambda: screen.idle(document)
    screen.set_form("a leaf")
    context = screen.panel().fields.context
    contexts = [context.choice.itemText(index) for index in range(context.choice.count())]
    context.choice.setCurrentIndex(contexts.index("Marked by a layer"))
    context.marked_by.setEditText("mark")
    yield screen.says("Fill")
    yield screen.REST_MS
    screen.panel().button.click()
    facts["reading"] = screen.docker()._reading
    mark.setPixelData(QByteArray(b"\x10\x20\x30\xff" * 64 * 64), 2300, 1900, 64, 64)
    yield lambda: not screen.docker()._reading
    facts["message"] = screen.panel().message.text()
    context.choice.setCurrentIndex(contexts.index("Auto"))
    if not facts["message"]:
        yield lambda: screen.pasted(document) and screen.idle(document)
    facts["results"] = screen.pasted(document)
    yield from screen.close(document)


def two_documents(facts):
    first = screen.new_document("first", 500, 400)
    screen.select(first, 100, 100, 128, 96)
    yield lambda: screen.idle(first)
    screen.set_form("slow windmill", steps=30)
    yield screen.says("Fill")
    screen.panel().button.click()
    second = screen.new_document("second", 300, 300)
    yield lambda: screen.idle(second)
    before = screen.visible(second)
    yield screen.settled(first, 2)
    facts["front"] = Krita.instance().activeDocument() == second
    facts["first"] = screen.names(first)
    facts["bounds"] = screen.bounds(screen.layers(first)[-1])
    facts["second"] = screen.names(second)
    facts["second_changed"] = screen.changes_outside(before, screen.visible(second), 0, 0, 0, 0)
    yield from screen.close(second)
    yield from screen.close(first)


def paint_while_the_result_comes(facts):
    document = screen.new_document("painted", 800, 600)
    screen.select(document, 200, 150, 400, 300)
    yield lambda: screen.idle(document)
    yield 500
    screen.set_form("a cloud")
    yield screen.says("Fill")
    pen = screen.Pen()
    screen.panel().button.click()
    pen.press()
    for _ in range(5):
        pen.move(6, 2)
        yield 60
    yield lambda: not screen.working()
    yield 500
    facts["layers_while_painting"] = screen.names(document)
    seen = screen.visible(document)
    for _ in range(10):
        pen.move(6, 2)
        yield 60
    facts["painted_after_the_result"] = screen.differ(
        seen, screen.visible(document), 0, 0, 800, 600
    )
    pen.release()
    yield screen.settled(document, 2)
    facts["layers_afterwards"] = screen.names(document)
    screen.undo()
    yield lambda: len(screen.names(document)) == 1 and screen.idle(document)
    facts["painted_after_undo"] = screen.differ(seen, screen.visible(document), 0, 0, 800, 600)
    yield from screen.close(document)


def values_follow_the_document(facts):
    first = screen.new_document("values one", 128, 128)
    yield lambda: screen.idle(first)
    screen.set_form("one", steps=11, seed=111)
    yield screen.says("Generate")
    screen.panel().button.click()
    yield screen.settled(first, 2)
    path = os.path.join(os.environ["SCUMBLE_PROBE_PICTURES"], "values.kra")
    first.setBatchmode(True)
    facts["saved"] = first.saveAs(path)
    first.waitForDone()
    second = screen.new_document("values two", 128, 128)
    yield 700
    screen.set_form("two", steps=22, seed=222)
    yield 700
    yield from screen.close(second)
    yield from screen.close(first)
    # not without a document: Krita 5.2 hides its dockers then, and nobody can type in them
    third = screen.new_document("values three", 128, 128)
    yield 700
    screen.set_form("three", steps=33, seed=333)
    opened = Krita.instance().openDocument(path)
    screen.window().addView(opened)
    yield lambda: screen.panel().prompt.toPlainText() != "three"
    form = screen.panel().form()
    facts["form"] = [form.prompt, form.steps, form.seed]
    facts["markers"] = screen.pasted(opened)
    yield from screen.close(opened)
    yield from screen.close(third)


def quit_while_working(facts):
    """The last scenario of a run: Krita closes with a job under way."""
    document = screen.new_document("left behind", 320, 240)
    yield lambda: screen.idle(document)
    screen.set_form("slow island", steps=100)
    yield screen.says("Generate")
    yield screen.REST_MS
    screen.panel().button.click()
    yield lambda: screen.panel().progress_line.text().startswith("Step")
    facts["working"] = screen.working()


def recovered_after_restart(facts):
    screen.make_room()
    yield lambda: screen.offers()
    document = screen.new_document("after", 320, 240)
    yield lambda: screen.idle(document)
    actions = screen.offers()
    facts["offered"] = [action.text() for action in actions]
    Krita.instance().action("scumble_paste_recovered").trigger()
    yield screen.settled(document, 2)
    facts["names"] = screen.names(document)
    yield from screen.close(document)
