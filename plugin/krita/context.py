"""The field that says how much of the surroundings the model sees."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional

from .choice import Choice
from .link.form import MAX_PADDING, Form
from .link.geometry import Context
from .link.wording import CONTEXTS, MARKED, PADDING, TIPS, context_choice
from .marker import MarkerField
from .qt import QtWidgets, Signal


class ContextField(QtWidgets.QWidget):
    """A choice, and beside it what it asks for: pixels, or the layer that marks the context.

    `changed`: one of them was. `layers_wanted`: `offer_layers` shall be called.
    """

    changed = Signal()
    layers_wanted = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.choice = Choice(CONTEXTS, TIPS["context"])
        self.padding = QtWidgets.QSpinBox()
        self.padding.setRange(0, MAX_PADDING)
        self.padding.setValue(64)
        self.padding.setSuffix(" px")
        self.padding.setToolTip(TIPS["padding"])
        self.marked_by = MarkerField()
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        row = QtWidgets.QHBoxLayout()
        row.addWidget(self.choice, 1)
        row.addWidget(self.padding)
        column.addLayout(row)
        column.addWidget(self.marked_by)
        self.choice.activated.connect(self._chosen_by_hand)
        self.choice.currentIndexChanged.connect(self._changed)
        self.padding.valueChanged.connect(self._changed)
        self.marked_by.editTextChanged.connect(self._changed)
        self.marked_by.wanted.connect(self.layers_wanted)
        self._changed()

    def show_form(self, form: Form) -> None:
        self.choice.choose(context_choice(form))
        if form.padding is not None:
            self.padding.setValue(form.padding)
        self.marked_by.setEditText(form.marked_by or "")

    def fill_in(self, form: Form) -> Form:
        """`form` with the context as it stands here."""
        context = self.choice.chosen()
        return replace(
            form,
            context=context if isinstance(context, Context) else Context.AUTO,
            padding=self.padding.value() if context is PADDING else None,
            marked_by=self.marked_by.currentText() if context is MARKED else None,
        )

    def offer_layers(self, names: List[str]) -> None:
        """The names of the document's layers, the active one first."""
        self.marked_by.offer(names)

    def _chosen_by_hand(self, *_: object) -> None:
        if self.choice.chosen() is MARKED and not self.marked_by.currentText():
            self.layers_wanted.emit()

    def _changed(self, *_: object) -> None:
        self.padding.setVisible(self.choice.chosen() is PADDING)
        self.marked_by.setVisible(self.choice.chosen() is MARKED)
        self.changed.emit()
