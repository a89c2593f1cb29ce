"""Results that wait: to be pasted by hand, or to be offered no more."""

from __future__ import annotations

from typing import Callable, List

from gi.repository import Gtk, Pango

from .backend import post
from .link.values import Result
from .link.wording import TIPS, discard_question, recovered_words

_ROOM = 180  # pixels, the height of the list; many results must not push the fields out of sight


class Recovered(Gtk.Frame):
    """Hidden while nothing waits. `paste` is called with one result, `discard` with a list.

    Discard is a menu, away from the buttons that paste, and all at once asks first.
    """

    def __init__(
        self, paste: Callable[[Result], None], discard: Callable[[List[Result]], None]
    ) -> None:
        super().__init__(label="Recovered results", no_show_all=True)
        self.set_tooltip_text(TIPS["recovered"])
        self._paste = paste
        self._discard = discard
        self._rows = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._scroll = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER)
        self._scroll.add(self._rows)
        self.menu_button = Gtk.MenuButton(label="Discard", halign=Gtk.Align.END)
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, margin=6, margin_start=12)
        column.pack_start(self._scroll, False, False, 0)
        column.pack_start(self.menu_button, False, False, 0)
        self.add(column)
        column.show_all()
        self.buttons: List[Gtk.Button] = []

    def offer(self, results: List[Result]) -> None:
        for row in self._rows.get_children():
            row.destroy()
        self.buttons = [self._row(result) for result in results]
        _, height = self._rows.get_preferred_height()
        self._scroll.set_min_content_height(min(height, _ROOM))
        self.menu_button.set_popup(self._menu(results))
        self.set_visible(bool(results))

    def _row(self, result: Result) -> Gtk.Button:
        words = recovered_words(result)
        label = Gtk.Label(label=words, xalign=0, ellipsize=Pango.EllipsizeMode.MIDDLE)
        label.set_tooltip_text(words)
        button = Gtk.Button(label="Paste")
        button.connect("clicked", lambda *_: self._paste(result))
        row = Gtk.Box(spacing=6)
        row.pack_start(label, True, True, 0)
        row.pack_start(button, False, False, 0)
        row.show_all()
        self._rows.pack_start(row, False, False, 0)
        return button

    def _menu(self, results: List[Result]) -> Gtk.Menu:
        menu = Gtk.Menu()
        if len(results) > 1:
            item = Gtk.MenuItem(label="Discard all…")
            item.connect("activate", lambda *_: self._ask(results))
            menu.append(item)
            menu.append(Gtk.SeparatorMenuItem())
        for result in results:
            item = Gtk.MenuItem(label=recovered_words(result))
            # later: what is offered then replaces the menu, of which an item was just chosen
            item.connect("activate", lambda _, it=result: post(lambda: self._discard([it])))
            menu.append(item)
        menu.show_all()
        return menu

    def _ask(self, results: List[Result]) -> None:
        """Discard these, and none that comes meanwhile, if the artist says so."""
        text, consequence = discard_question(len(results))
        self.question = Gtk.MessageDialog(
            transient_for=self.get_toplevel(),
            modal=True,
            destroy_with_parent=True,
            message_type=Gtk.MessageType.QUESTION,
            buttons=Gtk.ButtonsType.NONE,
            text=text,
            secondary_text=consequence,
        )
        self.question.add_button("_Cancel", Gtk.ResponseType.CANCEL)
        self.question.add_button("_Discard all", Gtk.ResponseType.OK)
        self.question.set_default_response(Gtk.ResponseType.CANCEL)

        def answered(question: Gtk.MessageDialog, response: int) -> None:
            question.destroy()
            if response == Gtk.ResponseType.OK:
                self._discard(results)

        self.question.connect("response", answered)
        self.question.show()
