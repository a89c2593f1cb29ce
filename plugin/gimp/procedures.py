"""What GIMP is offered: five procedures under Filters > Scumble, with and without a window."""

from __future__ import annotations

import sys
from typing import Any, Dict, List, NamedTuple

from . import versions  # noqa: F401  (before gi.repository)

# isort: split
from gi.repository import Gegl, Gimp, GLib, GObject

from .backend import post
from .batch import BatchRun
from .canvas import GimpCanvas
from .keep import REFINE_STRENGTH, last_form, remembered_form, was_whole
from .link.errors import ErrorCode, ErrorInfo, ScumbleError, bad_request
from .link.form import MAX_EDGE, MAX_EDGE_PERCENT, MAX_PADDING, Form
from .link.geometry import Context
from .link.values import MAX_BATCH, MAX_GUIDANCE, MAX_STEPS, MaskSettings
from .link.wording import CONTEXTS, EDGES, INTENTS, MARKED, PADDING, PREFILLS, TIPS
from .watch import leave_with_gimp

MENU = "<Image>/Filters/Scumble"
_MAX_INT = 2**31 - 1  # GIMP's integers
_CHOICES = (
    ("context", "Conte_xt", CONTEXTS),
    ("intent", "F_or", INTENTS),
    ("prefill", "Pre-f_ill", PREFILLS),
)
_SWITCHES = (
    ("colour-match", "Match _colours"),
    ("gradient-domain", "Fit the ed_ge"),
    ("focus", "F_ocus"),
)
_PERCENT = "-percent"  # ends the names of widths in percent
WINDOW = "scumble-window-show"  # temporary procedure of the process that shows the window


class Entry(NamedTuple):
    label: str
    help: str
    strength: float  # the argument's default; 0 for procedures without arguments
    selection: bool  # reads the selection; without one Fill cannot run


ENTRIES: Dict[str, Entry] = {
    "scumble-fill": Entry("_Fill selection…", "Fill the selection with what you type", 1.0, True),
    "scumble-generate": Entry("_Generate…", "Draw a picture over the whole canvas", 1.0, False),
    "scumble-refine": Entry("_Refine…", "Redraw what is there", REFINE_STRENGTH, True),
    "scumble-repeat": Entry("Repeat _last", "Do again what was done last", 0.0, True),
    "scumble-recovered": Entry(
        "Re_covered results…", "Paste results that no image has got yet", 0.0, True
    ),
}


class Scumble(Gimp.PlugIn):
    def do_set_i18n(self, name: str) -> bool:
        return False

    def do_query_procedures(self) -> List[str]:
        return list(ENTRIES)

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        entry = ENTRIES[name]
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, self._run, None)
        procedure.set_image_types("RGB*, GRAY*")
        mask = Gimp.ProcedureSensitivityMask
        procedure.set_sensitivity_mask(mask.DRAWABLE | mask.DRAWABLES | mask.NO_DRAWABLES)
        procedure.set_menu_label(entry.label)
        procedure.add_menu_path(MENU)
        procedure.set_documentation(entry.help, entry.help + ". Pixels outside stay.", name)
        procedure.set_attribution("Scumble contributors", "Scumble contributors", "2026")
        if entry.strength:
            _add_arguments(procedure, entry)
        procedure.add_string_array_return_value(
            "layers", "Layers", "The new layers' names", GObject.ParamFlags.READWRITE
        )
        return procedure

    def _run(
        self,
        procedure: Gimp.Procedure,
        run_mode: Gimp.RunMode,
        image: Gimp.Image,
        drawables: List[Gimp.Drawable],
        config: Gimp.ProcedureConfig,
        data: Any,
    ) -> Gimp.ValueArray:
        leave_with_gimp()
        Gegl.init(None)
        name = procedure.get_name()
        # a window that is open repeats itself, and shows how it goes
        shown = name != "scumble-repeat" or Gimp.get_pdb().procedure_exists(WINDOW)
        entry = ENTRIES[name]
        canvas = GimpCanvas(image, entry.selection)
        try:
            if run_mode == Gimp.RunMode.INTERACTIVE and shown:
                return self._show_window(procedure, name, image)
            if name == "scumble-fill" and canvas.selection() is None:
                raise ScumbleError(
                    ErrorCode.BAD_REQUEST, "Nothing is selected.", "Select what to fill first."
                )
            if name == "scumble-repeat" and remembered_form(image) is None:
                raise ScumbleError(
                    ErrorCode.BAD_REQUEST,
                    "There is nothing to repeat yet.",
                    "Fill a selection or generate first.",
                )
            if name == "scumble-repeat":
                canvas.use_selection = not was_whole(image)
            run = BatchRun(canvas)
            if name == "scumble-recovered":
                run.paste_recovered()
            elif entry.strength and run_mode == Gimp.RunMode.NONINTERACTIVE:
                run.fill(_form(config))
            else:
                run.fill(last_form(image))
            error = run.error
        except ScumbleError as caught:
            return _failure(procedure, caught.info)
        if error is not None:
            return _failure(procedure, error)
        values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
        values.remove(1)
        value = GObject.Value(GObject.TYPE_STRV, run.pasted)
        values.insert(1, value)
        return values

    def _show_window(
        self, procedure: Gimp.Procedure, name: str, image: Gimp.Image
    ) -> Gimp.ValueArray:
        """Bring the window that is open to this image, or open it and stay until it is closed."""
        from .window import Window  # GTK only where a window is shown

        success = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
        pdb = Gimp.get_pdb()
        if pdb.procedure_exists(WINDOW):
            show = pdb.lookup_procedure(WINDOW)
            arguments = show.create_config()
            arguments.set_property("image", image)
            arguments.set_property("entry", name)
            show.run(arguments)
            return success
        loop = GLib.MainLoop()
        window = Window(GimpCanvas(image), loop.quit)

        def show_again(show: Gimp.Procedure, config: Any, data: Any) -> Gimp.ValueArray:
            chosen, entry = config.get_property("image"), config.get_property("entry")
            # GIMP asks this while a call of ours waits for its answer, in the middle of a picture
            # being read: that one shall stay the same image's to its end
            post(lambda: window.show_image(chosen, entry))
            return show.new_return_values(Gimp.PDBStatusType.SUCCESS, None)

        show = Gimp.Procedure.new(self, WINDOW, Gimp.PDBProcType.TEMPORARY, show_again, None)
        flags = GObject.ParamFlags.READWRITE
        show.add_image_argument("image", "Image", "The image to work on", False, flags)
        show.add_string_argument("entry", "Entry", "The menu entry", name, flags)
        self.add_temp_procedure(show)
        self.persistent_enable()
        window.show_image(image, name)
        loop.run()
        self.remove_temp_procedure(WINDOW)
        return success


