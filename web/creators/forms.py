"""Forms in which nothing typed is lost: what was typed as it was, and what is wrong with it, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from flask import request

from content_store import accounts, audit, clock
from content_store.creator_words import Licence
from content_store.db import Connection
from content_store.errors import UnknownAccount
from content_store.review_words import AiUse

AI_CHOICES = {
    AiUse.NONE: "没有使用人工智能",
    AiUse.ASSISTED: "使用了人工智能辅助（如查资料、润色、配图）",
    AiUse.GENERATED: "主要内容由人工智能生成",
}
"""What a creator says of each; readers are told by ``AiUse.label``."""

LICENCE_CHOICES = {licence: licence.label for licence in Licence}
NEEDED = "请填写这一项。"
LONGEST_ADDRESS = 2_000

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
_Word = TypeVar("_Word", bound=StrEnum)


def typed(name: str) -> str:
    """What was typed into a field, without blanks around it, lines ended as here."""
    return tidy(request.form.get(name, ""))


def tidy(text: str) -> str:
    """``text`` as fields keep it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def chosen(kind: type[_Word], name: str) -> _Word | None:
    """The word that was chosen; None for none, and for what is no choice."""
    value = request.form.get(name, "")
    return kind(value) if value in set(kind) else None


def too_long(text: str, most: int) -> str | None:
    """What is wrong with the length or the signs of a text, if anything."""
    if len(text) > most:
        return f"最多 {most} 个字，现在有 {len(text)} 个字。"
    return "含有不能显示的字符，请删去后再提交。" if _UNSEEN.search(text) else None


def bad_label(text: str, most: int = 200) -> str | None:
    """The same for a text of one line that must be there."""
    if not text:
        return NEEDED
    return "请写成一行。" if "\n" in text or "\t" in text else too_long(text, most)


def bad_address(text: str) -> str | None:
    """What is wrong with the address of a page, if anything."""
    if not text:
        return NEEDED
    if not text.startswith(("https://", "http://")) or any(sign.isspace() for sign in text):
        return "请填写以 https:// 或 http:// 开头的完整网址。"
    return too_long(text, LONGEST_ADDRESS)


def instant(text: str) -> int | None:
    """The instant (epoch ms) of a field for day and time in Shanghai; None for what is none."""
    try:
        return round(datetime.strptime(text, "%Y-%m-%dT%H:%M").replace(tzinfo=clock.SHANGHAI).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def as_field(ts_ms: int) -> str:
    """The instant as such a field shows it."""
    return clock.shown(ts_ms).replace(" ", "T")


def names(connection: Connection, ids: Iterable[str | None]) -> dict[str, str]:
    """The names of accounts, by what the audit log calls them; the house and programmes are 系统."""
    found = {}
    for id in set(ids) - {None}:
        assert id is not None
        if audit.is_house(id) or audit.key_of(id) is not None:
            found[id] = "系统"
            continue
        try:
            found[id] = accounts.get(connection, id).name
        except UnknownAccount:
            found[id] = "系统"
    return found
