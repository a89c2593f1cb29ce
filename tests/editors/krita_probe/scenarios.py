"""What is tried inside Krita. Facts are collected here and judged in test_krita.py."""

import os
import time

from krita import Krita
from PyQt5.QtCore import QByteArray

from . import krita_screen as screen
from . import lifetimes, reading


def start_up(facts):
    screen.make_room()
    found = screen.docker()
    yield 500
    panel = screen.panel()
    facts["visible"] = found.isVisible()
    facts["button_without_document"] = panel.button.isEnabled()
    facts["shortcuts"] = {
        name: Krita.instance().action(name).shortcut().toString()
        for name in ("scumble_start", "scumble_cancel", "scumble_paste_recovered")
    }
    yield lambda: panel.fields.model.count() > 0
    facts["message"] = panel.message.text()
    facts["models"] = [
        panel.fields.model.itemText(index) for index in range(panel.fields.model.count())
    ]


def _fill_in(model, depth):
    def scenario(facts):
        document = screen.new_document(model + depth, 900, 700, model, depth)
        screen.select(document, 300, 200, 160, 120)
        yield lambda: screen.idle(document)
        before = screen.visible(document)
        screen.set_form("blue boat")
        yield screen.says("Fill")
        screen.panel().button.click()
        yield screen.settled(document, 2)
        after = screen.visible(document)
        facts["document"] = [document.colorModel(), document.colorDepth()]
        facts["names"] = screen.names(document)
        facts["bounds"] = screen.bounds(screen.layers(document)[-1])
        facts["changed_outside"] = screen.changes_outside(before, after, 300, 200, 160, 120)
        facts["changed_inside"] = screen.differ(before, after, 300, 200, 160, 120)
        screen.undo()
        yield lambda: screen.idle(document) and len(screen.names(document)) == 1
        undone = screen.visible(document)
        facts["changed_after_undo"] = screen.changes_outside(before, undone, 0, 0, 0, 0)
        yield from screen.close(document)
        yield 200

    return scenario


def soft_selection(facts):
    document = screen.new_document("soft", 600, 500)
    mask = screen.select_disc(document, 200, 150, 180)
    yield lambda: screen.idle(document)
    before = screen.visible(document)
    screen.set_form("a round thing")
    yield screen.says("Fill")
    screen.grab("docker", screen.docker())
    screen.panel().button.click()
    yield screen.settled(document, 2)
    yield 500
    screen.grab("window")
    after = screen.visible(document)
    layer = screen.layers(document)[-1]
    alpha = bytes(layer.pixelData(200, 150, 180, 180))[3::4]
    facts["alpha_where_nothing_is_selected"] = sum(
        alpha[at] for at in range(len(mask)) if mask[at] == 0
    )
    facts["alpha_above_selection"] = sum(alpha[at] > mask[at] for at in range(len(mask)))
    facts["different_alphas"] = len(set(alpha))
    facts["changed_outside"] = screen.changes_outside(before, after, 200, 150, 180, 180)
    yield from screen.close(document)


def generate_and_refine(facts):
    document = screen.new_document("whole", 256, 192)
    document.setSelection(None)
    yield lambda: screen.idle(document)
    screen.set_form("slow lake", batch=2)
    yield screen.says("Generate")
    screen.panel().button.click()
    yield lambda: screen.panel().preview.isVisible()
    screen.grab("working", screen.docker())
    yield screen.settled(document, 3)
    facts["generated"] = [screen.bounds(node) for node in screen.layers(document)]
    facts["names"] = screen.names(document)
    screen.set_form("a lake in fog", strength=60)
    yield screen.says("Refine")
    screen.panel().button.click()
    yield screen.settled(document, 4)
    facts["refined"] = screen.names(document)
    screen.select(document, 40, 40, 64, 64)
    yield screen.says("Refine selection")
    screen.set_form("a duck", strength=60)
    screen.panel().button.click()
    yield screen.settled(document, 5)
    facts["refined_selection"] = screen.names(document)
    yield from screen.close(document)


def random_seed_is_shown_and_held(facts):
    document = screen.new_document("seeds", 128, 128)
    yield lambda: screen.idle(document)
    screen.set_form("a pebble", seed=None)
    yield screen.says("Generate")
    screen.panel().button.click()
    yield screen.settled(document, 2)
    field = screen.panel().fields.seed
    facts["layer"] = screen.names(document)[-1]
    facts["random"] = field.seed()
    field._random.setChecked(False)
    facts["held"] = field.seed()
    screen.panel().button.click()
    yield screen.settled(document, 3)
    facts["second_layer"] = [name for name in screen.names(document) if "seed" in name]
    first, second = (bytes(node.pixelData(0, 0, 128, 128)) for node in screen.layers(document)[1:3])
    facts["same_bytes"] = first == second
    yield from screen.close(document)


