"""The menu of results that wait: to be pasted by hand, or to be offered no more."""

from __future__ import annotations

from typing import List, Optional

from .link.values import Result
from .link.wording import TIPS, discard_question, recovered_words
from .qt import Qt, QtWidgets, Signal


class RecoveredButton(QtWidgets.QToolButton):
    """Hidden while nothing waits. Signals: `paste` (a Result), `discard` (a list of Results).

    A click pastes; Discard is a menu of its own, and all at once asks first.
    """

    paste = Signal(object)
    discard = Signal(object)
    _chosen = Signal(object)

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.setAutoRaise(True)
        self.setPopupMode(QtWidgets.QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setToolTip(TIPS["recovered"])
        self.paste_menu = QtWidgets.QMenu(self)
        self.discard_menu = QtWidgets.QMenu("Discard", self)
        self.setMenu(self.paste_menu)
        # later: what is offered then replaces the menu's entries, of which one was just chosen
        self._chosen.connect(self.discard, Qt.ConnectionType.QueuedConnection)
        self.hide()

    def offer(self, results: List[Result]) -> None:
        self.discard_menu.close()  # no other result shall come under the pointer
        self.paste_menu.clear()
        self.discard_menu.clear()
        if len(results) > 1:
            all_of_them = self.discard_menu.addAction("Discard all\u2026")
            all_of_them.triggered.connect(lambda _=False: self._ask(results))
            self.discard_menu.addSeparator()
        for result in results:
            words = recovered_words(result)
            paste = self.paste_menu.addAction(words)
            paste.triggered.connect(lambda _=False, result=result: self.paste.emit(result))
            discard = self.discard_menu.addAction(words)
            discard.triggered.connect(lambda _=False, result=result: self._chosen.emit([result]))
        if results:
            self.paste_menu.addSeparator()
            self.paste_menu.addMenu(self.discard_menu)
        self.setText("Recovered results\u2026 (%d)" % len(results))
        self.setVisible(bool(results))

    def _ask(self, results: List[Result]) -> None:
        """Discard these, and none that comes meanwhile, if the artist says so."""
        text, consequence = discard_question(len(results))
        box = QtWidgets.QMessageBox
        question = box(box.Icon.Question, "Scumble", text, box.StandardButton.Cancel, self)
        question.setInformativeText(consequence)
        question.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        discard = question.addButton("Discard all", box.ButtonRole.DestructiveRole)
        discard.clicked.connect(lambda _=False: self._chosen.emit(results))
        question.setDefaultButton(box.StandardButton.Cancel)
        question.open()
