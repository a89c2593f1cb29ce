"""From a form and a canvas to a request with its pixels. Main thread; changes nothing."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Optional, Tuple

from .background import shows_background
from .canvas import Canvas, Looking
from .errors import ErrorCode, ScumbleError, bad_request
from .form import Form, build_request, intent_for, with_model
from .geometry import clamp
from .snapshot import blobs_of, check_snapshot, mostly_empty
from .values import Capabilities, GenerationRequest, Mode, Region, Size


def settle(canvas: Canvas, form: Form) -> Form:
    """The form with the place of the layer that marks its context, as that layer lies now.

    Raises ScumbleError.
    """
    if form.marked_by is None or canvas.selection() is None:
        return form
    return replace(form, marked=_marked(canvas, form.marked_by, canvas.size()), marked_by=None)


def look(
    canvas: Canvas, form: Form, capabilities: Optional[Capabilities]
) -> Tuple[GenerationRequest, bool]:
    """The request as far as it can be told without pixels, and whether something is selected.

    capabilities None: they are not known yet, and the model is not settled.
    Raises ScumbleError.
    """
    document = canvas.document()
    if document is None:
        raise bad_request("No document is open.", "Open or create one.")
    selection, size = canvas.selection(), canvas.size()
    form = settle(canvas, form)
    request = build_request(form, uuid.uuid4().hex, document, size, selection, capabilities)
    return _settled(request, capabilities), selection is not None


def read(
    canvas: Canvas, form: Form, capabilities: Optional[Capabilities]
) -> Tuple[GenerationRequest, Tuple[bytes, ...]]:
    """The request and its blobs; what it is for may follow from the pixels. Raises ScumbleError."""
    try:
        request, selected = look(canvas, form, capabilities)
        if request.mode is Mode.TEXT_TO_IMAGE:
            return request, ()
        snapshot = canvas.snapshot(request.region, selected)
    except ScumbleError:
        raise
    except Exception as error:  # an editor's API raises anything
        raise ScumbleError(
            ErrorCode.INTERNAL,
            "The document could not be read: %s." % (str(error) or type(error).__name__),
            "Save it and try again.",
        ) from error
    check_snapshot(snapshot, request)
    if request.mode is Mode.INPAINT:
        intent = intent_for(form, mostly_empty(snapshot), shows_background(snapshot))
        if intent is not request.intent:  # another one may need a model, or none
            asked = replace(request, intent=intent, model=form.model, sampler=form.sampler)
            request = _settled(asked, capabilities)
    return request, blobs_of(snapshot)


def _marked(canvas: Canvas, layer: str, size: Size) -> Region:
    """Where the layer that marks the context lies on the canvas."""
    bounds = canvas.layer_bounds(layer) if isinstance(canvas, Looking) else None
    if bounds is None:
        raise bad_request(
            "There is no layer “%s” to mark the context." % layer[:80],
            "Name another layer, or choose another context.",
        )
    inside = clamp(bounds, size)
    if inside.empty:
        raise bad_request(
            "The layer “%s” marks nothing within the picture." % layer[:80],
            "Paint on it where the context shall be.",
        )
    return inside


def _settled(request: GenerationRequest, capabilities: Optional[Capabilities]) -> GenerationRequest:
    return request if capabilities is None else with_model(request, capabilities)
