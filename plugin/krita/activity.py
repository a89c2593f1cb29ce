"""What happens now: progress, the picture forming, and one sentence when something went wrong."""

from __future__ import annotations

from typing import Optional

from .link.errors import ErrorInfo
from .link.values import Job, Progress
from .link.wording import progress_words, state_words
from .qt import Qt, QtCore, QtGui, QtWidgets

_PREVIEW_HEIGHT = 260  # pixels; a tall picture must not push the fields out of sight
_UNSET = QtCore.QSize(1, 1)


class PreviewLabel(QtWidgets.QLabel):
    """A picture as wide as the docker, kept in shape; hidden without one."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._picture: Optional[QtGui.QImage] = None
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Ignored, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setToolTip("The picture forming")
        self.hide()

    def show_picture(self, rgb: bytes, width: int, height: int) -> None:
        """RGB8, rows without padding: width * height * 3 bytes."""
        if width < 1 or height < 1 or len(rgb) != width * height * 3:
            return
        image = QtGui.QImage(rgb, width, height, width * 3, QtGui.QImage.Format.Format_RGB888)
        self._picture = image.copy()  # the bytes belong to the message
        self.show()
        self._fit()

    def forget(self) -> None:
        self._picture = None
        self.clear()
        self.hide()

    def resizeEvent(self, event: QtGui.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._picture is None:
            return
        scaled = self._picture.scaled(
            QtCore.QSize(max(self.width(), 1), _PREVIEW_HEIGHT).expandedTo(_UNSET),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        self.setFixedHeight(scaled.height())
        self.setPixmap(QtGui.QPixmap.fromImage(scaled))


class ProgressLine(QtWidgets.QProgressBar):
    """Step count and time left, written on the bar."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.setTextVisible(True)
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hide()

    def show_state(self, job: Job, waiting: int) -> None:
        """Before the first step: an empty bar that moves. waiting: other jobs behind it."""
        self.show_words(state_words(job, waiting))

    def show_words(self, words: str) -> None:
        self.setRange(0, 0)
        self._write(words)

    def show_progress(self, progress: Progress, waiting: int) -> None:
        self.setRange(0, max(progress.steps, 1))
        self.setValue(progress.step)
        self._write(progress_words(progress, waiting))

    def text(self) -> str:
        return self.format()  # Qt shows none while the range is unknown

    def _write(self, text: str) -> None:
        self.setFormat(text)
        self.show()


class MessageArea(QtWidgets.QFrame):
    """One sentence and what to do next; never a dialog."""

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QtWidgets.QFrame.Shape.StyledPanel)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QtGui.QPalette.ColorRole.AlternateBase)
        self._icon = QtWidgets.QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._message = _text_label()
        self._hint = _text_label()
        self._hint.setEnabled(False)  # the palette's quiet text colour
        close = QtWidgets.QToolButton()
        close.setAutoRaise(True)
        close.setText("\u00d7")
        close.setToolTip("Hide this message")
        close.clicked.connect(self.forget)
        words = QtWidgets.QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._message)
        words.addWidget(self._hint)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(6, 4, 2, 4)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def show_error(self, error: ErrorInfo) -> None:
        self._say(QtWidgets.QStyle.StandardPixmap.SP_MessageBoxWarning, error.message, error.hint)

    def show_note(self, text: str) -> None:
        self._say(QtWidgets.QStyle.StandardPixmap.SP_MessageBoxInformation, text, "")

    def text(self) -> str:
        """What is shown, "" when nothing is."""
        if self.isHidden():
            return ""
        return " ".join(part for part in (self._message.text(), self._hint.text()) if part)

    def forget(self) -> None:
        self.hide()

    def _say(self, kind: QtWidgets.QStyle.StandardPixmap, message: str, hint: str) -> None:
        style = QtWidgets.QApplication.style()
        size = style.pixelMetric(QtWidgets.QStyle.PixelMetric.PM_SmallIconSize)
        self._icon.setPixmap(style.standardIcon(kind).pixmap(size, size))
        self._message.setText(message)
        self._hint.setText(hint)
        self._hint.setVisible(bool(hint))
        self.show()


def _text_label() -> QtWidgets.QLabel:
    label = QtWidgets.QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
