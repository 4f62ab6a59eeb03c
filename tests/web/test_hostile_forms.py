"""What no browser sends: every page of those who work here gets it, in every field and in its address; none fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import quote, quote_from_bytes

from werkzeug.routing import Rule

from tests.web.editor.conftest import Newsroom
from tests.web.editor.conftest import newsroom as newsroom
from tests.web.staff.conftest import Desk

TEMPLATES = Path(__file__).resolve().parents[2] / "web" / "templates"
HOSTILE = {
    "NUL": b"a\x00b",
    "half a character": b"\xed\xa0\x80",
    "very long": "长".encode() * 1_000,
    "a number beyond all": b"9" * 30,
    "a line break": b"a\r\nSet-Cookie: x=1",
}
LOGGED_OUT = {"sign_out", "sign_in", "change_password"}
"""Those would end the session that asks."""


@cache
def field_names() -> list[str]:
    """What all forms call their fields."""
    found = set()
    for path in TEMPLATES.rglob("*.html"):
        found |= set(re.findall(r'name="(\w+)"', path.read_text("utf-8")))
        found |= set(re.findall(r'(?:line|area|pick|radios)\("(\w+)"', path.read_text("utf-8")))
    return sorted(found - {"form_token", "viewport", "color", "theme"})


def places(rule: Rule, known: dict[str, str]) -> Iterator[str]:
    """Addresses of a route: with an id that is there, and with what is no id."""
    if not rule.arguments:
        yield rule.rule
        return
    values = [next((id for start, id in known.items() if rule.rule.startswith(start)), "nothing")]
    values += ["%00", "%ED%A0%80", "长" * 3_000]
    for value in values:
        yield re.sub(r"<[^>]+>", quote(value, safe="%"), rule.rule)


def body(value: bytes, token: str, **known: str) -> bytes:
    """A form in which every field is ``value``, but for ``known``."""
    told = "&".join(f"{name}={quote_from_bytes(value)}" for name in field_names() if name not in known)
    return f"form_token={quote(token)}&{told}".encode() + b"".join(
        f"&{k}={quote(v)}".encode() for k, v in known.items()
    )


def token_of(desk: Desk) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', desk.see("/staff/me"))
    assert found
    return found[1]


def test_no_page_fails_whatever_is_in_its_fields_and_address(newsroom: Newsroom) -> None:
    newsroom.publish("out", title="已发布")
    review = newsroom.in_review("panda", title="大熊猫")
    newsroom.sit("li").send(f"/staff/review/{review.id}/claim", on="/staff/review", step="first_review")
    known = {"/staff/review": review.id, "/staff/contents": "panda", "/staff/works": "panda", "/contents": "out"}
    desks = {login: newsroom.sit(login) for login in ("chief", "wang")}
    tokens = {login: token_of(desk) for login, desk in desks.items()}
    failed, asked = set[tuple[str, str]](), 0
    for rule in newsroom.app.url_map.iter_rules():
        if rule.endpoint in LOGGED_OUT or rule.rule.startswith(("/api", "/static", "/healthz", "/readyz", "/metrics")):
            continue
        login = "wang" if rule.rule.startswith(("/staff/works", "/staff/creators")) else "chief"
        there, *elsewhere = places(rule, known)
        for path, kind in [*((there, kind) for kind in HOSTILE), *((path, "NUL") for path in elsewhere)]:
            asked += 1
            if "POST" in (rule.methods or ()):
                data = body(HOSTILE[kind], tokens[login], step="first_review", version="1", based_on="1")
                answer = desks[login].client.post(path, data=data, content_type="application/x-www-form-urlencoded")
            else:
                answer = desks[login].client.get(f"{path}?{body(HOSTILE[kind][:30], '').decode()}")
            if answer.status_code >= 500:
                failed.add((path[:60], kind))
    assert sorted(failed) == []
    assert asked > 300
