"""The docker's fold "Selection": how a fill treats what is selected and what is round it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, List, Optional, Tuple

from .edge import EdgeField
from .link.form import MAX_PADDING, Form
from .link.geometry import Context
from .link.values import MaskSettings
from .link.wording import (
    CONTEXTS,
    EDGES,
    INTENTS,
    MARKED,
    PADDING,
    PREFILLS,
    TIPS,
    context_choice,
)
from .marker import MarkerField
from .qt import QtWidgets, Signal


class SelectionFields(QtWidgets.QWidget):
    """Context, intent, pre-fill, the mask's widths, colour match and focus of a `Form`.

    `changed`: one of them was. `layers_wanted`: `offer_layers` shall be called.
    """

    changed = Signal()
    layers_wanted = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.context = _choice(CONTEXTS, TIPS["context"])
        self.padding = QtWidgets.QSpinBox()
        self.padding.setRange(0, MAX_PADDING)
        self.padding.setValue(64)
        self.padding.setSuffix(" px")
        self.padding.setToolTip(TIPS["padding"])
        self.marked_by = MarkerField()
        self.intent = _choice(INTENTS, TIPS["intent"])
        self.prefill = _choice(PREFILLS, TIPS["prefill"])
        self.edges = {name: EdgeField() for _, name in EDGES}
        for name, edge in self.edges.items():
            edge.setToolTip(TIPS[name])
        self.colour_match = QtWidgets.QCheckBox("Match surrounding colours")
        self.colour_match.setToolTip(TIPS["colour_match"])
        self.focus = QtWidgets.QCheckBox("Prompt for the selection only")
        self.focus.setToolTip(TIPS["focus"])
        self._lay_out()
        self.context.activated.connect(self._context_chosen)
        for field in (self.context, self.intent, self.prefill):
            field.currentIndexChanged.connect(self._changed)
        self.padding.valueChanged.connect(self._changed)
        self.marked_by.editTextChanged.connect(self._changed)
        self.marked_by.wanted.connect(self.layers_wanted)
        for edge in self.edges.values():
            edge.changed.connect(self._changed)
        for field in (self.colour_match, self.focus):
            field.toggled.connect(self._changed)
        self._changed()

    def labels(self) -> List[QtWidgets.QLabel]:
        """The labels of the left column, to be made as wide as those of the other fields."""
        return self._labels

    def show_form(self, form: Form) -> None:
        _choose(self.context, CONTEXTS, context_choice(form))
        if form.padding is not None:
            self.padding.setValue(form.padding)
        self.marked_by.setEditText(form.marked_by or "")
        _choose(self.intent, INTENTS, form.intent)
        _choose(self.prefill, PREFILLS, form.prefill)
        for name, edge in self.edges.items():
            edge.show_width(getattr(form.mask, name), getattr(form.mask_percent, name))
        self.colour_match.setChecked(form.colour_match)
        self.focus.setChecked(form.focus)

    def offer_layers(self, names: List[str]) -> None:
        """The names of the document's layers, the active one first."""
        self.marked_by.offer(names)

    def fill_in(self, form: Form) -> Form:
        """`form` with these fields as they stand."""
        context = CONTEXTS[self.context.currentIndex()][1]
        widths = {name: edge.pixels() for name, edge in self.edges.items()}
        percents = {name: edge.percent() for name, edge in self.edges.items()}
        return replace(
            form,
            context=context if isinstance(context, Context) else Context.AUTO,
            padding=self.padding.value() if context is PADDING else None,
            marked_by=self.marked_by.currentText() if context is MARKED else None,
            intent=INTENTS[self.intent.currentIndex()][1],
            prefill=PREFILLS[self.prefill.currentIndex()][1],
            mask=MaskSettings(**widths),
            mask_percent=MaskSettings(**percents),
            colour_match=self.colour_match.isChecked(),
            focus=self.focus.isChecked(),
        )

    def _context_chosen(self, index: int) -> None:
        if CONTEXTS[index][1] is MARKED and not self.marked_by.currentText():
            self.layers_wanted.emit()

    def _changed(self, *_: object) -> None:
        context = CONTEXTS[self.context.currentIndex()][1]
        self.padding.setVisible(context is PADDING)
        self.marked_by.setVisible(context is MARKED)
        self.changed.emit()

    def _lay_out(self) -> None:
        context = QtWidgets.QVBoxLayout()
        context.setSpacing(4)
        first = QtWidgets.QHBoxLayout()
        first.addWidget(self.context, 1)
        first.addWidget(self.padding)
        context.addLayout(first)
        context.addWidget(self.marked_by)
        grid = QtWidgets.QFormLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._labels: List[QtWidgets.QLabel] = []
        for text, field in (
            ("Context", context),
            ("For", self.intent),
            ("Pre-fill", self.prefill),
            *((text, self.edges[name]) for text, name in EDGES),
        ):
            self._labels.append(QtWidgets.QLabel(text))
            grid.addRow(self._labels[-1], field)
        grid.addRow(self.colour_match)
        grid.addRow(self.focus)


def _choice(choices: Tuple[Tuple[str, Any], ...], tip: str) -> QtWidgets.QComboBox:
    box = QtWidgets.QComboBox()
    box.addItems([text for text, _ in choices])
    box.setToolTip(tip)
    box.setSizeAdjustPolicy(
        QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(6)
    return box


def _choose(box: QtWidgets.QComboBox, choices: Tuple[Tuple[str, Any], ...], value: Any) -> None:
    values = [known for _, known in choices]
    box.setCurrentIndex(values.index(value))
