"""The text fields for prompt and negative prompt."""

from __future__ import annotations

from typing import Optional

from .qt import Qt, QtCore, QtGui, QtWidgets, Signal

_START_KEYS = (Qt.Key.Key_Return, Qt.Key.Key_Enter)


class PromptEdit(QtWidgets.QPlainTextEdit):
    """Plain text that is as tall as what it holds, between two numbers of lines.

    `submitted`: Ctrl+Enter was pressed. Tab goes to the next field.
    """

    submitted = Signal()

    def __init__(
        self, placeholder: str, lines: int, most: int, parent: Optional[QtWidgets.QWidget] = None
    ) -> None:
        super().__init__(parent)
        self._lines = lines
        self._most = most
        self.setPlaceholderText(placeholder)
        self.setTabChangesFocus(True)
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    def event(self, event: QtCore.QEvent) -> bool:
        # the editor's own shortcuts would take Ctrl+Enter before the field sees it
        if event.type() == QtCore.QEvent.Type.ShortcutOverride and _starts(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QtGui.QKeyEvent) -> None:
        if _starts(event):
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    def _fit(self, *_: object) -> None:
        lines = min(max(int(self.document().size().height()), self._lines), self._most)
        margins = 2 * (int(self.document().documentMargin()) + self.frameWidth()) + 2
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + margins)
        policy = Qt.ScrollBarPolicy
        fits = self.document().size().height() <= self._most
        self.setVerticalScrollBarPolicy(
            policy.ScrollBarAlwaysOff if fits else policy.ScrollBarAsNeeded
        )


def _starts(event: QtGui.QKeyEvent) -> bool:
    control = Qt.KeyboardModifier.ControlModifier
    return event.key() in _START_KEYS and bool(event.modifiers() & control)
