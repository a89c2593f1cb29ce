"""A part of the docker that folds away under its heading."""

from __future__ import annotations

from typing import Optional

from .qt import Qt, QtWidgets


class Fold(QtWidgets.QWidget):
    """`body` shows or hides with a click on the heading; folded at first."""

    def __init__(
        self, title: str, body: QtWidgets.QWidget, parent: Optional[QtWidgets.QWidget] = None
    ) -> None:
        super().__init__(parent)
        self._body = body
        self._heading = QtWidgets.QToolButton()
        self._heading.setText(title)
        self._heading.setCheckable(True)
        self._heading.setAutoRaise(True)
        self._heading.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._heading.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self._heading)
        column.addWidget(body)
        self._heading.toggled.connect(self._unfold)
        self._unfold(False)

    def is_open(self) -> bool:
        return self._heading.isChecked()

    def set_open(self, is_open: bool) -> None:
        self._heading.setChecked(is_open)

    def _unfold(self, is_open: bool) -> None:
        arrow = Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow
        self._heading.setArrowType(arrow)
        self._body.setVisible(is_open)
