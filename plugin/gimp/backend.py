"""The session of one image window or one batch call, and what brings news to the main thread."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from gi.repository import Gimp, GLib

from .canvas import GimpCanvas
from .keep import client_id
from .link.canvas import View
from .link.client import Client
from .link.home import find_install, find_plugin_home
from .link.session import Session

PLUGIN_FOLDER = Path(__file__).resolve().parent.parent


def post(function: Callable[[], None]) -> None:
    """Run on the main thread, where alone GIMP may be called. From any thread."""

    def once() -> bool:
        function()
        return False  # GLib: do not call again

    GLib.idle_add(once)


def open_session(canvas: GimpCanvas, view: View) -> "tuple":
    """(client, session); the client has begun to connect and starts the daemon when need be."""
    home = find_plugin_home(PLUGIN_FOLDER)
    client = Client(
        home,
        client_id(),
        "GIMP " + Gimp.version(),
        lambda kind, fields, blobs: None,
        post,
        find_install(PLUGIN_FOLDER, home),
    )
    session = Session(client, canvas, view)
    client.start()
    return client, session