def start_while_typing(facts):
    document = screen.new_document("typed", 128, 128)
    yield lambda: screen.idle(document)
    screen.set_form("a shell")
    yield screen.says("Generate")
    field = screen.panel().fields.strength
    field.setFocus()
    field.lineEdit().setText("40 %")  # as keys do, but not confirmed
    yield 700
    facts["while_typing"] = screen.panel().form().strength
    Krita.instance().action("scumble_start").trigger()
    yield screen.settled(document, 2)
    facts["asked"] = list(screen.docker()._backend.session._asked.values())[-1].strength
    yield from screen.close(document)


def active_mask_in_a_group(facts):
    document = screen.new_document("nested", 400, 300)
    group = document.createGroupLayer("group")
    document.rootNode().addChildNode(group, screen.layers(document)[-1])
    inner = document.createNode("inner", "paintlayer")
    group.addChildNode(inner, None)
    mask = document.createNode("mask", "transparencymask")
    inner.addChildNode(mask, None)
    screen.select(document, 100, 100, 96, 96)
    yield lambda: screen.idle(document)
    yield 500
    document.setActiveNode(mask)
    yield 500
    facts["active"] = document.activeNode().name()
    screen.set_form("a leaf")
    yield screen.says("Fill")
    screen.panel().button.click()
    yield lambda: screen.pasted(document) or screen.panel().message.text()
    facts["message"] = screen.panel().message.text()
    facts["group"] = [node.name() for node in group.childNodes()]
    facts["top"] = screen.names(document)
    yield from screen.close(document)


def fill_again_and_again(facts):
    """Results of one selection, one after the other: the newest is the one to be seen."""
    document = screen.new_document("again", 300, 200)
    screen.select(document, 50, 50, 64, 64)
    yield lambda: screen.idle(document)
    for number in (1, 2, 3):
        screen.set_form(f"try {number}", seed=number)
        yield screen.says("Fill")
        screen.panel().button.click()
        yield screen.settled(document, 1 + number)
        yield 300
    facts["names"] = screen.names(document)
    facts["active"] = document.activeNode().name()
    yield lambda: screen.panel().estimate.text().startswith("About")
    facts["estimate"] = screen.panel().estimate.text()
    for _ in range(3):
        screen.undo()
        yield 300
    facts["undone"] = screen.names(document)
    yield from screen.close(document)


def modes_follow_the_selection(facts):
    """The button says what the fill is for, without a prompt it removes, a layer marks context."""
    document = screen.new_document("modes", 600, 400)
    background = screen.layers(document)[0]
    background.setPixelData(QByteArray(bytes(200 * 400 * 4)), 400, 0, 200, 400)
    red = QByteArray(b"\x00\x00\xff\xff" * 60 * 40)  # what is to be removed
    background.setPixelData(red, 110, 110, 60, 40)
    mark = document.createNode("mark", "paintlayer")
    document.rootNode().addChildNode(mark, None)
    mark.setPixelData(QByteArray(b"\x10\x20\x30\xff" * 150 * 120), 60, 50, 150, 120)
    mark.setVisible(False)
    document.refreshProjection()
    yield lambda: screen.idle(document)
    canvas = screen.docker()._backend.canvas
    facts["layers"] = canvas.layer_names()
    facts["bounds"] = [str(canvas.layer_bounds(name)) for name in ("mark", "gone")]
    screen.set_form("", strength=100)
    screen.select(document, 420, 100, 120, 120)
    yield screen.says("Expand")
    screen.select(document, 100, 100, 80, 60)
    yield screen.says("Remove")
    screen.set_form("a cup")
    yield screen.says("Fill")
    Krita.instance().action("invert_selection").trigger()
    yield screen.says("Replace background")
    screen.select(document, 100, 100, 80, 60)
    screen.set_form("add a cup")
    yield screen.says("Add")
    screen.set_form("a cup")
    yield screen.says("Fill")
    context = screen.panel().fields.context
    contexts = [context.choice.itemText(index) for index in range(context.choice.count())]
    context.choice.setCurrentIndex(contexts.index("Marked by a layer"))
    context.marked_by.setEditText("gone")
    yield 600
    screen.panel().button.click()
    yield lambda: screen.panel().message.text() != ""
    facts["missing"] = screen.panel().message.text()
    facts["names_after_missing"] = screen.names(document)
    context.marked_by.setEditText("mark")
    screen.set_form("")
    yield screen.says("Remove")
    before = screen.visible(document)
    facts["region"] = str(screen.docker()._backend.session.region(screen.panel().form()))
    screen.panel().button.click()
    yield screen.settled(document, 2)
    facts["names"] = screen.names(document)
    after = screen.visible(document)
    facts["changed_outside"] = screen.changes_outside(before, after, 100, 100, 80, 60)
    facts["changed_inside"] = screen.differ(before, after, 100, 100, 80, 60)
    screen.panel().fields.fold.set_open(True)
    yield 300
    screen.grab("modes")
    screen.panel().fields.fold.set_open(False)
    context.choice.setCurrentIndex(contexts.index("Auto"))
    yield from screen.close(document)
    large = screen.new_document("points", 4000, 3000, "RGBA", "F32")
    screen.select(large, 100, 100, 3000, 2000)
    yield lambda: screen.idle(large)
    canvas.mostly_empty(canvas.selection())
    start = time.perf_counter()
    facts["large_is_empty"] = canvas.mostly_empty(canvas.selection())
    facts["look_ms"] = (time.perf_counter() - start) * 1000
    yield from screen.close(large)


