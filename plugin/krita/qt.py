"""Which Qt it is: the only place that knows of PyQt5 (Krita 5) and PyQt6 (Krita 6).

Scoped enum names (`Qt.AlignmentFlag.AlignLeft`) are the same in both. Without
Krita (the widgets run in any Qt program) the newer Qt that is installed is taken.
"""

from __future__ import annotations

from importlib.util import find_spec


def _major() -> int:
    try:
        from krita import Krita
    except ImportError:
        return 6 if find_spec("PyQt6") else 5
    return 6 if int(Krita.instance().version().split(".")[0]) >= 6 else 5


if _major() == 6:
    from PyQt6 import QtCore, QtGui, QtWidgets
    from PyQt6.QtCore import QObject, Qt, QTimer
    from PyQt6.QtCore import pyqtSignal as Signal
else:
    from PyQt5 import QtCore, QtGui, QtWidgets
    from PyQt5.QtCore import QObject, Qt, QTimer
    from PyQt5.QtCore import pyqtSignal as Signal

__all__ = ["QObject", "QTimer", "Qt", "QtCore", "QtGui", "QtWidgets", "Signal"]
