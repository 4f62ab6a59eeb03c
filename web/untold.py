"""Pictures of which nothing is told: how that is said to people, and the fields in which they tell it."""

from __future__ import annotations

from collections.abc import Iterable

from flask import request

from content_store import markdown
from content_store.markdown import Shown

_FIELD = "alt-"
LONGEST = 200


def sentence(numbers: Iterable[int]) -> str:
    """Which pictures lack their words, and what to do."""
    told = "、".join(map(str, numbers))
    return f"第 {told} 张图片还没有文字说明。看不见图片的读者要靠它，请写明图里是什么。"


def fields(body: str | None) -> list[tuple[str, Shown]]:
    """The pictures in a body of which nothing is told, each once, with the name of its field in the form."""
    once = {picture.digest: picture for picture in reversed(markdown.missing_alt(body))}
    return [(f"{_FIELD}{picture.digest}", picture) for picture in sorted(once.values())]


def filled(body: str) -> str:
    """The body with what was typed of its pictures into those fields."""
    typed = {name.removeprefix(_FIELD): text for name, text in request.form.items() if name.startswith(_FIELD)}
    return markdown.with_alt(body, {digest: text[:LONGEST] for digest, text in typed.items()}) if typed else body
