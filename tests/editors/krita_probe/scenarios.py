"""What is tried inside Krita. Facts are collected here and judged in tests/editors/test_krita.py."""

import os

from krita import Krita, Selection
from PyQt5.QtWidgets import QDockWidget

PICTURES = os.environ["SCUMBLE_PROBE_PICTURES"]


def docker():
    for found in Krita.instance().dockers():
        if found.objectName() == "scumble":
            return found
    raise LookupError("no docker named scumble")


def panel():
    found = docker().widget()
    assert found.metaObject().className() == "Panel", found
    return found


def window():
    return Krita.instance().activeWindow()


def grab(name):
    window().qwindow().grab().save(os.path.join(PICTURES, name + ".png"))


def start_up(facts):
    found = docker()
    found.setFloating(False)
    found.show()
    found.raise_()
    yield 500
    facts["area"] = int(window().qwindow().dockWidgetArea(found))
    facts["visible"] = found.isVisible()
    facts["button"] = panel().button.text()
    facts["button_enabled"] = panel().button.isEnabled()
    facts["actions"] = {
        name: Krita.instance().action(name).shortcut().toString()
        for name in ("scumble_start", "scumble_cancel", "scumble_paste_recovered")
    }
    yield 2000
    facts["state"] = panel().state.text()
    facts["message"] = panel().message.text()
    grab("start_up")


SCENARIOS = {"start_up": start_up}
