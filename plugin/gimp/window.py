"""The window that stays open while the artist paints."""

from __future__ import annotations

from dataclasses import replace
from typing import Callable, List, Optional

from gi.repository import GdkPixbuf, GimpUi, GLib, Gtk

from .backend import open_session
from .canvas import GimpCanvas
from .fields import Fields
from .keep import REFINE_STRENGTH, last_form, remember_form
from .link.errors import ErrorInfo
from .link.jobs import is_over
from .link.values import Capabilities, Job, JobState, Progress, Result, WorkerStatus

_LOOK = 400  # milliseconds; GIMP tells of no change of selection
_PREVIEW = 288  # pixels, the longer side


class Window:
    """A `View` in GTK. `closed` is called when the artist has closed it."""

    def __init__(self, canvas: GimpCanvas, closed: Callable[[], None]) -> None:
        GimpUi.init("scumble")
        self._canvas = canvas
        self._closed = closed
        self._job_id = ""
        self._estimate_of = ""
        self._recovered: List[Result] = []
        self._client, self._session = open_session(canvas, self)
        self._build()
        self._look()
        self._timer = GLib.timeout_add(_LOOK, self._look)

    def show_image(self, image: "object", entry: str) -> None:
        """Work on this image from now on; entry: the menu's procedure that was chosen."""
        if image is not None:
            self._canvas.image = image
        form = last_form(self._canvas.image)
        if entry == "scumble-refine" and form.strength >= 1.0:
            form = replace(form, strength=REFINE_STRENGTH)
        elif entry in ("scumble-fill", "scumble-generate"):
            form = replace(form, strength=1.0)
        self._canvas.use_selection = entry != "scumble-generate"
        self.fields.show_form(form)
        self.dialog.set_title("Scumble – %s" % self._canvas.image.get_name())
        self._look()
        self.dialog.present()

    def _build(self) -> None:
        self.dialog = GimpUi.Dialog(title="Scumble", role="scumble")
        self.dialog.set_modal(False)
        self.dialog.set_default_size(380, 620)
        self.dialog.connect("destroy", self._destroyed)
        self.dialog.connect("response", lambda *_: self.dialog.destroy())
        content = self.dialog.get_content_area()
        content.set_border_width(12)
        content.set_spacing(6)
        self.fields = Fields(self._look)
        self.start = Gtk.Button(label="Fill")
        self.start.connect("clicked", self._start)
        self.cancel = Gtk.Button(label="Cancel", no_show_all=True)
        self.cancel.connect("clicked", lambda *_: self._session.cancel(self._job_id))
        buttons = Gtk.Box(spacing=6)
        buttons.pack_start(self.start, True, True, 0)
        buttons.pack_start(self.cancel, False, False, 0)
        self.time = Gtk.Label(xalign=0)
        self.bar = Gtk.ProgressBar(show_text=True, no_show_all=True)
        self.preview = Gtk.Image(no_show_all=True)
        self.message = Gtk.Label(xalign=0, wrap=True, max_width_chars=40, selectable=True)
        self.lost = Gtk.Button(no_show_all=True)
        self.lost.connect("clicked", self._paste_recovered)
        content.pack_start(self.fields, True, True, 0)
        for widget in (buttons, self.time, self.bar, self.preview, self.message, self.lost):
            content.pack_start(widget, False, False, 0)
        self.dialog.show_all()

    # -- what the artist does

    def _start(self, *_: object) -> None:
        self.message.set_text("")
        form = self.fields.form()
        request = self._session.start(form)
        if request is None:
            return
        self._job_id = request.id
        self.fields.show_seed(request.seed)
        remember_form(self._canvas.image, form)

    def _paste_recovered(self, *_: object) -> None:
        for result in list(self._recovered):
            self._session.paste_recovered(result)

    def _destroyed(self, *_: object) -> None:
        GLib.source_remove(self._timer)
        self._client.close()  # what is under way goes on in the daemon
        self._closed()

    def _look(self) -> bool:
        """Say what the button will do and how long it takes, as the selection is now."""
        open_now = self._canvas.document() is not None
        busy = bool(self._job_id)
        self.start.set_sensitive(open_now and not busy)
        if not open_now:
            self.time.set_text("The image was closed.")
            return True
        form = self.fields.form()
        self.start.set_label(self._session.action(form).label)
        subject = repr((self._canvas.selection(), self._canvas.size(), form))
        if subject != self._estimate_of:
            self._estimate_of = subject
            self._session.estimate(form, self._estimated)
        return True

    def _estimated(self, seconds: Optional[float]) -> None:
        if seconds is None:
            self.time.set_text("How long it takes here is not known yet.")
        else:
            self.time.set_text("About %d s on this computer." % max(round(seconds), 1))

    # -- View

    def connection_changed(self, state: str, error: Optional[ErrorInfo]) -> None:
        self._estimate_of = ""
        if state == "connecting":
            self.message.set_text("Starting Scumble's backend…")
        elif state == "ready":
            self.message.set_text("")
        elif error is not None:
            self.failed(error)

    def capabilities_changed(self, capabilities: Capabilities) -> None:
        self.fields.offer(capabilities)
        if not capabilities.models:
            self.message.set_text("No model is there. Add one with: scumble models add FILE.")
        elif all(model.id == "starter" for model in capabilities.models):
            self.message.set_text("Larger models: scumble models download NAME.")
        self._estimate_of = ""

    def job_changed(self, job: Job) -> None:
        if not self._job_id and not is_over(job):
            self._job_id = job.id  # begun now, or still under way from an earlier window
        if job.id != self._job_id:
            return
        words = {JobState.QUEUED: "Waiting", JobState.LOADING: "Loading the model"}
        if not is_over(job):
            self.bar.set_text(words.get(job.state, "Painting"))
            self.bar.show()
            self.cancel.show()
            return
        self._job_id = ""
        self._estimate_of = ""
        for widget in (self.bar, self.cancel, self.preview):
            widget.hide()
        self._look()

    def progress(self, progress: Progress, preview: bytes) -> None:
        if progress.job_id != self._job_id:
            return
        text = "Step %d of %d" % (progress.step, progress.steps)
        if progress.seconds_left is not None:
            text += ", %d s left" % max(round(progress.seconds_left), 1)
        self.bar.set_text(text)
        self.bar.set_fraction(min(progress.step / max(progress.steps, 1), 1.0))
        if progress.preview is not None and preview:
            width, height = progress.preview.width, progress.preview.height
            picture = GdkPixbuf.Pixbuf.new_from_bytes(
                GLib.Bytes.new(preview),
                GdkPixbuf.Colorspace.RGB,
                False,
                8,
                width,
                height,
                width * 3,
            )
            factor = _PREVIEW / max(width, height)
            size = max(round(width * factor), 1), max(round(height * factor), 1)
            self.preview.set_from_pixbuf(
                picture.scale_simple(size[0], size[1], GdkPixbuf.InterpType.BILINEAR)
            )
            self.preview.show()

    def failed(self, error: ErrorInfo) -> None:
        self.message.set_text(" ".join(part for part in (error.message, error.hint) if part))

    def finished(self, result: Result, layer_name: str) -> None:
        self.message.set_text("New layer: %s" % layer_name)

    def recovered(self, results: List[Result]) -> None:
        self._recovered = results
        self.lost.set_visible(bool(results))
        self.lost.set_label("Paste %d recovered result%s" % (len(results), "s"[: len(results) > 1]))

    def worker_changed(self, status: WorkerStatus) -> None:
        if status.message:
            self.message.set_text(status.message)
