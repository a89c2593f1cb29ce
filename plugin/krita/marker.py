"""The field that names the layer whose bounds are the context."""

from __future__ import annotations

from typing import List, Optional

from .link.wording import TIPS
from .qt import QtWidgets, Signal


class MarkerField(QtWidgets.QComboBox):
    """Offers the document's layers when it is opened; a name may also be typed.

    `wanted`: somebody looks, so `offer` shall bring the names.
    """

    wanted = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.setEditable(True)
        self.setInsertPolicy(QtWidgets.QComboBox.InsertPolicy.NoInsert)
        self.setToolTip(TIPS["marked_by"])
        self.setSizeAdjustPolicy(
            QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(6)

    def showPopup(self) -> None:
        self.wanted.emit()
        super().showPopup()

    def offer(self, names: List[str]) -> None:
        """The document's layers, the active one first; it is taken where no name stands yet."""
        name = self.currentText() or (names[0] if names else "")
        self.blockSignals(True)
        self.clear()
        self.addItems(names)
        self.blockSignals(False)
        self.setEditText(name)
