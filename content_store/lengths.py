"""How long a text is to read: a measure that the ledger and the intake share."""

from __future__ import annotations

import re

# Runs, not single characters: a body has a few of them, and each match costs a call.
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")
_WORD = re.compile(r"[^\W_]+")
WORD_LENGTH = 2
"""Chinese characters that are read in the time of one word of an alphabetic script: 500 and 238 in a minute."""


def length_of(body: str | None) -> int:
    """How much there is to read, in Chinese characters: each of them is one, each other word ``WORD_LENGTH``."""
    if not body:
        return 0
    characters = sum(map(len, _HAN.findall(body)))
    return characters + WORD_LENGTH * len(_WORD.findall(_HAN.sub(" ", body)))
