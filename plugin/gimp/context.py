"""The field that says how much of the surroundings the model sees."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List

from gi.repository import Gtk

from .choice import Choice
from .link.form import MAX_PADDING, Form
from .link.geometry import Context
from .link.wording import CONTEXTS, MARKED, PADDING, TIPS, context_choice


class ContextField(Gtk.Box):
    """A choice, and beside it what it asks for: pixels, or the layer that marks the context."""

    def __init__(self, changed: Callable[[], None], layers: Callable[[], List[str]]) -> None:
        """layers: the names of the image's layers, the active one first."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._changed = changed
        self._layers = layers
        self.choice = Choice(CONTEXTS)
        self.padding = Gtk.SpinButton.new_with_range(0, MAX_PADDING, 1)
        self.padding.set_width_chars(6)
        self.padding.set_no_show_all(True)
        self.marked_by = Gtk.ComboBoxText.new_with_entry()
        self.marked_by.set_no_show_all(True)
        row = Gtk.Box(spacing=6)
        row.pack_start(self.choice, True, True, 0)
        row.pack_start(self.padding, False, False, 0)
        self.pack_start(row, False, False, 0)
        self.pack_start(self.marked_by, False, False, 0)
        for widget, name in (
            (self.choice, "context"),
            (self.padding, "padding"),
            (self.marked_by, "marked_by"),
        ):
            widget.set_tooltip_text(TIPS[name])
        self.choice.connect("changed", self._told)
        self.padding.connect("value-changed", self._told)
        self.marked_by.connect("notify::popup-shown", self._offer_layers)
        self.marked_by.get_child().connect("changed", self._told)

    def fill_in(self, form: Form) -> Form:
        """`form` with the context as it stands here."""
        context = self.choice.chosen()
        return replace(
            form,
            context=context if isinstance(context, Context) else Context.AUTO,
            padding=self.padding.get_value_as_int() if context is PADDING else None,
            marked_by=self.marked_by.get_child().get_text() if context is MARKED else None,
        )

    def show_form(self, form: Form) -> None:
        self.marked_by.get_child().set_text(form.marked_by or "")
        self.choice.choose(context_choice(form))
        if form.padding is not None:
            self.padding.set_value(form.padding)

    def _offer_layers(self, *_: object) -> None:
        """List the layers anew, when the list is about to be seen."""
        if not self.marked_by.get_property("popup-shown"):
            return
        names = self._layers()
        self.marked_by.remove_all()
        for name in names:
            self.marked_by.append_text(name)

    def _told(self, *_: object) -> None:
        context, entry = self.choice.chosen(), self.marked_by.get_child()
        self.padding.set_visible(context is PADDING)
        self.marked_by.set_visible(context is MARKED)
        if context is MARKED and not entry.get_text() and not entry.has_focus():
            active = self._layers()[:1]
            if active:
                entry.set_text(active[0])  # which comes here again
                return
        self._changed()
