"""The window's fields: a `Form` as GTK widgets, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List, Optional, Sequence, Tuple

from gi.repository import GimpUi, Gtk

from .choice import Choice
from .context import ContextField
from .link.form import Form
from .link.geometry import is_small
from .link.values import (
    MAX_BATCH,
    MAX_GUIDANCE,
    MAX_SEED,
    MAX_STEPS,
    Capabilities,
    ModelInfo,
)
from .link.wording import TIPS
from .selection import SelectionFields


class Fields(Gtk.Box):
    """All but the prompts; `changed` is called after each change by the artist."""

    def __init__(self, changed: Callable[[], None], layers: Callable[[], List[str]]) -> None:
        """layers: the names of the image's layers, the active one first."""
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._changed = changed
        self._quiet = False
        self._base = Form()  # keeps what has no field, and ids that are not offered yet
        self._capabilities: Optional[Capabilities] = None
        self.model = Choice()
        self.sampler = Choice()
        self.strength = self._scale("St_rength (%)", 0, 100, 0)
        self.steps = self._scale("S_teps", 1, MAX_STEPS, 0)
        self.guidance = self._scale("_CFG", 1, MAX_GUIDANCE, 1)
        for scale in (self.steps, self.guidance):
            scale.set_gamma(2.0)  # low numbers matter most
        self.seed = Gtk.SpinButton.new_with_range(0, MAX_SEED, 1)
        self.seed.set_width_chars(len(str(MAX_SEED)))
        self.random = Gtk.CheckButton(label="Ran_dom", use_underline=True)
        self.results = self._scale("Res_ults", 1, MAX_BATCH, 0)
        self.context = ContextField(self._told, layers)
        self.selection = SelectionFields(self._told)
        self._lay_out()
        self.show_form(self._base)
        self.model.connect("changed", self._model_chosen)
        self.sampler.connect("changed", self._told)
        self.random.connect("toggled", self._random_toggled)
        self.seed.connect("value-changed", self._told)

    def form(self, prompt: str, negative_prompt: str) -> Form:
        """The fields as they stand."""
        form = replace(
            self._base,
            prompt=prompt,
            negative_prompt=negative_prompt,
            model=self.model.chosen() or self._base.model,
            sampler=self.sampler.chosen() or self._base.sampler,
            steps=int(self.steps.get_value()),
            guidance_scale=round(self.guidance.get_value(), 1),
            strength=self.strength.get_value() / 100.0,
            seed=None if self.random.get_active() else int(self.seed.get_value()),
            batch=int(self.results.get_value()),
        )
        return self.selection.fill_in(self.context.fill_in(form))

    def commit(self) -> None:
        """Take up numbers that are still being typed: GTK waits for Return or another focus."""
        edges = [edge.number for edge in self.selection.edges.values()]
        scales = [self.strength, self.steps, self.guidance, self.results]
        for spin in (*scales, self.seed, self.context.padding, *edges):
            spin.update()

    def show_form(self, form: Form) -> None:
        """Fill the fields in, without telling of a change."""
        self._quiet = True
        self._base = form
        if self._capabilities is not None:
            self.model.choose(self._model_or_first(form.model))
            self._offer_samplers(form.sampler)
        self.steps.set_value(form.steps)
        self.guidance.set_value(form.guidance_scale)
        self.strength.set_value(round(form.strength * 100))
        self.random.set_active(form.seed is None)
        self.seed.set_sensitive(form.seed is not None)
        if form.seed is not None:
            self.seed.set_value(form.seed)
        self.results.set_value(form.batch)
        self.context.show_form(form)
        self.selection.show_form(form)
        self._quiet = False

    def show_seed(self, seed: int) -> None:
        """The seed that was drawn, so that it can be held."""
        self._quiet = True
        self.seed.set_value(seed)
        self._quiet = False

    def choosing(self) -> bool:
        """Whether the artist has the list of models or samplers open."""
        return any(box.get_property("popup-shown") for box in (self.model, self.sampler))

    def offer(self, capabilities: Capabilities) -> None:
        """Models and samplers to choose from; the model's own values where nothing was chosen."""
        first_time = self._capabilities is None and not self._base.model
        wanted = self.model.chosen() or self._base.model
        sampler = self.sampler.chosen() or self._base.sampler
        self._capabilities = capabilities
        self._quiet = True
        self.model.offer([(model.name, model.id, True) for model in capabilities.models])
        self.model.choose(self._model_or_first(wanted))
        self._offer_samplers(sampler)
        if first_time:
            self._take_model_defaults()
        self._quiet = False
        self._told()

    # -- models and samplers

    def _model_info(self) -> Optional[ModelInfo]:
        models = self._capabilities.models if self._capabilities else ()
        return next((model for model in models if model.id == self.model.chosen()), None)

    def _model_or_first(self, wanted: str) -> Optional[str]:
        known = [model.id for model in self._capabilities.models] if self._capabilities else []
        return wanted if wanted in known else next(iter(known), None)

    def _offer_samplers(self, wanted: str) -> None:
        """List all, greyed where the model cannot use them."""
        model = self._model_info()
        usable = model.samplers if model else ()
        samplers = self._capabilities.samplers if self._capabilities else ()
        self.sampler.offer([(s.name, s.id, s.id in usable) for s in samplers])
        self.sampler.choose(wanted if wanted in usable else (model.sampler if model else None))

    def _take_model_defaults(self) -> None:
        model = self._model_info()
        if model is not None:
            self.sampler.choose(model.sampler)
            self.steps.set_value(model.steps)
            self.guidance.set_value(model.guidance_scale)
            self.selection.gradient_domain.set_active(is_small(model.native))

    # -- signals

    def _model_chosen(self, *_: object) -> None:
        if self._quiet:
            return
        self._quiet = True
        self._offer_samplers("")
        self._take_model_defaults()
        self._quiet = False
        self._told()

    def _random_toggled(self, *_: object) -> None:
        self.seed.set_sensitive(not self.random.get_active())
        self._told()

    def _told(self, *_: object) -> None:
        if not self._quiet:
            self._changed()

    # -- layout

    def _scale(self, label: str, low: float, high: float, digits: int) -> GimpUi.SpinScale:
        step = 10.0**-digits
        adjustment = Gtk.Adjustment(
            value=low, lower=low, upper=high, step_increment=step, page_increment=step * 5
        )
        scale = GimpUi.SpinScale.new(adjustment, label, digits)
        adjustment.connect("value-changed", self._told)
        return scale

    def _lay_out(self) -> None:
        seed = Gtk.Box(spacing=6)
        seed.pack_start(self.seed, True, True, 0)
        seed.pack_start(self.random, False, False, 0)
        rows: Sequence[Tuple[str, Gtk.Widget, Gtk.Widget]] = (
            ("_Model", self.model, self.model),
            ("S_ampler", self.sampler, self.sampler),
            ("Conte_xt", self.context, self.context.choice),
            ("See_d", seed, self.seed),
        )
        grid = Gtk.Grid(column_spacing=6, row_spacing=6)
        for at, (text, widget, target) in enumerate(rows):
            widget.set_hexpand(True)
            label = Gtk.Label(label=text, use_underline=True, mnemonic_widget=target, xalign=0)
            grid.attach(label, 0, at, 1, 1)
            grid.attach(widget, 1, at, 1, 1)
        parts = (
            grid,
            self.strength,
            self.steps,
            self.guidance,
            self.results,
            self.selection,
        )
        for part in parts:
            self.pack_start(part, False, False, 0)
        for widget, name in (
            (self.model, "model"),
            (self.sampler, "sampler"),
            (self.seed, "seed"),
            (self.random, "random"),
            (self.strength, "strength"),
            (self.steps, "steps"),
            (self.guidance, "guidance_scale"),
            (self.results, "batch"),
        ):
            widget.set_tooltip_text(TIPS[name])
