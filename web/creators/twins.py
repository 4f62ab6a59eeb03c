"""What a writer is told whose work is there already: which one that is, how it stands, and how to go on."""

from __future__ import annotations

from typing import NamedTuple

from flask import url_for

from content_store.db import Connection
from content_store.review import admitting, withdrawing
from content_store.review.admitting import Twin
from content_store.vocabulary import ContentStatus

_OPEN = (ContentStatus.DRAFT, ContentStatus.IN_REVIEW)


class Told(NamedTuple):
    """A sentence on what the work is a copy of, what to do now, and the address of that where one may see it."""

    sentence: str
    advice: str
    address: str | None


def told(connection: Connection, content_id: str, me: str) -> Told | None:
    """What the writer ``me`` is told of a work that was found to be a copy; None where it was not."""
    twin = admitting.twin_of(connection, content_id)
    if twin is None:
        return None
    own = twin.author_id == me
    whose = "你的另一篇作品" if own else "平台上已有的文章"
    sentence = f"它和{whose}《{twin.title}》（{twin.status.label}）是同一篇，不再另外送审。"
    return Told(sentence, _advice(connection, twin, own), _address(twin, own))


def _advice(connection: Connection, twin: Twin, own: bool) -> str:
    if twin.status is ContentStatus.WITHDRAWN:
        return f"那一篇已经下架{_reason(connection, twin)}，同样的文章不能再送审。要恢复它，请联系编辑。"
    joined = "你的这一份已记为那一篇的另一个来源。"
    if not own:
        return joined
    if twin.status in _OPEN:
        return f"请打开那一篇，在那里继续修改和送审。{joined}"
    return f"要改动那一篇，请联系编辑。{joined}"


def _reason(connection: Connection, twin: Twin) -> str:
    """Why it was withdrawn, where everybody may read that."""
    grave = withdrawing.tombstone(connection, twin.content_id)
    public = grave is not None and withdrawing.was_public(connection, twin.content_id)
    return f"（{grave.text}）" if grave is not None and public else ""


def _address(twin: Twin, own: bool) -> str | None:
    if own:
        return url_for("show_work", id=twin.content_id)
    if twin.status is ContentStatus.PUBLISHED:
        return url_for("show_article", id=twin.content_id)
    return None
