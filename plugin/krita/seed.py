"""The seed: a new one each time, or one that is held."""

from __future__ import annotations

from typing import Optional

from .link.values import MAX_SEED
from .link.wording import TIPS
from .qt import QtWidgets, Signal


class SeedField(QtWidgets.QWidget):
    """Shows the last seed that was used; unticking "Random" holds it."""

    changed = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._number = QtWidgets.QDoubleSpinBox()  # a QSpinBox ends at 2**31 - 1
        self._number.setDecimals(0)
        self._number.setRange(0, MAX_SEED)
        self._number.setButtonSymbols(QtWidgets.QAbstractSpinBox.ButtonSymbols.NoButtons)
        self._number.setToolTip(TIPS["seed"])
        self._random = QtWidgets.QCheckBox("Random")
        self._random.setToolTip(TIPS["random"])
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._number, 1)
        row.addWidget(self._random)
        self._random.toggled.connect(self._number.setDisabled)
        self._random.toggled.connect(self.changed)
        self._number.valueChanged.connect(self.changed)
        self._random.setChecked(True)

    def seed(self) -> Optional[int]:
        """The held seed, None for a random one."""
        return None if self._random.isChecked() else int(self._number.value())

    def set_seed(self, seed: Optional[int]) -> None:
        self._random.setChecked(seed is None)
        if seed is not None:
            self._number.setValue(seed)

    def show_last(self, seed: int) -> None:
        """What a random draw gave, ready to be held."""
        if self._random.isChecked():
            self._number.setValue(seed)
