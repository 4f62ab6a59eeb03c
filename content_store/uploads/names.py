"""Names of uploaded files: text to be shown, never a path."""

from __future__ import annotations

import re
import unicodedata

from content_store.uploads.bounds import NAME_CHARACTERS

NAMELESS = "未命名"

_ENDING = re.compile(r"\.(?:docx?|html?|xhtml|md|markdown|txt|mdown)$", re.IGNORECASE)
_LONGEST_TITLE = 100


def shown_name(name: str) -> str:
    """The last part of ``name``, whichever slashes it is written with, without what is invisible or turns the direction of
    writing; at most ``bounds.NAME_CHARACTERS`` characters."""
    last = re.split(r"[\\/]", name)[-1]
    # Cc: control characters; Cf: invisible ones, among them those that make "gpj.exe" look like "exe.jpg"; Cs: halves.
    seen = "".join(sign for sign in unicodedata.normalize("NFC", last) if unicodedata.category(sign) not in _HIDDEN)
    return re.sub(r"\s+", " ", seen).strip()[:NAME_CHARACTERS].strip() or NAMELESS


def title_of(name: str) -> str:
    """A title made of a file's name: without its ending."""
    return _ENDING.sub("", shown_name(name)).strip()[:_LONGEST_TITLE].strip() or NAMELESS


_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
