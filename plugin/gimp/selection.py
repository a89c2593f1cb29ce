"""The window's fold "Selection": how a fill treats what is selected and what is round it."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List

from gi.repository import Gtk

from .choice import Choice
from .edge import EdgeField
from .link.form import MAX_PADDING, Form
from .link.geometry import Context
from .link.values import MaskSettings
from .link.wording import (
    CONTEXTS,
    EDGES,
    INTENTS,
    MARKED,
    PADDING,
    PREFILLS,
    TIPS,
    context_choice,
)


class SelectionFields(Gtk.Expander):
    """Context, intent, pre-fill, the mask's widths, colour match and focus of a `Form`."""

    def __init__(self, changed: Callable[[], None], layers: Callable[[], List[str]]) -> None:
        """layers: the names of the image's layers, the active one first."""
        super().__init__(label="_Selection", use_underline=True)
        self._changed = changed
        self._layers = layers
        self.context = Choice(CONTEXTS)
        self.padding = Gtk.SpinButton.new_with_range(0, MAX_PADDING, 1)
        self.padding.set_width_chars(6)
        self.padding.set_no_show_all(True)
        self.marked_by = Gtk.ComboBoxText.new_with_entry()
        self.marked_by.set_no_show_all(True)
        self.intent = Choice(INTENTS)
        self.prefill = Choice(PREFILLS)
        self.edges = {name: EdgeField(self._told) for _, name in EDGES}
        self.colour_match = Gtk.CheckButton(label="Match surrounding colours")
        self.focus = Gtk.CheckButton(label="Prompt for the selection only")
        self._lay_out()
        for name in ("context", "padding", "marked_by", "intent", "prefill"):
            getattr(self, name).set_tooltip_text(TIPS[name])
        for name, edge in self.edges.items():
            edge.set_tooltip_text(TIPS[name])
        for box, name in ((self.colour_match, "colour_match"), (self.focus, "focus")):
            box.set_tooltip_text(TIPS[name])
            box.connect("toggled", self._told)
        for choice in (self.context, self.intent, self.prefill):
            choice.connect("changed", self._told)
        self.padding.connect("value-changed", self._told)
        self.marked_by.connect("notify::popup-shown", self._offer_layers)
        self.marked_by.get_child().connect("changed", self._told)

    def fill_in(self, form: Form) -> Form:
        """`form` with these fields as they stand."""
        context = self.context.chosen()
        return replace(
            form,
            context=context if isinstance(context, Context) else Context.AUTO,
            padding=self.padding.get_value_as_int() if context is PADDING else None,
            marked_by=self.marked_by.get_child().get_text() if context is MARKED else None,
            intent=self.intent.chosen(),
            prefill=self.prefill.chosen(),
            mask=MaskSettings(**{name: edge.pixels() for name, edge in self.edges.items()}),
            mask_percent=MaskSettings(
                **{name: edge.percent() for name, edge in self.edges.items()}
            ),
            colour_match=self.colour_match.get_active(),
            focus=self.focus.get_active(),
        )

    def show_form(self, form: Form) -> None:
        self.marked_by.get_child().set_text(form.marked_by or "")
        self.context.choose(context_choice(form))
        if form.padding is not None:
            self.padding.set_value(form.padding)
        self.intent.choose(form.intent)
        self.prefill.choose(form.prefill)
        for name, edge in self.edges.items():
            edge.show_width(getattr(form.mask, name), getattr(form.mask_percent, name))
        self.colour_match.set_active(form.colour_match)
        self.focus.set_active(form.focus)

    def _offer_layers(self, *_: object) -> None:
        """List the layers anew, when the list is about to be seen."""
        if not self.marked_by.get_property("popup-shown"):
            return
        names = self._layers()
        self.marked_by.remove_all()
        for name in names:
            self.marked_by.append_text(name)

    def _told(self, *_: object) -> None:
        context, entry = self.context.chosen(), self.marked_by.get_child()
        self.padding.set_visible(context is PADDING)
        self.marked_by.set_visible(context is MARKED)
        if context is MARKED and not entry.get_text() and not entry.has_focus():
            active = self._layers()[:1]
            if active:
                entry.set_text(active[0])  # which comes here again
                return
        self._changed()

    def _lay_out(self) -> None:
        surroundings = Gtk.Box(spacing=6)
        surroundings.pack_start(self.context, True, True, 0)
        surroundings.pack_start(self.padding, False, False, 0)
        around = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        around.pack_start(surroundings, False, False, 0)
        around.pack_start(self.marked_by, False, False, 0)
        grid = Gtk.Grid(column_spacing=6, row_spacing=6, margin_top=6)
        rows = [
            ("Context", around, self.context),
            ("For", self.intent, self.intent),
            ("Pre-fill", self.prefill, self.prefill),
        ]
        rows += [(text, self.edges[name], self.edges[name].number) for text, name in EDGES]
        for at, (text, widget, target) in enumerate(rows):
            widget.set_hexpand(True)
            grid.attach(Gtk.Label(label=text, xalign=0, mnemonic_widget=target), 0, at, 1, 1)
            grid.attach(widget, 1, at, 1, 1)
        grid.attach(self.colour_match, 0, len(rows), 2, 1)
        grid.attach(self.focus, 0, len(rows) + 1, 2, 1)
        self.add(grid)
