"""The text fields for prompt and negative prompt."""

from __future__ import annotations

from typing import Callable

from gi.repository import Gtk

_TALLEST = 160  # pixels


class Prompt(Gtk.Box):
    """A label above plain text that wraps and is as tall as what it holds, within bounds.

    Tab goes to the next field.
    """

    def __init__(self, label: str, tip: str, height: int, changed: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=3)
        self._view = Gtk.TextView(
            wrap_mode=Gtk.WrapMode.WORD_CHAR,
            accepts_tab=False,
            tooltip_text=tip,
            left_margin=4,
            right_margin=4,
            top_margin=4,
            bottom_margin=4,
        )
        title = Gtk.Label(label=label, use_underline=True, mnemonic_widget=self._view, xalign=0)
        scroll = Gtk.ScrolledWindow(
            shadow_type=Gtk.ShadowType.IN,
            min_content_height=height,
            max_content_height=_TALLEST,
            propagate_natural_height=True,
            hscrollbar_policy=Gtk.PolicyType.NEVER,
        )
        scroll.add(self._view)
        self.pack_start(title, False, False, 0)
        self.pack_start(scroll, False, False, 0)
        self._view.get_buffer().connect("changed", lambda *_: changed())

    def text(self) -> str:
        buffer = self._view.get_buffer()
        return buffer.get_text(buffer.get_start_iter(), buffer.get_end_iter(), False)

    def set_text(self, text: str) -> None:
        self._view.get_buffer().set_text(text)

    def focus(self) -> None:
        self._view.grab_focus()