def _add_arguments(procedure: Gimp.Procedure, entry: Entry) -> None:
    flags = GObject.ParamFlags.READWRITE
    text = procedure.add_string_argument
    whole = procedure.add_int_argument
    number = procedure.add_double_argument
    default = Form()
    text("prompt", "_Prompt", "What should be there", "", flags)
    text("negative-prompt", "_Negative prompt", "What should not", "", flags)
    text("model", "_Model", "Its id; empty: the first one", "", flags)
    text("sampler", "S_ampler", "Its id; empty: the model's own", "", flags)
    whole("steps", "S_teps", "Denoising steps", 1, MAX_STEPS, default.steps, flags)
    number("guidance", "_CFG", "Guidance scale", 1.0, MAX_GUIDANCE, default.guidance_scale, flags)
    number("strength", "St_rength", "0 keeps, 1 redraws", 0.0, 1.0, entry.strength, flags)
    whole("seed", "See_d", "-1: a random one", -1, _MAX_INT, -1, flags)
    whole("results", "Res_ults", "How many", 1, MAX_BATCH, 1, flags)
    for name, label, table in _CHOICES:
        offered = Gimp.Choice.new()
        for at, (words, value) in enumerate(table):
            offered.add(_nick(value), at, words, "")
        first = _nick(getattr(default, name))
        procedure.add_choice_argument(name, label, TIPS[name], offered, first, flags)
    whole("padding", "Padd_ing", TIPS["padding"], 0, MAX_PADDING, 64, flags)
    text("marked-by", "Mar_ked by", TIPS["marked_by"], "", flags)
    for label, name in EDGES:
        tip = TIPS[name] + " -1: auto."
        number(name, "_" + label, tip, -1.0, MAX_EDGE, -1.0, flags)
        tip = "The same in percent of the selection's side instead. -1: not given."
        percent = name + _PERCENT
        number(percent, "_%s (percent)" % label, tip, -1.0, MAX_EDGE_PERCENT, -1.0, flags)
    for name, label in _SWITCHES:
        field = name.replace("-", "_")
        procedure.add_boolean_argument(name, label, TIPS[field], getattr(default, field), flags)


def _nick(value: Any) -> str:
    """How a script names an entry of a table of choices."""
    return getattr(value, "value", value) or "auto"


def _form(config: Gimp.ProcedureConfig) -> Form:
    seed = config.get_property("seed")
    chosen = {
        name: next(value for _, value in table if _nick(value) == config.get_property(name))
        for name, _, table in _CHOICES
    }
    context = chosen["context"]
    mask, mask_percent = _widths(config, ""), _widths(config, _PERCENT)
    for _, name in EDGES:
        if getattr(mask, name) is not None and getattr(mask_percent, name) is not None:
            raise bad_request(
                "%s is given in pixels and in percent." % name.capitalize(), "Give one of the two."
            )
    return Form(
        prompt=config.get_property("prompt") or "",
        negative_prompt=config.get_property("negative-prompt") or "",
        model=config.get_property("model") or "",
        sampler=config.get_property("sampler") or "",
        steps=config.get_property("steps"),
        guidance_scale=config.get_property("guidance"),
        strength=config.get_property("strength"),
        seed=None if seed < 0 else seed,
        batch=config.get_property("results"),
        context=context if isinstance(context, Context) else Context.AUTO,
        padding=config.get_property("padding") if context is PADDING else None,
        marked_by=config.get_property("marked-by") or "" if context is MARKED else None,
        intent=chosen["intent"],
        prefill=chosen["prefill"],
        mask=mask,
        mask_percent=mask_percent,
        colour_match=config.get_property("colour-match"),
        focus=config.get_property("focus"),
        gradient_domain=config.get_property("gradient-domain"),
    )


def _widths(config: Gimp.ProcedureConfig, unit: str) -> MaskSettings:
    widths = {name: config.get_property(name + unit) for _, name in EDGES}
    return MaskSettings(**{name: None if width < 0 else width for name, width in widths.items()})


def _failure(procedure: Gimp.Procedure, error: ErrorInfo) -> Gimp.ValueArray:
    statuses = {
        ErrorCode.BAD_REQUEST: Gimp.PDBStatusType.CALLING_ERROR,
        ErrorCode.CANCELLED: Gimp.PDBStatusType.CANCEL,
    }
    status = statuses.get(error.code, Gimp.PDBStatusType.EXECUTION_ERROR)
    sentence = " ".join(part for part in (error.message, error.hint) if part)
    return procedure.new_return_values(status, GLib.Error(sentence))


def main() -> None:
    Gimp.main(Scumble.__gtype__, sys.argv)
