"""The window's fields: a `Form` as GTK widgets, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, List, Optional, Tuple

from gi.repository import GimpUi, Gtk

from .link.form import MAX_EDGE, Form
from .link.geometry import Context
from .link.values import (
    MAX_BATCH,
    MAX_GUIDANCE,
    MAX_SEED,
    MAX_STEPS,
    Capabilities,
    MaskSettings,
)

_CONTEXTS = {
    Context.TIGHT: "Tight",
    Context.AUTO: "Automatic",
    Context.WIDE: "Wide",
    Context.WHOLE: "Whole picture",
}
_LABEL, _ID, _USABLE = range(3)  # columns of a choice


class Choice(Gtk.ComboBox):
    """A list of (id, label) in which some entries are greyed."""

    def __init__(self) -> None:
        self._store = Gtk.ListStore(str, str, bool)
        super().__init__(model=self._store, id_column=_ID)
        cell = Gtk.CellRendererText()
        self.pack_start(cell, True)
        self.add_attribute(cell, "text", _LABEL)
        self.add_attribute(cell, "sensitive", _USABLE)

    def offer(self, entries: List[Tuple[str, str, bool]]) -> None:
        """entries: (id, label, usable); the chosen one stays where it is still usable."""
        chosen = self.get_active_id()
        self._store.clear()
        for key, label, usable in entries:
            self._store.append([label, key, usable])
        usable_ids = [key for key, _, usable in entries if usable]
        if usable_ids:
            self.set_active_id(chosen if chosen in usable_ids else usable_ids[0])

    def chosen(self) -> str:
        return self.get_active_id() or ""


class Fields(Gtk.Box):
    """All fields; `changed` is called after each change by the artist."""

    def __init__(self, changed: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._changed = changed
        self._quiet = False
        self._base = Form()
        self._capabilities: Optional[Capabilities] = None
        self.prompt = self._text("Prompt", "What should be there", 70)
        self.negative = self._text("Negative prompt", "What should not be there", 44)
        grid = Gtk.Grid(column_spacing=6, row_spacing=6)
        self.pack_start(grid, False, False, 0)
        self.model = self._row(grid, 0, "_Model", Choice())
        self.sampler = self._row(grid, 1, "S_ampler", Choice())
        self.model.connect("changed", self._model_chosen)
        self.sampler.connect("changed", self._told)
        self.strength = self._scale("_Strength (%)", 0, 100, 100, 0)
        self.steps = self._scale("S_teps", 1, MAX_STEPS, 20, 0)
        self.guidance = self._scale("_CFG (guidance scale)", 1, MAX_GUIDANCE, 7, 1)
        self.steps.set_gamma(2.0)  # low numbers matter most
        self.guidance.set_gamma(2.0)
        self._seed_row()
        self._fold()

    def form(self) -> Form:
        """The fields as they stand."""
        return replace(
            self._base,
            prompt=_read(self.prompt),
            negative_prompt=_read(self.negative),
            model=self.model.chosen(),
            sampler=self.sampler.chosen(),
            steps=int(self.steps.get_value()),
            guidance_scale=round(self.guidance.get_value(), 1),
            strength=self.strength.get_value() / 100.0,
            seed=int(self.seed.get_value()) if self.hold.get_active() else None,
            batch=int(self.results.get_value()),
            context=Context(self.context.chosen() or Context.AUTO.value),
            mask=MaskSettings(self._edge(self.grow), self._edge(self.feather)),
            colour_match=self.colour_match.get_active(),
        )

    def show_form(self, form: Form) -> None:
        """Fill the fields in, without telling of a change."""
        self._quiet = True
        self._base = form
        self.prompt.get_buffer().set_text(form.prompt)
        self.negative.get_buffer().set_text(form.negative_prompt)
        if form.model:
            self.model.set_active_id(form.model)
        if form.sampler:
            self.sampler.set_active_id(form.sampler)
        self.steps.set_value(form.steps)
        self.guidance.set_value(form.guidance_scale)
        self.strength.set_value(form.strength * 100.0)
        self.hold.set_active(form.seed is not None)
        if form.seed is not None:
            self.seed.set_value(form.seed)
        self.results.set_value(form.batch)
        self.context.set_active_id(form.context.value)
        self.grow.set_value(-1 if form.mask.grow is None else form.mask.grow)
        self.feather.set_value(-1 if form.mask.feather is None else form.mask.feather)
        self.colour_match.set_active(form.colour_match)
        self._quiet = False

    def show_seed(self, seed: int) -> None:
        """The seed that was drawn, so that it can be held."""
        self._quiet = True
        self.seed.set_value(seed)
        self._quiet = False

    def offer(self, capabilities: Capabilities) -> None:
        """Models and samplers to choose from; the model's own values where nothing was chosen."""
        first = self._capabilities is None and not self._base.model
        self._capabilities = capabilities
        self._quiet = True
        self.model.offer([(model.id, model.name, True) for model in capabilities.models])
        if self._base.model:
            self.model.set_active_id(self._base.model)
        self._quiet = False
        self._model_chosen(own_values=first)
        if self._base.sampler:
            self.sampler.set_active_id(self._base.sampler)

    # -- widgets

    def _text(self, label: str, tip: str, height: int) -> Gtk.TextView:
        self.pack_start(Gtk.Label(label=label, xalign=0), False, False, 0)
        view = Gtk.TextView(wrap_mode=Gtk.WrapMode.WORD_CHAR, accepts_tab=False, tooltip_text=tip)
        for margin in ("left", "right", "top", "bottom"):
            getattr(view, "set_%s_margin" % margin)(4)
        scroll = Gtk.ScrolledWindow(
            shadow_type=Gtk.ShadowType.IN, min_content_height=height, hexpand=True
        )
        scroll.add(view)
        self.pack_start(scroll, label == "Prompt", True, 0)
        view.get_buffer().connect("changed", self._told)
        return view

    def _row(self, grid: Gtk.Grid, row: int, label: str, widget: Gtk.Widget) -> Gtk.Widget:
        text = Gtk.Label(label=label, use_underline=True, mnemonic_widget=widget, xalign=0)
        widget.set_hexpand(True)
        grid.attach(text, 0, row, 1, 1)
        grid.attach(widget, 1, row, 1, 1)
        return widget

    def _scale(
        self, label: str, low: float, high: float, value: float, digits: int
    ) -> GimpUi.SpinScale:
        step = 10.0**-digits
        adjustment = Gtk.Adjustment(
            value=value, lower=low, upper=high, step_increment=step, page_increment=step * 5
        )
        scale = GimpUi.SpinScale.new(adjustment, label, digits)
        adjustment.connect("value-changed", self._told)
        self.pack_start(scale, False, False, 0)
        return scale

    def _seed_row(self) -> None:
        box = Gtk.Box(spacing=6)
        self.hold = Gtk.CheckButton(
            label="_Hold seed", use_underline=True, tooltip_text="Off: a random seed each time"
        )
        self.seed = Gtk.SpinButton.new_with_range(0, MAX_SEED, 1)
        self.results = Gtk.SpinButton.new_with_range(1, MAX_BATCH, 1)
        box.pack_start(self.hold, False, False, 0)
        box.pack_start(self.seed, True, True, 0)
        box.pack_start(Gtk.Label(label="Results"), False, False, 0)
        box.pack_start(self.results, False, False, 0)
        self.hold.connect("toggled", self._told)
        self.seed.connect("value-changed", self._told)
        self.results.connect("value-changed", self._told)
        self.pack_start(box, False, False, 0)

    def _fold(self) -> None:
        fold = Gtk.Expander(label="Selection")
        grid = Gtk.Grid(column_spacing=6, row_spacing=6, margin_top=6)
        fold.add(grid)
        self.context = self._row(grid, 0, "Surroundings", Choice())
        self.context.offer([(c.value, label, True) for c, label in _CONTEXTS.items()])
        self.context.set_active_id(Context.AUTO.value)
        self.grow = self._row(grid, 1, "Grow (px, -1: by itself)", _pixels())
        self.feather = self._row(grid, 2, "Feather (px, -1: by itself)", _pixels())
        self.colour_match = Gtk.CheckButton(label="Match colours to the surroundings", active=True)
        grid.attach(self.colour_match, 0, 3, 2, 1)
        self.context.connect("changed", self._told)
        for spin in (self.grow, self.feather):
            spin.connect("value-changed", self._told)
        self.colour_match.connect("toggled", self._told)
        self.pack_start(fold, False, False, 0)

    def _model_chosen(self, *_: object, own_values: bool = True) -> None:
        capabilities = self._capabilities
        if capabilities is None:
            return
        models: Dict[str, object] = {model.id: model for model in capabilities.models}
        model = models.get(self.model.chosen())
        usable = getattr(model, "samplers", ())
        quiet, self._quiet = self._quiet, True
        self.sampler.offer([(s.id, s.name, s.id in usable) for s in capabilities.samplers])
        if model is not None and own_values and not quiet:
            self.sampler.set_active_id(model.sampler)
            self.steps.set_value(model.steps)
            self.guidance.set_value(model.guidance_scale)
        self._quiet = quiet
        self._told()

    def _told(self, *_: object) -> None:
        if not self._quiet:
            self._changed()

    @staticmethod
    def _edge(spin: Gtk.SpinButton) -> Optional[float]:
        value = spin.get_value()
        return None if value < 0 else value


def _pixels() -> Gtk.SpinButton:
    spin = Gtk.SpinButton.new_with_range(-1, MAX_EDGE, 1)
    spin.set_value(-1)
    return spin


def _read(view: Gtk.TextView) -> str:
    buffer = view.get_buffer()
    return buffer.get_text(buffer.get_start_iter(), buffer.get_end_iter(), False)
