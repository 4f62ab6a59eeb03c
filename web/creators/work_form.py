"""What may be said of a work, as typed and as it is understood: of a new one, and of another version."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask import request

from content_store import places
from content_store.alliance.admission import Application
from content_store.creator_words import Licence
from content_store.review.versions import Words
from content_store.review_words import AiUse
from content_store.vocabulary import Prefecture, Topic
from recsys.sentences import place
from web.creators import forms

LONGEST_SUMMARY, LONGEST_BODY, MOST_TAGS, LONGEST_TAG = 500, 100_000, 10, 20
PLACES = {entry.value: place(entry) for entry in Prefecture}
FIELDS = ("title", "summary", "body", "topic", "tags", "place", "url", "licence", "ai_use")
LABELS = {
    "title": "标题",
    "summary": "提要",
    "body": "正文",
    "topic": "主题",
    "tags": "标签",
    "place": "地方",
    "source": "来源",
    "author": "作者",
    "url": "原文网址",
    "licence": "授权方式",
    "ai_use": "人工智能使用情况",
}
REVIEWERS_NEED = {
    "body": "送审前请写好正文。",
    "topic": "送审前请选择主题。",
    "ai_use": "送审前请说明人工智能使用情况。",
}

_COMMAS = re.compile("[,，、;；\n]")
_MARKS = re.compile(r"([\\`*_\[\]<>|~&])")
_CODE = re.compile(r"51\d{4}")
"""Of a prefecture or county of Sichuan (GB/T 2260)."""
_LINE_MARKS = re.compile(r"^(\s*)(#{1,6}(?=\s|$)|[-+=](?=\s|[-+=]|$)|\d{1,9}(?=[.)](?:\s|$)))")


@dataclass
class Typed:
    """What is in the fields, as texts; ``wrong`` tells by field what to mend."""

    fields: dict[str, str]
    wrong: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        """What is in a field."""
        return self.fields.get(name, "")


def blank(application: Application | None) -> Typed:
    """The fields of a new work of somebody who told on what terms theirs may be shown."""
    if application is None:
        return Typed({"licence": Licence.ALLIANCE, "ai_use": ""})
    return Typed({"licence": application.licence, "ai_use": application.ai_use})


def of(words: Mapping[str, Any]) -> Typed:
    """The fields of the words of a version, as they are stored."""
    told = {name: words.get(name) or "" for name in FIELDS}
    told["tags"] = "、".join(words.get("tags") or ())
    told["licence"] = next((code for code, label in forms.LICENCE_CHOICES.items() if label == words.get("licence")), "")
    return Typed(told)


def sent() -> Typed:
    """The fields of the form at hand."""
    return Typed({name: forms.typed(name) for name in FIELDS})


def understood(form: Typed, *, whole: bool = False) -> Words | None:
    """What the form says; None where something is wrong, which it then tells. ``whole``: all that reviewers need."""
    tags = tags_of(form["tags"])
    wrong = {
        "title": forms.bad_label(form["title"]),
        "summary": forms.too_long(form["summary"], LONGEST_SUMMARY),
        "body": forms.too_long(form["body"], LONGEST_BODY),
        "topic": _no_choice(form["topic"], set(Topic)),
        "tags": _bad_tags(tags),
        "place": None if not form["place"] or _CODE.fullmatch(form["place"]) else "请从列出的市州中选择。",
        "url": forms.bad_address(form["url"]) if form["url"] else None,
        "licence": None if form["licence"] in set(Licence) else "请选择一种授权方式。",
        "ai_use": _no_choice(form["ai_use"], set(AiUse)),
    }
    if whole:
        wrong |= {name: what for name, what in REVIEWERS_NEED.items() if not form[name]}
    form.wrong = {name: what for name, what in wrong.items() if what}
    if form.wrong:
        return None
    return Words(
        title=form["title"],
        summary=form["summary"] or None,
        body=form["body"] or None,
        topic=form["topic"] or None,
        tags=tags,
        place=form["place"] or None,
        url=form["url"] or None,
        licence=Licence(form["licence"]).label,
        ai_use=form["ai_use"] or None,
    )


def tags_of(text: str) -> list[str]:
    """Tags as people write them in a row, each once."""
    return list(dict.fromkeys(tag for part in _COMMAS.split(text) if (tag := part.strip().lstrip("#＃").strip())))


def markdown_of_plain(text: str) -> str:
    """Plain text as Markdown that shows the same: each line a paragraph, and no sign with a meaning of its own."""
    lines = (_MARKS.sub(r"\\\1", line.strip()) for line in text.split("\n"))
    return "\n\n".join(_LINE_MARKS.sub(_escaped, line) for line in lines if line)


def choices() -> dict[str, Any]:
    """What the fields let choose from, for templates."""
    return {
        "topics": list(Topic),
        "places": PLACES,
        "place_names": places.PLACES,
        "licences": forms.LICENCE_CHOICES,
        "ai_choices": forms.AI_CHOICES,
        "longest_summary": LONGEST_SUMMARY,
    }


def is_plain() -> bool:
    """Whether the body of the form at hand is plain text."""
    return request.form.get("format") == "plain"


def _escaped(found: re.Match[str]) -> str:
    mark = found[2]
    return found[1] + (f"{mark}\\" if mark.isdigit() else f"\\{mark}")


def _no_choice(value: str, known: set[Any]) -> str | None:
    return None if not value or value in known else "请从列出的选项中选择。"


def _bad_tags(tags: list[str]) -> str | None:
    if len(tags) > MOST_TAGS:
        return f"最多 {MOST_TAGS} 个标签，现在有 {len(tags)} 个。"
    long = next((tag for tag in tags if len(tag) > LONGEST_TAG), None)
    if long:
        return f"标签“{long[:LONGEST_TAG]}…”太长，每个最多 {LONGEST_TAG} 个字。"
    return forms.too_long("".join(tags), MOST_TAGS * LONGEST_TAG)
