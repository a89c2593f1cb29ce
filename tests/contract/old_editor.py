"""An editor with an old Python: run with Python 3.8 and the folder that holds `link`.

    python3.8 old_editor.py PLUGIN_FOLDER HOME BACKEND_PYTHON

Fills a selection through session, client, daemon and worker, and prints the layer.
"""

import contextlib
import os
import queue
import sys
import time
from pathlib import Path

sys.path.insert(0, sys.argv[1])

from link.canvas import PasteOutcome
from link.client import Client
from link.form import Form, form_from_json, form_to_json
from link.home import Home
from link.session import Session
from link.values import Region, Size, Snapshot


class Canvas:
    def __init__(self):
        self.layers = []

    def document(self):
        return "one"

    def size(self):
        return Size(160, 120)

    def selection(self):
        return Region(40, 30, 20, 12)

    def snapshot(self, region, with_mask):
        pixels = region.size.pixels
        return Snapshot(self.size(), region, b"\x10\x20\x30\xff" * pixels, b"\xff" * pixels)

    def paste(self, document, result, pixels, name, canvas):
        assert canvas == self.size()
        assert len(pixels) == 4 * result.region.size.pixels
        self.layers.append(name)
        return PasteOutcome.PASTED


class View:
    def __init__(self):
        self.told = []
        self.errors = []

    def failed(self, error):
        self.errors.append(error)

    def __getattr__(self, name):
        return lambda *arguments: self.told.append(name)


def main():
    posted = queue.Queue()
    canvas, view = Canvas(), View()
    environ = {**os.environ, "SCUMBLE_PYTHON": sys.argv[3], "SCUMBLE_ENGINE": "fake"}
    home = Home(Path(sys.argv[2]))
    client = Client(home, "old", "Old", lambda *_: None, posted.put, environ=environ)
    session = Session(client, canvas, view)
    form = form_from_json(form_to_json(Form(prompt="red apple", seed=7, steps=4, batch=2)))
    session.start(form)
    client.start()
    deadline = time.time() + 60
    while len(canvas.layers) < 2 and not view.errors and time.time() < deadline:
        with contextlib.suppress(queue.Empty):
            posted.get(timeout=0.05)()
    said = client.request("shutdown")
    while not said.done() and time.time() < deadline:
        posted.get(timeout=5)()
    client.close()
    print(sys.version_info[:2], view.errors, canvas.layers, "progress" in view.told)


main()
