"""The window's fold "Selection": how a fill treats what is selected."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable

from gi.repository import Gtk

from .choice import Choice
from .edge import EdgeField
from .link.form import Form
from .link.values import MaskSettings
from .link.wording import EDGES, FIT_EDGE, INTENTS, PREFILLS, TIPS


class SelectionFields(Gtk.Expander):
    """Intent, pre-fill, the mask's widths, colour match, edge and focus of a `Form`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(label="_Selection", use_underline=True)
        self._changed = changed
        self.intent = Choice(INTENTS)
        self.prefill = Choice(PREFILLS)
        self.edges = {name: EdgeField(self._told) for _, name in EDGES}
        self.colour_match = Gtk.CheckButton(label="Match surrounding colours")
        self.gradient_domain = Gtk.CheckButton(label=FIT_EDGE)
        self.focus = Gtk.CheckButton(label="Prompt for the selection only")
        self._lay_out()
        for choice, name in ((self.intent, "intent"), (self.prefill, "prefill")):
            choice.set_tooltip_text(TIPS[name])
            choice.connect("changed", self._told)
        for name, edge in self.edges.items():
            edge.set_tooltip_text(TIPS[name])
        for name in ("colour_match", "gradient_domain", "focus"):
            box = getattr(self, name)
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
            gradient_domain=self.gradient_domain.get_active(),
        )

    def show_form(self, form: Form) -> None:
        self.intent.choose(form.intent)
        self.prefill.choose(form.prefill)
        for name, edge in self.edges.items():
            edge.show_width(getattr(form.mask, name), getattr(form.mask_percent, name))
        self.colour_match.set_active(form.colour_match)
        self.gradient_domain.set_active(form.gradient_domain)
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
        for at, box in enumerate((self.colour_match, self.gradient_domain, self.focus), len(rows)):
            grid.attach(box, 0, at, 2, 1)
        self.add(grid)
