"""A number field with a bar inside that the pointer drags, as Krita's own dockers have them.

Krita lends its own slider to Python only from 5.3 on; this one looks and acts
the same in every version: drag or click to set, double-click or type for an
exact number, wheel and arrow keys to step.
"""

from __future__ import annotations

from typing import Optional

from .qt import Qt, QtGui, QtWidgets

_BAR_ALPHA = 170  # of 255; the number stays readable on top of the bar


class SliderField(QtWidgets.QDoubleSpinBox):
    """low…high with `decimals`; power > 1 gives small values more of the bar's length."""

    def __init__(
        self,
        low: float,
        high: float,
        decimals: int = 0,
        suffix: str = "",
        power: float = 1.0,
        parent: Optional[QtWidgets.QWidget] = None,
    ) -> None:
        super().__init__(parent)
        self._power = power
        self.setDecimals(decimals)
        self.setRange(low, high)
        self.setSingleStep(1.0 if decimals == 0 else 0.5)
        self.setSuffix(suffix)
        self.setKeyboardTracking(False)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel alone takes no focus
        self.setLineEdit(_BarEdit(self))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(
            QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed
        )
        self.setMinimumWidth(60)
        self.valueChanged.connect(self.lineEdit().update)

    def fraction(self) -> float:
        """How much of the bar is full: 0…1."""
        span = self.maximum() - self.minimum()
        part = (self.value() - self.minimum()) / span if span > 0 else 0.0
        return part ** (1.0 / self._power)

    def set_fraction(self, fraction: float) -> None:
        part = min(max(fraction, 0.0), 1.0) ** self._power
        self.setValue(self.minimum() + part * (self.maximum() - self.minimum()))

    def wheelEvent(self, event: QtGui.QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:  # scrolling the docker must not change what is under the pointer
            event.ignore()


class _BarEdit(QtWidgets.QLineEdit):
    """The spin box's own line edit, transparent, with the bar painted behind the text."""

    def __init__(self, field: SliderField) -> None:
        super().__init__(field)
        self._field = field
        self._dragging = False
        self._typing = False
        self.setFrame(False)
        palette = self.palette()
        palette.setColor(QtGui.QPalette.ColorRole.Base, QtGui.QColor(0, 0, 0, 0))
        self.setPalette(palette)
        self.setCursor(Qt.CursorShape.SplitHCursor)

    def paintEvent(self, event: QtGui.QPaintEvent) -> None:
        group = QtGui.QPalette.ColorGroup.Normal
        if not self.isEnabled():
            group = QtGui.QPalette.ColorGroup.Disabled
        colour = self.palette().color(group, QtGui.QPalette.ColorRole.Highlight)
        colour.setAlpha(_BAR_ALPHA if self.isEnabled() else _BAR_ALPHA // 3)
        painter = QtGui.QPainter(self)
        painter.fillRect(0, 0, round(self.width() * self._field.fraction()), self.height(), colour)
        painter.end()
        super().paintEvent(event)

    def mousePressEvent(self, event: QtGui.QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and not self._typing:
            self._dragging = True
            self._follow(event)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._dragging:
            self._follow(event)
        else:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QtGui.QMouseEvent) -> None:
        if self._dragging:
            self._dragging = False
        else:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QtGui.QMouseEvent) -> None:
        self._dragging = False
        self._typing = True
        self.setCursor(Qt.CursorShape.IBeamCursor)
        self._field.selectAll()

    def focusOutEvent(self, event: QtGui.QFocusEvent) -> None:
        self._typing = False
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.deselect()
        super().focusOutEvent(event)

    def _follow(self, event: QtGui.QMouseEvent) -> None:
        self._field.set_fraction(event.pos().x() / max(self.width() - 1, 1))
        self.deselect()
