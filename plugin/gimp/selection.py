"""The window's fold "Selection": how a fill treats what is selected."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

from gi.repository import Gtk

from .choice import Choice
from .edge import EdgeField
from .link.form import Form
from .link.values import MaskSettings
from .link.wording import EDGES, INTENTS, PREFILLS, TIPS


class SelectionFields(Gtk.Expander):
    """Intent, pre-fill, the mask's widths, colour match and focus of a `Form`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(label="_Selection", use_underline=True)
        self._changed = changed
        self.intent = Choice(INTENTS)
        self.prefill = Choice(PREFILLS)
        self.edges = {name: EdgeField(self._told) for _, name in EDGES}
        self.colour_match = Gtk.CheckButton(label="Match surrounding colours")
        self.focus = Gtk.CheckButton(label="Prompt for the selection only")
        self._lay_out()
        for choice, name in ((self.intent, "intent"), (self.prefill, "prefill")):
            choice.set_tooltip_text(TIPS[name])
            choice.connect("changed", self._told)
        for name, edge in self.edges.items():
            edge.set_tooltip_text(TIPS[name])
        for box, name in ((self.colour_match, "colour_match"), (self.focus, "focus")):
            box.set_tooltip_text(TIPS[name])
            box.connect("toggled", self._told)

    def fill_in(self, form: Form) -> Form:
        """`form` with these fields as they stand."""
        return replace(
            form,
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
        self.intent.choose(form.intent)
        self.prefill.choose(form.prefill)
        for name, edge in self.edges.items():
            edge.show_width(getattr(form.mask, name), getattr(form.mask_percent, name))
        self.colour_match.set_active(form.colour_match)
        self.focus.set_active(form.focus)

    def _told(self, *_: object) -> None:
        self._changed()

    def _lay_out(self) -> None:
        grid = Gtk.Grid(column_spacing=6, row_spacing=6, margin_top=6)
        rows = [("For", self.intent, self.intent), ("Pre-fill", self.prefill, self.prefill)]
        rows += [(text, self.edges[name], self.edges[name].number) for text, name in EDGES]
        for at, (text, widget, target) in enumerate(rows):
            widget.set_hexpand(True)
            grid.attach(Gtk.Label(label=text, xalign=0, mnemonic_widget=target), 0, at, 1, 1)
            grid.attach(widget, 1, at, 1, 1)
        grid.attach(self.colour_match, 0, len(rows), 2, 1)
        grid.attach(self.focus, 0, len(rows) + 1, 2, 1)
        self.add(grid)
