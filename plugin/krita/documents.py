"""Krita's documents by a name that lasts, and what Scumble writes into them.

Everything is an annotation, which Krita stores in the .kra file: the
document's name, the last form, and one marker for each pasted result.
"""

from __future__ import annotations

import uuid
from typing import List, Optional, Tuple

from krita import Document, Krita

from .qt import QtCore

_NAME = "scumble/document"
_FORM = "scumble/form"
_RESULT = "scumble/result/%s/%d"  # job id, index


class Documents:
    """Finds open documents by name.

    Krita makes a new Python object for a document each time it is asked, and
    only `==` tells that two are the same; so pairs of object and name are kept.
    """

    def __init__(self) -> None:
        self._known: List[Tuple[Document, str]] = []

    def front(self) -> Optional[Document]:
        return Krita.instance().activeDocument()

    def name_of(self, document: Document) -> str:
        """The document's name: from its file, or a new one.

        A copy of a file that is open already gets a new one.
        """
        for known, name in self._known:
            if known == document:
                return name
        open_now = Krita.instance().documents()
        self._known = [pair for pair in self._known if pair[0] in open_now]
        name = _read(document, _NAME).decode("ascii", "replace")
        if not name or name in [taken for _, taken in self._known]:
            name = uuid.uuid4().hex
        self._known.append((document, name))
        return name

    def find(self, name: str) -> Optional[Document]:
        """The open document of that name, whichever is in front."""
        for document in Krita.instance().documents():
            if self.name_of(document) == name:
                return document
        return None

    def write_name(self, document: Document) -> None:
        """Let the name outlive the session, once something was asked for from here."""
        _write(document, _NAME, "Scumble: which document this is", self.name_of(document))

    def read_form(self, document: Document) -> str:
        """The JSON of the last form, "" when there is none."""
        return _read(document, _FORM).decode("utf-8", "replace")

    def write_form(self, document: Document, form: str) -> None:
        _write(document, _FORM, "Scumble: the last values of the docker", form)


def has_result(document: Document, job_id: str, index: int) -> bool:
    return _RESULT % (job_id, index) in document.annotationTypes()


def mark_result(document: Document, job_id: str, index: int, layer: str, metadata: str) -> None:
    """Note that the result is a layer of this document, with what made it (JSON)."""
    _write(document, _RESULT % (job_id, index), "Scumble: how %s was made" % layer, metadata)


def _read(document: Document, key: str) -> bytes:
    return bytes(document.annotation(key))


def _write(document: Document, key: str, description: str, text: str) -> None:
    # an annotation alone must not make Krita ask whether to save
    modified = document.modified()
    document.setAnnotation(key, description, QtCore.QByteArray(text.encode("utf-8")))
    document.setModified(modified)
