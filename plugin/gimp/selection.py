"""The window's fold "Selection": how a fill treats what is selected and what is round it."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Optional

from gi.repository import Gtk

from .choice import Choice
from .link.form import MAX_EDGE, MAX_PADDING, Form
from .link.geometry import Context
from .link.values import MaskSettings
from .link.wording import CONTEXTS, INTENTS, PADDING, PREFILLS, TIPS, context_choice

_AUTO = -1  # below the range: shown as "Auto"


class SelectionFields(Gtk.Expander):
    """Context, intent, pre-fill, grow, feather, colour match and focus of a `Form`."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(label="_Selection", use_underline=True)
        self._changed = changed
        self.context = Choice(CONTEXTS)
        self.padding = _pixels(0, MAX_PADDING)
        self.padding.set_no_show_all(True)
        self.intent = Choice(INTENTS)
        self.prefill = Choice(PREFILLS)
        self.grow = _edge()
        self.feather = _edge()
        self.colour_match = Gtk.CheckButton(label="Match surrounding colours")
        self.focus = Gtk.CheckButton(label="Prompt for the selection only")
        surroundings = Gtk.Box(spacing=6)
        surroundings.pack_start(self.context, True, True, 0)
        surroundings.pack_start(self.padding, False, False, 0)
        grid = Gtk.Grid(column_spacing=6, row_spacing=6, margin_top=6)
        rows = (
            ("Context", surroundings, self.context),
            ("For", self.intent, self.intent),
            ("Pre-fill", self.prefill, self.prefill),
            ("Grow (px)", self.grow, self.grow),
            ("Feather (px)", self.feather, self.feather),
        )
        for at, (text, widget, target) in enumerate(rows):
            widget.set_hexpand(True)
            grid.attach(Gtk.Label(label=text, xalign=0, mnemonic_widget=target), 0, at, 1, 1)
            grid.attach(widget, 1, at, 1, 1)
        grid.attach(self.colour_match, 0, len(rows), 2, 1)
        grid.attach(self.focus, 0, len(rows) + 1, 2, 1)
        self.add(grid)
        for name in ("context", "padding", "intent", "prefill", "grow", "feather"):
            getattr(self, name).set_tooltip_text(TIPS[name])
        for box, name in ((self.colour_match, "colour_match"), (self.focus, "focus")):
            box.set_tooltip_text(TIPS[name])
            box.connect("toggled", self._told)
        for choice in (self.context, self.intent, self.prefill):
            choice.connect("changed", self._told)
        for spin in (self.padding, self.grow, self.feather):
            spin.connect("value-changed", self._told)

    def fill_in(self, form: Form) -> Form:
        """`form` with these fields as they stand."""
        context = self.context.chosen()
        return replace(
            form,
            context=Context.AUTO if context is PADDING else context,
            padding=self.padding.get_value_as_int() if context is PADDING else None,
            intent=self.intent.chosen(),
            prefill=self.prefill.chosen(),
            mask=MaskSettings(grow=_read(self.grow), feather=_read(self.feather)),
            colour_match=self.colour_match.get_active(),
            focus=self.focus.get_active(),
        )

    def show_form(self, form: Form) -> None:
        self.context.choose(context_choice(form))
        if form.padding is not None:
            self.padding.set_value(form.padding)
        self.intent.choose(form.intent)
        self.prefill.choose(form.prefill)
        self.grow.set_value(_AUTO if form.mask.grow is None else form.mask.grow)
        self.feather.set_value(_AUTO if form.mask.feather is None else form.mask.feather)
        self.colour_match.set_active(form.colour_match)
        self.focus.set_active(form.focus)

    def _told(self, *_: object) -> None:
        self.padding.set_visible(self.context.chosen() is PADDING)
        self._changed()


def _pixels(low: float, high: float) -> Gtk.SpinButton:
    spin = Gtk.SpinButton.new_with_range(low, high, 1)
    spin.set_width_chars(6)
    return spin


def _edge() -> Gtk.SpinButton:
    spin = _pixels(_AUTO, MAX_EDGE)
    spin.set_numeric(False)  # a word may stand in it, which must not be read back as a number
    spin.set_update_policy(Gtk.SpinButtonUpdatePolicy.IF_VALID)
    spin.connect("output", _show_auto)
    spin.update()
    return spin


def _show_auto(spin: Gtk.SpinButton) -> bool:
    if spin.get_value() > _AUTO:
        return False
    spin.set_text("Auto")
    return True


def _read(spin: Gtk.SpinButton) -> Optional[float]:
    return None if spin.get_value() <= _AUTO else spin.get_value()
