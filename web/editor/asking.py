"""What a request says: who makes it, and the fields of its form."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from flask import request

from content_store import clock
from content_store.db import Connection
from content_store.errors import BadRecord
from content_store.review import trail
from content_store.review.trail import Actor
from web import signed

E = TypeVar("E", bound=StrEnum)
_MOST_DIGITS = 9
Faults = dict[str, str]
"""What is wrong with a form: the name of a field, and a sentence to stand beside it."""


def me(connection: Connection) -> Actor:
    """Who makes the request."""
    return trail.account(connection, signed.who().account.id)


def field(name: str) -> str:
    """A field of the form, with line ends as we store them: browsers send others."""
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def number(name: str) -> int | None:
    """A whole number in the form; None where it is none."""
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS else None


def chosen(kind: type[E], text: str | None) -> E | None:
    """The value of an enumeration that ``text`` is; None where it is none."""
    return kind(text) if text in set(kind) else None


def instant(name: str) -> int | None:
    """An instant of Shanghai in the form, epoch ms; None where the field is empty.

    Raises BadRecord for what is none: browsers that know no field for it let people write what they like.
    """
    text = field(name).replace("/", "-").replace("T", " ")
    if not text:
        return None
    for form in ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            found = datetime.strptime(text, form).replace(tzinfo=clock.SHANGHAI)
        except ValueError:
            continue
        return round(found.timestamp() * 1000)
    raise BadRecord(f"{text!r} is no time")


def typed() -> dict[str, str]:
    """All that the form says, to be shown again where it is refused."""
    return {name: field(name) for name in request.form if name != "form_token"}
