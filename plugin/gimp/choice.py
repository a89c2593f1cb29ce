"""A list of choices with values behind the words, in which some may be greyed."""

from __future__ import annotations

from typing import Any, List, Sequence, Tuple

from gi.repository import Gtk, Pango

_LABEL, _USABLE = range(2)  # columns


class Choice(Gtk.ComboBox):
    """As Gtk's, but each entry stands for any value; long words are cut, they widen nothing."""

    def __init__(self, entries: Sequence[Tuple[str, Any]] = ()) -> None:
        self._store = Gtk.ListStore(str, bool)
        self._values: List[Any] = []
        super().__init__(model=self._store)
        cell = Gtk.CellRendererText(ellipsize=Pango.EllipsizeMode.END, width_chars=12)
        self.pack_start(cell, True)
        self.add_attribute(cell, "text", _LABEL)
        self.add_attribute(cell, "sensitive", _USABLE)
        if entries:
            self.offer([(label, value, True) for label, value in entries])
            self.set_active(0)

    def offer(self, entries: Sequence[Tuple[str, Any, bool]]) -> None:
        """entries: (label, value, usable); the chosen value stays chosen where it is usable."""
        chosen = self.chosen()
        self._store.clear()
        self._values = [value for _, value, _ in entries]
        for label, _, usable in entries:
            self._store.append([label, usable])
        if chosen in [value for _, value, usable in entries if usable]:
            self.choose(chosen)

    def chosen(self) -> Any:
        """The value of the chosen entry, None without one."""
        at = self.get_active()
        return self._values[at] if at >= 0 else None

    def choose(self, value: Any) -> None:
        """Nothing is chosen when no entry has that value."""
        self.set_active(self._values.index(value) if value in self._values else -1)
