"""The docker's fields: a `Form` in, a `Form` out."""

from __future__ import annotations

from typing import List, Optional

from .context import ContextField
from .fold import Fold
from .link.form import Form
from .link.geometry import is_small
from .link.values import MAX_BATCH, MAX_GUIDANCE, MAX_STEPS, Capabilities, ModelInfo
from .link.wording import TIPS
from .qt import Qt, QtGui, QTimer, QtWidgets, Signal
from .seed import SeedField
from .selection import SelectionFields
from .slider import SliderField

_AGAIN_MS = 100  # until a list that was open is filled


class Fields(QtWidgets.QWidget):
    """All but the prompts: model, sampler, sliders, context, seed, and the selection's fold.

    `changed`: the artist or a loaded form changed something.
    """

    changed = Signal()

    def __init__(self, parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._capabilities: Optional[Capabilities] = None
        self._told: Optional[Capabilities] = None  # offered as soon as no list is open
        self._asked = Form()  # keeps ids that are not offered yet
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(_AGAIN_MS)
        self._again.timeout.connect(self._offer)
        self.model = _combo(TIPS["model"])
        self.sampler = _combo(TIPS["sampler"])
        self.steps = SliderField(1, MAX_STEPS, power=2.0)
        self.steps.setToolTip(TIPS["steps"])
        self.guidance_scale = SliderField(1, MAX_GUIDANCE, decimals=1, power=2.0)
        self.guidance_scale.setToolTip(TIPS["guidance_scale"])
        self.strength = SliderField(0, 100, suffix=" %")
        self.strength.setToolTip(TIPS["strength"])
        self.context = ContextField()
        self.seed = SeedField()
        self.batch = SliderField(1, MAX_BATCH)
        self.batch.setToolTip(TIPS["batch"])
        self.selection = SelectionFields()
        self.fold = Fold("Selection", self.selection)
        self._lay_out()
        self.show_form(self._asked)
        self.model.activated.connect(self._take_model_defaults)
        self.model.currentIndexChanged.connect(self._show_samplers)
        for field in (self.model, self.sampler):
            field.currentIndexChanged.connect(self.changed)
        for field in (self.steps, self.guidance_scale, self.strength, self.batch):
            field.valueChanged.connect(self.changed)
        for part in (self.context, self.seed, self.selection):
            part.changed.connect(self.changed)

    def form(self, prompt: str, negative_prompt: str) -> Form:
        form = Form(
            prompt=prompt,
            negative_prompt=negative_prompt,
            model=self.model.currentData() or self._asked.model,
            sampler=self.sampler.currentData() or self._asked.sampler,
            steps=int(self.steps.value()),
            guidance_scale=self.guidance_scale.value(),
            strength=self.strength.value() / 100.0,
            seed=self.seed.seed(),
            batch=int(self.batch.value()),
        )
        return self.selection.fill_in(self.context.fill_in(form))

    def commit(self) -> None:
        """Take up numbers that are still being typed: Qt waits for Return or another focus."""
        for box in self.findChildren(QtWidgets.QAbstractSpinBox):
            box.interpretText()

    def show_form(self, form: Form) -> None:
        self._asked = form
        self._choose_model(form.model)
        self._choose_sampler(form.sampler)
        self.steps.setValue(form.steps)
        self.guidance_scale.setValue(form.guidance_scale)
        self.strength.setValue(round(form.strength * 100))
        self.context.show_form(form)
        self.seed.set_seed(form.seed)
        self.batch.setValue(form.batch)
        self.selection.show_form(form)

    def show_capabilities(self, capabilities: Capabilities) -> None:
        """Fill the lists of models and samplers; what was chosen stays chosen.

        A list that the artist has open is filled once it is closed.
        """
        self._told = capabilities
        self._offer()

    def _offer(self) -> None:
        if self.model.view().isVisible() or self.sampler.view().isVisible():
            self._again.start()
            return
        capabilities = self._told
        asked = self.form("", "")
        first_time = self._capabilities is None and not self._asked.model
        self._capabilities = capabilities
        self.model.blockSignals(True)
        self.model.clear()
        for model in capabilities.models:
            self.model.addItem(model.name, model.id)
            tip = "%s, %d px. %s" % (model.architecture, model.native, model.note)
            self.model.setItemData(self.model.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.model.blockSignals(False)
        self._choose_model(asked.model)
        self._show_samplers()
        self._choose_sampler(asked.sampler)
        if first_time:
            self._take_model_defaults()
        self.changed.emit()

    def model_info(self) -> Optional[ModelInfo]:
        """The chosen model, None while none is known."""
        models = self._capabilities.models if self._capabilities else ()
        return next((m for m in models if m.id == self.model.currentData()), None)

    def _choose_model(self, model_id: str) -> None:
        self.model.setCurrentIndex(max(self.model.findData(model_id), 0))

    def _choose_sampler(self, sampler_id: str) -> None:
        model = self.model_info()
        wanted = sampler_id or (model.sampler if model else "")
        if model and wanted not in model.samplers:
            wanted = model.sampler
        self.sampler.setCurrentIndex(max(self.sampler.findData(wanted), 0))

    def _show_samplers(self, *_: object) -> None:
        """List all samplers, greyed where the model cannot use them."""
        if self._capabilities is None:
            return
        chosen = self.sampler.currentData() or self._asked.sampler
        usable = getattr(self.model_info(), "samplers", ())
        items = QtGui.QStandardItemModel(self.sampler)
        for sampler in self._capabilities.samplers:
            item = QtGui.QStandardItem(sampler.name)
            item.setData(sampler.id, Qt.ItemDataRole.UserRole)
            if sampler.id not in usable:
                item.setEnabled(False)
                item.setToolTip("The chosen model cannot use this sampler.")
            items.appendRow(item)
        self.sampler.setModel(items)
        self._choose_sampler(chosen)

    def _take_model_defaults(self, *_: object) -> None:
        model = self.model_info()
        if model is not None:
            self._choose_sampler(model.sampler)
            self.steps.setValue(model.steps)
            self.guidance_scale.setValue(model.guidance_scale)
            self.selection.gradient_domain.setChecked(is_small(model.native))

    def _lay_out(self) -> None:
        grid = QtWidgets.QFormLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setFieldGrowthPolicy(QtWidgets.QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        labels: List[QtWidgets.QLabel] = []
        for text, field in (
            ("Model", self.model),
            ("Sampler", self.sampler),
            ("Steps", self.steps),
            ("CFG", self.guidance_scale),
            ("Strength", self.strength),
            ("Context", self.context),
            ("Seed", self.seed),
            ("Results", self.batch),
        ):
            labels.append(QtWidgets.QLabel(text))
            grid.addRow(labels[-1], field)
        # two grids, one column of labels
        every = labels + self.selection.labels()
        width = max(label.sizeHint().width() for label in every)
        for label in every:
            label.setMinimumWidth(width)
        column = QtWidgets.QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(grid)
        column.addWidget(self.fold)


def _combo(tip: str) -> QtWidgets.QComboBox:
    box = QtWidgets.QComboBox()
    box.setToolTip(tip)
    # long names are cut, they do not widen the docker
    box.setSizeAdjustPolicy(
        QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(8)
    return box
