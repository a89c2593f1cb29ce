"""The docker's fold "Selection": how a fill treats what is selected."""

from __future__ import annotations

from dataclasses import replace
from typing import List, Optional

from .choice import Choice
from .edge import EdgeField
from .link.form import Form
from .link.values import MaskSettings
from .link.wording import EDGES, FIT_EDGE, INTENTS, PREFILLS, TIPS
from .qt import QtWidgets, Signal


class SelectionFields(QtWidgets.QWidget):
    """Intent, pre-fill, the mask's widths, colour match, edge and focus of a `Form`.

    `changed`: one of them was.
    """

    changed = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self.intent = Choice(INTENTS, TIPS["intent"])
        self.prefill = Choice(PREFILLS, TIPS["prefill"])
        self.edges = {name: EdgeField() for _, name in EDGES}
        for name, edge in self.edges.items():
            edge.setToolTip(TIPS[name])
        self.colour_match = QtWidgets.QCheckBox("Match surrounding colours")
        self.colour_match.setToolTip(TIPS["colour_match"])
        self.gradient_domain = QtWidgets.QCheckBox(FIT_EDGE)
        self.gradient_domain.setToolTip(TIPS["gradient_domain"])
        self.focus = QtWidgets.QCheckBox("Prompt for the selection only")
        self.focus.setToolTip(TIPS["focus"])
        self._lay_out()
        for field in (self.intent, self.prefill):
            field.currentIndexChanged.connect(self.changed)
        for edge in self.edges.values():
            edge.changed.connect(self.changed)
        for field in (self.colour_match, self.gradient_domain, self.focus):
            field.toggled.connect(self.changed)

    def labels(self) -> List[QtWidgets.QLabel]:
        """The labels of the left column, to be made as wide as those of the other fields."""
        return self._labels

    def show_form(self, form: Form) -> None:
        self.intent.choose(form.intent)
        self.prefill.choose(form.prefill)
        for name, edge in self.edges.items():
            edge.show_width(getattr(form.mask, name), getattr(form.mask_percent, name))
        self.colour_match.setChecked(form.colour_match)
        self.gradient_domain.setChecked(form.gradient_domain)
        self.focus.setChecked(form.focus)

    def fill_in(self, form: Form) -> Form:
        """`form` with these fields as they stand."""
        widths = {name: edge.pixels() for name, edge in self.edges.items()}
        percents = {name: edge.percent() for name, edge in self.edges.items()}
        return replace(
            form,
            intent=self.intent.chosen(),
            prefill=self.prefill.chosen(),
            mask=MaskSettings(**widths),
            mask_percent=MaskSettings(**percents),
            colour_match=self.colour_match.isChecked(),
            focus=self.focus.isChecked(),
            gradient_domain=self.gradient_domain.isChecked(),
        )

    def _lay_out(self) -> None:
        grid = QtWidgets.QFormLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._labels: List[QtWidgets.QLabel] = []
        for text, field in (
            ("For", self.intent),
            ("Pre-fill", self.prefill),
            *((text, self.edges[name]) for text, name in EDGES),
        ):
            self._labels.append(QtWidgets.QLabel(text))
            grid.addRow(self._labels[-1], field)
        grid.addRow(self.colour_match)
        grid.addRow(self.gradient_domain)
        grid.addRow(self.focus)
