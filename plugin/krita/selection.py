"""The docker's fold "Selection": how a fill treats what is selected and what is round it."""

from __future__ import annotations

from typing import Any, List, Optional, Tuple

from .link.form import MAX_EDGE, MAX_PADDING, Form
from .link.geometry import Context
from .link.values import Intent, MaskSettings, Prefill
from .link.wording import CONTEXTS, INTENTS, PADDING, PREFILLS, context_choice
from .qt import QtWidgets, Signal

_AUTO = -1.0  # below the range: shown as "Auto"


class SelectionFields(QtWidgets.QWidget):
    """Context, intent, pre-fill, grow, feather, colour match and focus of a `Form`."""

    changed = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.context = _choice(CONTEXTS, "How much of the surroundings the model sees.")
        self.padding = QtWidgets.QSpinBox()
        self.padding.setRange(0, MAX_PADDING)
        self.padding.setValue(64)
        self.padding.setSuffix(" px")
        self.padding.setToolTip("Pixels of surroundings on each side of the selection.")
        self.intent = _choice(INTENTS, "What the fill is for. Auto decides by the selection.")
        self.prefill = _choice(PREFILLS, "What stands in the selection before the first step.")
        self.grow = _edge_field("How far beyond the selection the model repaints.")
        self.feather = _edge_field("Over what width the new layer fades in at the edge.")
        self.colour_match = QtWidgets.QCheckBox("Match surrounding colours")
        self.colour_match.setToolTip("Corrects a shift of colour that the model brings in.")
        self.focus = QtWidgets.QCheckBox("Prompt for the selection only")
        self.focus.setToolTip("Otherwise the prompt describes the selection with its context.")
        self._lay_out()
        for field in (self.context, self.intent, self.prefill):
            field.currentIndexChanged.connect(self._changed)
        for field in (self.padding, self.grow, self.feather):
            field.valueChanged.connect(self._changed)
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
        _choose(self.intent, INTENTS, form.intent)
        _choose(self.prefill, PREFILLS, form.prefill)
        self.grow.setValue(_AUTO if form.mask.grow is None else form.mask.grow)
        self.feather.setValue(_AUTO if form.mask.feather is None else form.mask.feather)
        self.colour_match.setChecked(form.colour_match)
        self.focus.setChecked(form.focus)

    def context_choice(self) -> Context:
        choice = CONTEXTS[self.context.currentIndex()][1]
        return Context.AUTO if choice is PADDING else choice

    def padding_choice(self) -> Optional[int]:
        return self.padding.value() if self._in_pixels() else None

    def intent_choice(self) -> Optional[Intent]:
        return INTENTS[self.intent.currentIndex()][1]

    def prefill_choice(self) -> Prefill:
        return PREFILLS[self.prefill.currentIndex()][1]

    def mask_settings(self) -> MaskSettings:
        return MaskSettings(grow=_edge(self.grow), feather=_edge(self.feather))

    def _in_pixels(self) -> bool:
        return CONTEXTS[self.context.currentIndex()][1] is PADDING

    def _changed(self, *_: object) -> None:
        self.padding.setVisible(self._in_pixels())
        self.changed.emit()

    def _lay_out(self) -> None:
        context = QtWidgets.QHBoxLayout()
        context.addWidget(self.context, 1)
        context.addWidget(self.padding)
        grid = QtWidgets.QFormLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._labels: List[QtWidgets.QLabel] = []
        for text, field in (
            ("Context", context),
            ("For", self.intent),
            ("Pre-fill", self.prefill),
            ("Grow", self.grow),
            ("Feather", self.feather),
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


def _edge_field(tip: str) -> QtWidgets.QDoubleSpinBox:
    field = QtWidgets.QDoubleSpinBox()
    field.setDecimals(0)
    field.setRange(_AUTO, MAX_EDGE)
    field.setSpecialValueText("Auto")
    field.setSuffix(" px")
    field.setValue(_AUTO)
    field.setToolTip("%s Auto scales with the selection." % tip)
    return field


def _edge(field: QtWidgets.QDoubleSpinBox) -> Optional[float]:
    return None if field.value() <= _AUTO else field.value()
