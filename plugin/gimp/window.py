"""The window that stays open while the artist paints."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, Dict, List, Optional, Tuple

from gi.repository import Gdk, Gimp, GimpUi, GLib, Gtk, Pango

from .activity import Activity, Message
from .backend import open_session
from .canvas import GimpCanvas, refusal
from .choice import Choice
from .fields import Fields
from .keep import REFINE_STRENGTH, last_form, remember_form
from .link.errors import ErrorInfo
from .link.form import Form
from .link.jobs import is_over
from .link.values import Capabilities, Job, Progress, Result, WorkerState, WorkerStatus
from .link.wording import (
    CONNECTION_WORDS,
    TIPS,
    WORKER_WORDS,
    estimate_words,
    model_hint,
    note_words,
)
from .prompt import Prompt
from .recovered import Recovered

_LOOK = 400  # milliseconds; GIMP tells of no change of selection, nor of images
_START_KEYS = (Gdk.KEY_Return, Gdk.KEY_KP_Enter)


class Window:
    """A `View` in GTK. `closed` is called when the artist has closed it."""

    def __init__(self, canvas: GimpCanvas, closed: Callable[[], None]) -> None:
        GimpUi.init("scumble")
        self._canvas = canvas
        self._closed = closed
        self._entry = ""
        self._forms: Dict[int, Form] = {}  # of images that were worked on before
        self._action_of = ""  # what the button's words were found for
        self._estimate_of = ""  # and the time beside it
        self._images_seen: List[Tuple[str, int, bool]] = []
        self._told: Optional[Capabilities] = None  # offered as soon as no list is open
        self._build()
        self._client, self._session = open_session(canvas, self)
        self._timer = GLib.timeout_add(_LOOK, self._keep_looking)

    def show_image(self, image: Optional[Gimp.Image], entry: str) -> None:
        """Work on this image from now on; entry: the menu's procedure that was chosen."""
        if image is not None and (not self._entry or image.get_id() != self._canvas.image.get_id()):
            self._change_image(image)
        if entry != "scumble-repeat" or not self._entry:  # else as it is, selection or not
            self._take_up(entry)
        self._look()
        self.dialog.present()
        if entry == "scumble-repeat" and self.start.get_sensitive():
            self._start()

    def _take_up(self, entry: str) -> None:
        self._entry = entry
        self._canvas.use_selection = entry != "scumble-generate"
        form = self.form()
        if entry == "scumble-refine" and form.strength >= 1.0:
            self.fields.show_form(replace(form, strength=REFINE_STRENGTH))
        elif entry in ("scumble-fill", "scumble-generate"):
            self.fields.show_form(replace(form, strength=1.0))

    def form(self) -> Form:
        return self.fields.form(self.prompt.text(), self.negative_prompt.text())

    def _show_form(self, form: Form) -> None:
        self.prompt.set_text(form.prompt)
        self.negative_prompt.set_text(form.negative_prompt)
        self.fields.show_form(form)

    def _change_image(self, image: Gimp.Image) -> None:
        """The fields follow the image: what stood in them there, else what its file tells."""
        if self._entry:
            self._forms[self._canvas.image.get_id()] = self.form()
        self._canvas.image = image
        self._show_form(self._forms.get(image.get_id()) or last_form(image))

    # -- what the artist does

    def _start(self) -> None:
        self.message.forget()
        self.fields.commit()  # Ctrl+Enter leaves the focus where it is
        form = self.form()
        request = self._session.start(form)
        if request is not None:
            self.fields.show_seed(request.seed)
            remember_form(self._canvas.image, form, whole=not self._canvas.use_selection)

    def _image_chosen(self, *_: object) -> None:
        chosen = self.image.chosen()
        if chosen is None or chosen == self._canvas.image.get_id():
            return
        if Gimp.Image.id_is_valid(chosen):  # it may have been closed since the list was made
            self._change_image(Gimp.Image.get_by_id(chosen))
        self._look()

    def _responded(self, _: Gtk.Dialog, response: int) -> None:
        if response == Gtk.ResponseType.OK:
            self._start()
        else:
            self.dialog.destroy()

    def _key_pressed(self, _: Gtk.Widget, event: Gdk.EventKey) -> bool:
        control = event.state & Gdk.ModifierType.CONTROL_MASK
        starts = bool(control) and event.keyval in _START_KEYS
        if starts and self.start.get_sensitive():
            self._start()
        return starts

    def _destroyed(self, *_: object) -> None:
        GLib.source_remove(self._timer)
        self._client.close()  # what is under way goes on in the daemon
        self._closed()

    # -- looking at GIMP

    def _keep_looking(self) -> bool:
        # set anew before the look, which fails when the artist closes the image in the middle of it
        self._timer = GLib.timeout_add(_LOOK, self._keep_looking)
        self._look()
        return False

    def _look(self) -> None:
        """Say what the button will do and how long it takes, as image and selection are now."""
        self._offer_images()
        self._offer_models()
        subject = self._say_action()
        if subject and subject != self._estimate_of:
            self._estimate_of = subject
            self._session.estimate(self.form(), self._show_estimate)

    def _say_action(self) -> str:
        """Say what the button will do; returns what that follows from, "" if it can do nothing."""
        why_not = self._why_not()
        self.start.set_sensitive(not why_not)
        if why_not:
            self._action_of = self._estimate_of = ""
            self.start.set_tooltip_text(why_not)
            self.time.set_text(why_not)
            if self._entry == "scumble-fill":
                self.start.set_label("Fill")
            return ""
        form = self.form()
        subject = repr((self._canvas.image.get_id(), self._canvas.selection(), form))
        if subject != self._action_of:
            self._action_of = subject
            action = self._session.action(form)
            self.start.set_label(action.label)
            self.start.set_tooltip_text("%s (Ctrl+Enter)" % action.tip)
        return subject

    def _show_estimate(self, seconds: Optional[float]) -> None:
        if not self._why_not():
            self.time.set_text(estimate_words(seconds))

    def _why_not(self) -> str:
        """Why nothing can be started now, "" when it can."""
        if self._canvas.document() is None:
            return "The image was closed."
        refused = refusal(self._canvas.image)
        if refused is not None:
            return "%s %s" % (refused.message, refused.hint)
        if self._entry == "scumble-fill" and self._canvas.selection() is None:
            return "Nothing is selected. Select what to fill."
        return ""

    def _offer_images(self) -> None:
        images = [(image.get_name(), image.get_id(), True) for image in Gimp.get_images()]
        if images != self._images_seen:
            self._images_seen = images
            self.image.offer(images)
        if self.image.chosen() != self._canvas.image.get_id():
            self.image.choose(self._canvas.image.get_id())

    def _offer_models(self) -> None:
        if self._told is not None and not self.fields.choosing():
            self.fields.offer(self._told)
            self._told = None

    # -- View

    def connection_changed(self, state: str, error: Optional[ErrorInfo]) -> None:
        self._estimate_of = ""
        self.state.set_text(CONNECTION_WORDS.get(state, state))
        if error is not None:
            self.failed(error)
        elif state == "ready":
            self.message.forget()

    def capabilities_changed(self, capabilities: Capabilities) -> None:
        self._told = capabilities
        self._offer_models()
        hint = model_hint(capabilities)
        self.hint.set_text(hint)
        self.hint.set_visible(bool(hint))
        self._estimate_of = ""

    def job_changed(self, job: Job) -> None:
        self.activity.job_changed(job)
        if is_over(job):
            self._estimate_of = ""  # it is known better now

    def progress(self, progress: Progress, preview: bytes) -> None:
        self.activity.progress(progress, preview)

    def failed(self, error: ErrorInfo) -> None:
        self.message.show_error(error)

    def finished(self, result: Result, layer_name: str) -> None:
        told = ("New layer: %s" % layer_name, note_words(result))
        self.message.show_note("\n".join(part for part in told if part))

    def recovered(self, results: List[Result]) -> None:
        self.lost.offer(results)

    def worker_changed(self, status: WorkerStatus) -> None:
        text = WORKER_WORDS[status.state]
        if status.device and status.state is not WorkerState.FAILED:
            text += " (%s)" % status.device
        self.state.set_text(text)
        self.state.set_tooltip_text(status.message or status.model)

    # -- layout

    def _build(self) -> None:
        self.dialog = GimpUi.Dialog(title="Scumble", role="scumble")
        self.dialog.set_modal(False)
        self.dialog.set_default_size(380, 720)
        self.dialog.add_button("_Close", Gtk.ResponseType.CLOSE)
        self.start = self.dialog.add_button("Fill", Gtk.ResponseType.OK)
        self.dialog.set_default_response(Gtk.ResponseType.OK)
        self.dialog.connect("destroy", self._destroyed)
        self.dialog.connect("response", self._responded)
        self.dialog.connect("key-press-event", self._key_pressed)
        self.image = Choice()
        self.prompt = Prompt("_Prompt", TIPS["prompt"], 64, self._look_again)
        self.negative_prompt = Prompt(
            "_Negative prompt", TIPS["negative_prompt"], 36, self._look_again
        )
        self.activity = Activity(lambda job_id: self._session.cancel(job_id))
        self.message = Message()
        self.lost = Recovered(
            lambda result: self._session.paste_recovered(result),
            lambda results: self._session.discard_recovered(results),
        )
        self.fields = Fields(self._look_again, lambda: self._canvas.layer_names())
        self.hint = _quiet_label(selectable=True, no_show_all=True)
        self.time = _quiet_label()
        self.state = _quiet_label(xalign=1.0)
        image = Gtk.Box(spacing=6)
        image.pack_start(Gtk.Label(label="Image"), False, False, 0)
        image.pack_start(self.image, True, True, 0)
        column = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=12)
        for part in (
            image,
            self.prompt,
            self.negative_prompt,
            self.activity,
            self.message,
            self.lost,
            self.fields,
            self.hint,
        ):
            column.pack_start(part, False, False, 0)
        scroll = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER)
        scroll.add(column)
        below = Gtk.Box(spacing=6, margin_top=6, margin_start=12, margin_end=12)
        below.pack_start(self.time, True, True, 0)
        below.pack_start(self.state, False, False, 0)
        self.dialog.get_content_area().pack_start(scroll, True, True, 0)
        self.dialog.get_content_area().pack_start(Gtk.Separator(visible=True), False, False, 0)
        self.dialog.get_content_area().pack_start(below, False, False, 0)
        self.dialog.show_all()
        self.image.connect("changed", self._image_chosen)

    def _look_again(self) -> None:
        # How long it takes the next look says: finding out reads a layer that marks the context,
        # which is too much work for every key that is pressed.
        if self._entry:  # not while the window is being built
            self._say_action()


def _quiet_label(**properties: object) -> Gtk.Label:
    label = Gtk.Label(wrap=True, **{"xalign": 0.0, **properties})
    label.set_line_wrap_mode(Pango.WrapMode.WORD_CHAR)
    label.get_style_context().add_class("dim-label")
    return label
