"""What happens now: progress, the picture forming, and one sentence when something went wrong."""

from __future__ import annotations

from typing import Callable, Dict, Optional

from gi.repository import GdkPixbuf, GLib, Gtk, Pango

from .link.errors import ErrorInfo
from .link.jobs import is_over
from .link.values import Job, JobState, Progress
from .link.wording import TIPS, progress_words, state_words

_PREVIEW = 256  # pixels, the longer side; a tall picture must not push the fields out of sight


class Activity(Gtk.Box):
    """The job that is under way, with its preview; hidden without one.

    `cancel` is called with the job's id.
    """

    def __init__(self, cancel: Callable[[str], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6, no_show_all=True)
        self._jobs: Dict[str, Job] = {}  # not over, oldest first
        self.bar = Gtk.ProgressBar(show_text=True, valign=Gtk.Align.CENTER)
        self.bar.set_ellipsize(Pango.EllipsizeMode.END)
        self.cancel = Gtk.Button(label="Cance_l", use_underline=True, tooltip_text=TIPS["cancel"])
        self.preview = Gtk.Image(no_show_all=True)
        row = Gtk.Box(spacing=6)
        row.pack_start(self.bar, True, True, 0)
        row.pack_start(self.cancel, False, False, 0)
        self.pack_start(row, False, False, 0)
        self.pack_start(self.preview, False, False, 0)
        row.show_all()
        self.cancel.connect("clicked", lambda *_: cancel(self.shown().id) if self.shown() else None)

    def shown(self) -> Optional[Job]:
        """The running job, else the oldest that waits."""
        jobs = list(self._jobs.values())
        running = [job for job in jobs if job.state is not JobState.QUEUED]
        return next(iter(running or jobs), None)

    def job_changed(self, job: Job) -> None:
        if is_over(job):
            self._jobs.pop(job.id, None)
            self.preview.hide()
        else:
            self._jobs[job.id] = job
        shown = self.shown()
        self.set_visible(shown is not None)
        if shown is not None and shown.state is not JobState.RUNNING:
            self.bar.set_text(state_words(shown, len(self._jobs) - 1))
            self.bar.set_fraction(0.0)

    def progress(self, progress: Progress, preview: bytes) -> None:
        shown = self.shown()
        if shown is None or progress.job_id != shown.id:
            return
        self.bar.set_text(progress_words(progress, len(self._jobs) - 1))
        self.bar.set_fraction(min(progress.step / max(progress.steps, 1), 1.0))
        if progress.preview is not None and preview:
            self._show(preview, progress.preview.width, progress.preview.height)

    def _show(self, rgb: bytes, width: int, height: int) -> None:
        picture = GdkPixbuf.Pixbuf.new_from_bytes(
            GLib.Bytes.new(rgb), GdkPixbuf.Colorspace.RGB, False, 8, width, height, width * 3
        )
        room = min(_PREVIEW, max(self.get_allocated_width(), 1))
        factor = room / max(width, height)
        size = max(round(width * factor), 1), max(round(height * factor), 1)
        smooth = GdkPixbuf.InterpType.BILINEAR
        self.preview.set_from_pixbuf(picture.scale_simple(size[0], size[1], smooth))
        self.preview.show()


class Message(Gtk.InfoBar):
    """One sentence and what to do next; never a dialog."""

    def __init__(self) -> None:
        super().__init__(show_close_button=True, no_show_all=True)
        self._label = Gtk.Label(xalign=0, wrap=True, selectable=True, can_focus=False)
        self._label.set_line_wrap_mode(Pango.WrapMode.WORD_CHAR)
        self._label.show()
        self.get_content_area().add(self._label)
        self.connect("response", lambda *_: self.forget())

    def show_error(self, error: ErrorInfo) -> None:
        self.set_message_type(Gtk.MessageType.WARNING)
        self._say("\n".join(part for part in (error.message, error.hint) if part))

    def show_note(self, text: str) -> None:
        self.set_message_type(Gtk.MessageType.INFO)
        self._say(text)

    def text(self) -> str:
        """What is shown, "" when nothing is."""
        return self._label.get_text() if self.get_visible() else ""

    def forget(self) -> None:
        self.hide()

    def _say(self, text: str) -> None:
        self._label.set_text(text)
        self.show()
