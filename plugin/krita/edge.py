"""A width at the selection's edge: pixels, percent of the selection, or left to Scumble."""

from __future__ import annotations

from typing import Optional

from .link.form import MAX_EDGE, MAX_EDGE_PERCENT
from .link.wording import AUTO_WIDTH, PERCENT, PIXELS
from .qt import QtWidgets, Signal

_AUTO = -1.0  # below the range: shown as a word


class EdgeField(QtWidgets.QWidget):
    """A number and its unit. `changed`: either was."""

    changed = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.number = QtWidgets.QDoubleSpinBox()
        self.number.setSpecialValueText(AUTO_WIDTH)
        self.unit = QtWidgets.QComboBox()
        self.unit.addItems([PIXELS, PERCENT])
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.number, 1)
        row.addWidget(self.unit)
        self._fit_range()
        self.number.setValue(_AUTO)
        self.number.valueChanged.connect(self._changed)
        self.unit.currentIndexChanged.connect(self._fit_range)
        self.unit.currentIndexChanged.connect(self._changed)

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
            self.unit.setCurrentText(PIXELS if percent is None else PERCENT)
        self.number.setValue(_AUTO if value is None else value)

    def _in_percent(self) -> bool:
        return self.unit.currentText() == PERCENT

    def _value(self) -> Optional[float]:
        return None if self.number.value() <= _AUTO else self.number.value()

    def _fit_range(self, *_: object) -> None:
        self.number.setRange(_AUTO, MAX_EDGE_PERCENT if self._in_percent() else MAX_EDGE)
        self.number.setDecimals(1 if self._in_percent() else 0)

    def _changed(self, *_: object) -> None:
        self.changed.emit()
