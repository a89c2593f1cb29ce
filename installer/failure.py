"""How an installer's step fails: one sentence, and what to do next."""

from __future__ import annotations


class InstallError(Exception):
    """message: what went wrong. hint: what mends it. detail: a tool's own last words."""

    def __init__(self, message: str, hint: str = "", detail: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.detail = detail
