"""What the plug-in remembers: the last form, per image and for new images, and its own name."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from pathlib import Path
from typing import Optional

from gi.repository import Gimp

from .canvas import PERSISTENT
from .link.form import Form, for_another_document, form_from_json, form_to_json

REFINE_STRENGTH = 0.6  # what "Refine" begins with
FORM = "scumble-form"  # parasite: the image's own values, travel in the XCF
_WHOLE = "whole"  # stands beside the form's fields: no selection was looked at


def last_form(image: Optional[Gimp.Image]) -> Form:
    """The image's own values, else those used last, else the defaults."""
    return remembered_form(image) or Form()


def remembered_form(image: Optional[Gimp.Image]) -> Optional[Form]:
    """The image's own values, else those used last; None when nothing was asked for yet."""
    own = _own_text(image)
    if own is not None:
        return form_from_json(own)
    last = _last_text()
    return None if last is None else for_another_document(form_from_json(last))


def was_whole(image: Optional[Gimp.Image]) -> bool:
    """Whether the remembered form was used for the whole canvas, whatever was selected."""
    text = _own_text(image) or _last_text() or ""
    with contextlib.suppress(ValueError, RecursionError):
        kept = json.loads(text)
        return isinstance(kept, dict) and kept.get(_WHOLE) is True
    return False


def remember_form(image: Gimp.Image, form: Form, whole: bool = False) -> None:
    """whole: no selection was looked at."""
    text = json.dumps({**json.loads(form_to_json(form)), _WHOLE: whole})
    image.attach_parasite(Gimp.Parasite.new(FORM, PERSISTENT, text.encode("utf-8")))
    _write(_file("form.json"), text)


def client_id() -> str:
    """This GIMP's lasting name with the daemon, so that what a crash left is found again."""
    path = _file("client-id")
    with contextlib.suppress(OSError, UnicodeDecodeError):
        found = path.read_text(encoding="ascii").strip()
        if found:
            return found
    made = "gimp-" + uuid.uuid4().hex
    _write(path, made)
    return made


def _own_text(image: Optional[Gimp.Image]) -> Optional[str]:
    parasite = image.get_parasite(FORM) if image is not None and image.is_valid() else None
    return None if parasite is None else bytes(parasite.get_data()).decode("utf-8", "replace")


def _last_text() -> Optional[str]:
    try:
        return _file("form.json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _file(name: str) -> Path:
    return Path(Gimp.directory()) / "scumble" / name


def _write(path: Path, text: str) -> None:
    # remembering is a comfort: a full disk must not stop the artist's work
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name("%s.%d" % (path.name, os.getpid()))
        temporary.write_text(text, encoding="utf-8")
        os.replace(str(temporary), str(path))
