"""How the programme's words are told to editors, in Chinese: fields, rows of the audit log, and what differs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from content_store import accounts, clock
from content_store.audit import Entry
from content_store.db import Connection
from content_store.review import desk
from content_store.review.diff import Piece
from content_store.review.versions import Version
from content_store.review_words import AiUse, ReturnReason, ReviewStep, Route, WithdrawReason
from content_store.vocabulary import COUNTIES, Prefecture, Topic

FIELD_NAMES = {
    "title": "标题",
    "summary": "摘要",
    "body": "正文",
    "topic": "主题",
    "tags": "标签",
    "place": "地区",
    "source": "来源",
    "author": "作者",
    "url": "原文链接",
    "licence": "授权",
    "ai_use": "人工智能使用情况",
}
AI_NAMES = {AiUse.NONE: "没有使用", AiUse.ASSISTED: "辅助创作", AiUse.GENERATED: "由人工智能生成"}

_KEPT = 60
"""Characters that are shown of unchanged words on each side of a change."""

_ACTS = {
    "content.create": "新建稿件",
    "content.copy": "复制为新的一版，重新审核",
    "content.unschedule": "取消定时发布",
    "content.expire": "到期，不再展示",
    "review.claim": "领取",
    "review.release": "归还",
    "review.lapse": "领取超时，退回队列",
    "review.pass": "通过",
    "review.return": "退回",
    "review.comment": "发表意见",
    "review.recall": "撤回送审",
}


class Difference(NamedTuple):
    """What differs in a field, by its Chinese name."""

    name: str
    pieces: list[Piece]


class Told(NamedTuple):
    """A row of the trail: when (epoch ms), who, and what they did."""

    at: int
    who: str
    what: str


def place_name(code: str | None) -> str:
    """The name of a region where ``code`` is one of ours; what it says otherwise."""
    if not code:
        return ""
    found = COUNTIES.get(code)
    if found is not None:
        return str(found)
    return Prefecture(code).label if code in set(Prefecture) else code


def value(name: str, given: object) -> str:
    """What a field says, for people."""
    if given is None or given == "":
        return "（空）"
    if name == "topic":
        return Topic(str(given)).label
    if name == "ai_use":
        return AI_NAMES[AiUse(str(given))]
    if name == "place":
        return place_name(str(given))
    return "、".join(given) if isinstance(given, list | tuple) else str(given)


def differences(pieces: Mapping[str, list[Piece]], old: Version, new: Version) -> list[Difference]:
    """What differs, field by field; long unchanged words are left out, and of codes only their names are compared."""
    was, now, found = old.words(), new.words(), []
    for name, parts in pieces.items():
        if name in ("topic", "ai_use", "place", "tags"):
            parts = [Piece("removed", value(name, was[name])), Piece("added", value(name, now[name]))]
        found.append(Difference(FIELD_NAMES[name], list(_folded(parts))))
    return found


def between(old: Version, new: Version) -> list[Difference]:
    """What differs between two versions."""
    return differences(desk.pieces(old, new), old, new)


def trail(connection: Connection, entries: Iterable[Entry], names: Mapping[str, str]) -> list[Told]:
    """Rows of the audit log in words."""
    rows = list(entries)
    unknown = {row.actor for row in rows if ":" not in row.actor} - names.keys()
    known = {**names, **accounts.names(connection, unknown)}
    return [Told(row.at, _who(row, known), _what(row)) for row in rows]


def _folded(pieces: Iterable[Piece]) -> Iterable[Piece]:
    parts = list(pieces)
    for at, piece in enumerate(parts):
        first, last = at == 0, at == len(parts) - 1
        room = _KEPT * (1 if first or last else 2) + 20
        if piece.kind != "same" or len(piece.text) <= room:
            yield piece
            continue
        head, tail = "" if first else piece.text[:_KEPT], "" if last else piece.text[-_KEPT:]
        yield Piece("same", f"{head}……{tail}")


def _who(row: Entry, names: Mapping[str, str]) -> str:
    kind, _, _ = row.actor.partition(":")
    after = _json(row.after)
    if after.get("as") in names:
        return names[after["as"]]
    return {"system": "系统", "key": "接口程序", "cli": "服务器管理员"}.get(
        kind, names.get(row.actor, "不再使用的账号")
    )


def _what(row: Entry) -> str:
    before, after = _json(row.before), _json(row.after)
    said = {**before, **after}
    step = ReviewStep(said["step"]).label if said.get("step") else ""
    version = f"第 {said['version']} 版" if said.get("version") else ""
    match row.action:
        case "content.save":
            return f"保存{version}（改动：{'、'.join(FIELD_NAMES[name] for name in after.get('changed', ()))}）"
        case "content.submit":
            return f"{version}送审（{Route(said['route']).label}{'，加急' if said.get('urgent') else ''}）"
        case "content.publish":
            return f"发布{version}"
        case "content.schedule":
            return f"{version}定于 {clock.shown(after['at'])} 发布"
        case "content.withdraw":
            return f"下架（{WithdrawReason(after['reason']).label}）"
        case "content.correct":
            return f"更正，说明：{after['note']}"
        case "review.return":
            return f"{step}退回（{ReturnReason(after['reason']).label}）"
        case "review.claim" | "review.release" | "review.pass":
            return f"{_ACTS[row.action]}{step}"
    return _ACTS.get(row.action, row.action) + (f"（{step}）" if step else "")


def _json(text: str | None) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(text) if text else {}
    return found