def errors_are_sentences(facts):
    document = screen.new_document("errors", 200, 200)
    screen.select(document, 300, 300, 50, 50)
    yield lambda: screen.idle(document)
    screen.set_form("nowhere")
    yield 700
    screen.panel().button.click()
    yield lambda: screen.panel().message.text()
    facts["message"] = screen.panel().message.text()
    facts["names"] = screen.names(document)
    facts["dialogs"] = _dialogs()
    screen.panel().message.forget()
    yield from screen.close(document)


def model_added_while_the_list_is_open(facts):
    screen.make_room()
    panel = screen.panel()
    models, session = panel.fields.model, screen.docker()._backend.session

    def listed():
        return [models.itemText(row) for row in range(models.count())]

    yield lambda: models.count() > 0
    facts["before"], facts["hint_before"] = listed(), panel.model_hint.isVisible()
    models.showPopup()
    open(os.path.join(os.environ["SCUMBLE_HOME"], "list_is_open"), "w").close()
    yield lambda: len(session.capabilities.models) > len(facts["before"])
    yield 500
    facts["open"], facts["while_open"] = models.view().isVisible(), listed()
    models.hidePopup()
    yield lambda: len(listed()) > len(facts["before"])
    facts["after"], facts["hint_after"] = listed(), panel.model_hint.isVisible()
    facts["chosen"] = models.currentText()


def _dialogs():
    from PyQt5.QtWidgets import QApplication, QDialog

    return [
        widget.windowTitle()
        for widget in QApplication.topLevelWidgets()
        if isinstance(widget, QDialog) and widget.isVisible()
    ]


def picture_for_the_readme(facts):
    """A fill in a meadow; not a test. See take_screenshot.py."""
    screen.make_room()
    yield lambda: screen.panel().fields.model.count() > 0
    document = Krita.instance().openDocument(os.environ["SCUMBLE_PROBE_PICTURE"])
    screen.window().addView(document)
    screen.select(document, *map(int, os.environ["SCUMBLE_PROBE_SELECTION"].split(",")))
    screen.set_form(os.environ["SCUMBLE_PROBE_PROMPT"], steps=20, seed=None)
    yield screen.says("Fill")
    yield 1500
    screen.panel().button.click()
    yield lambda: screen.panel().preview.isVisible()
    yield 1500
    screen.grab("working")
    yield screen.settled(document, 2)
    yield 1500
    screen.grab("screenshot")
    yield from screen.close(document)


SCENARIOS = {
    "picture_for_the_readme": picture_for_the_readme,
    "start_up": start_up,
    "fill_in_a_large_document": reading.fill_in_a_large_document,
    "generate_whole": reading.whole("Generate", "U8", 100),
    "refine_whole": reading.whole("Refine", "U8", 60),
    "refine_whole_float": reading.whole("Refine", "F32", 60),
    "changed_while_it_is_read": reading.changed_while_it_is_read,
    "soft_selection": soft_selection,
    "generate_and_refine": generate_and_refine,
    "random_seed_is_shown_and_held": random_seed_is_shown_and_held,
    "start_while_typing": start_while_typing,
    "cancel": lifetimes.cancel,
    "close_document_during_work": lifetimes.close_document_during_work,
    "discard_recovered": lifetimes.discard_recovered,
    "close_document_while_its_layer_is_made": lifetimes.close_document_while_its_layer_is_made,
    "crop_during_work": lifetimes.crop_during_work,
    "resize_while_its_layer_is_made": lifetimes.resize_while_its_layer_is_made,
    "close_window_while_reading": lifetimes.close_window_while_reading,
    "another_document_comes_to_the_front": (
        lifetimes.another_document_comes_to_the_front_before_the_picture_is_at_rest
    ),
    "paint_on_the_marking_layer_while_reading": lifetimes.paint_on_the_marking_layer_while_reading,
    "two_documents": lifetimes.two_documents,
    "active_mask_in_a_group": active_mask_in_a_group,
    "fill_again_and_again": fill_again_and_again,
    "paint_while_the_result_comes": lifetimes.paint_while_the_result_comes,
    "values_follow_the_document": lifetimes.values_follow_the_document,
    "modes_follow_the_selection": modes_follow_the_selection,
    "errors_are_sentences": errors_are_sentences,
    "model_added_while_the_list_is_open": model_added_while_the_list_is_open,
    "quit_while_working": lifetimes.quit_while_working,
    "recovered_after_restart": lifetimes.recovered_after_restart,
}
for _model, _depth in (
    ("RGBA", "U16"),
    ("RGBA", "F32"),
    ("GRAYA", "U8"),
    ("GRAYA", "U16"),
    ("CMYKA", "U8"),
    ("CMYKA", "U16"),
    ("LABA", "U16"),
):
    SCENARIOS[f"fill_in_{_model}_{_depth}"] = _fill_in(_model, _depth)
