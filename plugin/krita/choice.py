"""A list of choices with values behind the words."""

from __future__ import annotations

from typing import Any, Optional, Tuple

from .qt import QtWidgets


class Choice(QtWidgets.QComboBox):
    """As Qt's, but each entry (label, value) stands for a value; long words widen nothing."""

    def __init__(
        self,
        entries: Tuple[Tuple[str, Any], ...],
        tip: str,
        parent: Optional[QtWidgets.QWidget] = None,
    ) -> None:
        super().__init__(parent)
        self._values = [value for _, value in entries]
        self.addItems([label for label, _ in entries])
        self.setToolTip(tip)
        self.setSizeAdjustPolicy(
            QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(6)

    def chosen(self) -> Any:
        return self._values[self.currentIndex()]

    def choose(self, value: Any) -> None:
        self.setCurrentIndex(self._values.index(value))
