"""What an exception of the libraries becomes for the artist."""

from __future__ import annotations

from scumble.link.errors import ErrorCode
from scumble.worker import LOG_HINT, SENTENCE, _run_error


def test_pages_of_a_library_become_one_sentence() -> None:
    error = _run_error(RuntimeError("CUDA error: an illegal address\nCompile with `X`.\n\nTrace"))
    assert error.code is ErrorCode.INTERNAL
    assert error.message == "Drawing failed: CUDA error: an illegal address."
    assert error.hint == LOG_HINT


def test_a_line_without_an_end_is_cut_and_silence_is_named() -> None:
    assert len(_run_error(ValueError("x" * 9000)).message) < SENTENCE + 40
    assert _run_error(ValueError()).message == "Drawing failed: ValueError."
