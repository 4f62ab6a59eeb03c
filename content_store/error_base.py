"""What all errors of ours are."""

from __future__ import annotations

from typing import ClassVar


class KepuError(Exception):
    """The root of every error that is ours.

    ``code`` is stable and may be relied on by scripts, ``message`` says what happened, ``hint`` what to do about it.
    """

    code: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
