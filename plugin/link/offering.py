"""The list of models and samplers as it comes in a reply."""

from __future__ import annotations

import json

from .channel import Reply
from .encoding import from_wire
from .errors import ErrorCode, ScumbleError
from .values import Capabilities


def read_capabilities(reply: Reply) -> Capabilities:
    """A list that is too long for a header lies whole in the reply's blob.

    Raises ScumbleError (version_mismatch) for one that cannot be read.
    """
    try:
        told = json.loads(reply.blobs[0]) if reply.blobs else reply.fields.get("capabilities")
        return from_wire(Capabilities, told)
    except (ValueError, RecursionError, ScumbleError) as error:
        raise ScumbleError(
            ErrorCode.VERSION_MISMATCH,
            "The backend's list of models cannot be read.",
            "Run \u201cpython3 installer update\u201d, then start the editor again.",
        ) from error
