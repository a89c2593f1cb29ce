"""A width at the selection's edge: pixels, percent of the selection, or left to Scumble."""

from __future__ import annotations

from typing import Callable, Optional

from gi.repository import Gtk

from .choice import Choice
from .link.form import MAX_EDGE, MAX_EDGE_PERCENT
from .link.wording import AUTO_WIDTH, PERCENT, PIXELS

_AUTO = -1  # below the range: shown as a word


class EdgeField(Gtk.Box):
    """A number and its unit; `changed` is called after each change."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(spacing=6)
        self.number = Gtk.SpinButton.new_with_range(_AUTO, MAX_EDGE, 1)
        self.number.set_width_chars(6)
        # a word may stand in it, which must not be read back as a number
        self.number.set_numeric(False)
        self.number.set_update_policy(Gtk.SpinButtonUpdatePolicy.IF_VALID)
        self.number.connect("output", _show_auto)
        self.unit = Choice(((PIXELS, PIXELS), (PERCENT, PERCENT)))
        self.pack_start(self.number, True, True, 0)
        self.pack_start(self.unit, False, False, 0)
        self.number.set_value(_AUTO)
        self.number.update()
        self.number.connect("value-changed", lambda *_: changed())
        self.unit.connect("changed", self._fit_range)
        self.unit.connect("changed", lambda *_: changed())

    def pixels(self) -> Optional[float]:
        """None: in percent, or left to Scumble."""
        return None if self._in_percent() else self._value()

    def percent(self) -> Optional[float]:
        """None: in pixels, or left to Scumble."""
        return self._value() if self._in_percent() else None

    def show_width(self, pixels: Optional[float], percent: Optional[float]) -> None:
        """percent goes before pixels, as in `Form`; with neither the unit stays."""
        value = pixels if percent is None else percent
        if value is not None:
            self.unit.choose(PIXELS if percent is None else PERCENT)
        self.number.set_value(_AUTO if value is None else value)

    def _in_percent(self) -> bool:
        return self.unit.chosen() == PERCENT

    def _value(self) -> Optional[float]:
        return None if self.number.get_value() <= _AUTO else self.number.get_value()

    def _fit_range(self, *_: object) -> None:
        self.number.set_digits(1 if self._in_percent() else 0)
        self.number.set_range(_AUTO, MAX_EDGE_PERCENT if self._in_percent() else MAX_EDGE)


def _show_auto(spin: Gtk.SpinButton) -> bool:
    if spin.get_value() > _AUTO:
        return False
    spin.set_text(AUTO_WIDTH)
    return True
