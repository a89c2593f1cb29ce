"""Large documents, read in turns: Krita stays awake, and what is read belongs together."""

import gc
import json
import sys

from krita import Document, Krita, Node
from PyQt5.QtCore import QByteArray

from . import krita_screen as screen
from .watch import Watch


def fill_in_a_large_document(facts):
    document = screen.new_document("large", 4000, 3000)
    screen.select(document, 1700, 1200, 512, 512)
    yield lambda: screen.idle(document)
    before = screen.visible(document)
    screen.set_form("slow red apple", steps=8)
    yield screen.says("Fill")
    yield 1000  # whatever the new document still keeps Krita busy with
    yield from _krita_adds_a_layer(document, facts)
    yield from _press_and_watch(document, facts)
    after = screen.visible(document)
    layer = screen.layers(document)[-1]
    facts["names"] = screen.names(document)
    facts["type"] = layer.type()
    facts["colours"] = [layer.colorModel(), layer.colorDepth(), layer.colorProfile()]
    facts["bounds"] = screen.bounds(layer)
    facts["changed_outside"] = screen.changes_outside(before, after, 1700, 1200, 512, 512)
    facts["changed_inside"] = screen.differ(before, after, 1700, 1200, 512, 512)
    facts["modified"] = document.modified()
    facts["active"] = document.activeNode().name()
    markers = [key for key in document.annotationTypes() if key.startswith("scumble/result/")]
    facts["markers"] = len(markers)
    facts["metadata"] = json.loads(bytes(document.annotation(markers[0])).decode())
    yield from _krita_takes_a_layer_away(document, facts)
    undone = screen.visible(document)
    facts["changed_after_undo"] = screen.changes_outside(before, undone, 0, 0, 0, 0)
    screen.redo()
    yield lambda: screen.idle(document) and len(screen.names(document)) == 2
    facts["redone_as_it_was"] = screen.visible(document) == after
    yield from screen.close(document)


def _press_and_watch(document, facts):
    """Fill, until the layer is there, and how long Krita was away meanwhile."""
    watch = Watch()
    watch.start()
    screen.panel().button.click()
    facts["working_at_once"] = screen.working()
    yield screen.settled(document, 2)
    yield 500
    watch.stop()
    facts["watch"] = watch.facts()


def _krita_adds_a_layer(document, facts):
    """How long Krita is away of its own when a layer comes and goes, to compare with."""
    own = Watch()
    own.start()
    Krita.instance().action("add_new_paint_layer").trigger()
    yield 1000
    yield lambda: screen.idle(document) and len(screen.names(document)) == 2
    screen.undo()
    yield lambda: screen.idle(document) and len(screen.names(document)) == 1
    yield 1000
    own.stop()
    facts["krita_adds_a_layer_itself"] = own.facts()


def _krita_takes_a_layer_away(document, facts):
    """The same for the undo of a result, which composes as much anew as its coming did."""
    own = Watch()
    own.start()
    screen.undo()
    yield lambda: screen.idle(document) and len(screen.names(document)) == 1
    yield 500
    own.stop()
    facts["krita_takes_the_layer_away_itself"] = own.facts()


def whole(label, depth, strength):
    """The whole of a large document is read (or not) and written."""

    def scenario(facts):
        document = screen.new_document(label, 4000, 3000, "RGBA", depth)
        document.setSelection(None)
        yield lambda: screen.idle(document)
        before = screen.visible(document)
        screen.set_form("the whole", steps=2, strength=strength)
        yield screen.says(label)
        yield 1000
        yield from _krita_adds_a_layer(document, facts)
        yield from _press_and_watch(document, facts)
        facts["names"] = screen.names(document)
        facts["bounds"] = screen.bounds(screen.layers(document)[-1])
        facts["changed"] = screen.changes_outside(before, screen.visible(document), 0, 0, 0, 0) > 0
        yield from _krita_takes_a_layer_away(document, facts)
        undone = screen.visible(document)
        facts["changed_after_undo"] = screen.changes_outside(before, undone, 0, 0, 0, 0)
        yield from screen.close(document)

    return scenario


def changed_while_it_is_read(facts):
    """What is painted between two strips is not in the picture that is sent."""
    document = screen.new_document("read", 4000, 3000)
    yield lambda: screen.idle(document)
    before = screen.visible(document)
    canvas = screen.docker()._backend.canvas
    reading = sys.modules[type(canvas).__module__.replace(".canvas", ".reading")]
    whole = reading.Region(0, 0, 4000, 3000)
    read = []
    gc.collect()
    gc.disable()
    reading.read_in_turns(document, whole, False, lambda *found: read.append(found))
    turns = 0
    while not read:
        turns += 1
        if turns == 2:
            background = screen.layers(document)[0]
            red = QByteArray(b"\x00\x00\xff\xff" * 4000 * 512)
            background.setPixelData(red, 0, 2400, 4000, 512)
            document.refreshProjection()
        yield 1
    facts["turns"] = turns
    yield 500  # Qt lets go of its timers' functions a little later
    facts["left_to_the_collector"] = _left_to_the_collector()
    snapshot, error = read[0]
    facts["read_as_it_was"] = error is None and snapshot.pixels == before[2]
    yield lambda: screen.idle(document)
    facts["changed_meanwhile"] = screen.visible(document)[2] != before[2]
    yield from screen.close(document)


def _left_to_the_collector():
    """Krita's objects that only Python's collector would end, on whatever thread it runs."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    found = [type(each).__name__ for each in gc.garbage if isinstance(each, (Document, Node))]
    gc.set_debug(0)
    gc.garbage.clear()
    gc.enable()
    return found
