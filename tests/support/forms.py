"""What a browser sends of a form: the fields that its page has, with what is in them, and nothing else."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser, LexborNode
from werkzeug.test import TestResponse

_BUTTONS = ("submit", "button", "image", "reset")


def send(
    client: FlaskClient, on: str, action: str, *, button: tuple[str, str] | None = None, **typed: str
) -> TestResponse:
    """Open the page ``on``, type into its form for ``action`` and send it by the ``button`` (name, value).

    Who types into a field that the form has not fails: so would a person.
    """
    answer = client.get(on)
    assert answer.status_code == 200, (on, answer.status)
    fields = fields_of(answer.text, action)
    unknown = typed.keys() - fields.keys()
    assert not unknown, f"{on} has no {sorted(unknown)} in its form for {action}"
    sent = {name: value for name, value in (fields | typed).items() if value is not None}
    return client.post(action, data=sent | dict([button] if button else []))


def fields_of(page: str, action: str) -> dict[str, str | None]:
    """The fields of the form for ``action``, by name, with their values; None for what is not sent as it is."""
    forms = LexborHTMLParser(page).css("form")
    form = next((form for form in forms if urlsplit(form.attributes.get("action") or "").path == action), None)
    assert form is not None, f"the page has no form for {action}"
    fields: dict[str, str | None] = {}
    for field in form.css("input, textarea, select"):
        name, kind = field.attributes.get("name") or "", field.attributes.get("type") or "text"
        if not name or kind in _BUTTONS:
            continue
        value = _value(field, kind)
        if value is not None or name not in fields:
            fields[name] = value
    return fields


def actions_of(page: str) -> set[str]:
    """Where the forms of a page lead."""
    return {urlsplit(form.attributes.get("action") or "").path for form in LexborHTMLParser(page).css("form")}


def text_of(page: str) -> str:
    """What a person reads in the main part of a page, without blanks."""
    main = LexborHTMLParser(page).css_first("main")
    assert main is not None
    return re.sub(r"\s+", "", main.text())


def _value(field: LexborNode, kind: str) -> str | None:
    if field.tag == "textarea":
        # The parser leaves out the line end that follows the tag, as browsers do.
        return field.text()
    if field.tag == "select":
        options = field.css("option")
        chosen = next(
            (option for option in options if "selected" in option.attributes), options[0] if options else None
        )
        return "" if chosen is None else chosen.attributes.get("value") or ""
    value = field.attributes.get("value")
    if kind in ("radio", "checkbox"):
        return value or "on" if "checked" in field.attributes else None
    return value or ""
