"""The original articles of the demo: one Markdown file each in ``articles/``, with a small front matter.

The front matter is lines of ``key: value`` between two lines of ``---``. There is one for every field of
``DemoArticle`` but ``body``; only ``place`` may be absent. Tags stand between ``、``. ``age`` is how long before the
beginning of the demo an article was published, as in ``16d 3h``, so that the articles are as fresh on any day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from content_store.clock import DAY_MS
from content_store.errors import BadRecord
from content_store.vocabulary import COUNTIES, Prefecture, Topic

HOUR_MS = DAY_MS // 24

_FENCE = "---"
_REQUIRED = ("id", "title", "summary", "topic", "tags", "author", "source", "age")
_FIELDS = (*_REQUIRED, "place")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_AGE = re.compile(r"([0-9]{1,4})d ([0-9]{1,2})h")
_PLACES = {*Prefecture, *COUNTIES}


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoArticle:
    """One article; ``place`` is the code of a prefecture or county, ``age_ms`` > 0, ``body`` Markdown."""

    id: str
    title: str
    summary: str
    topic: Topic
    tags: tuple[str, ...]
    place: str | None
    author: str
    source: str
    age_ms: int
    body: str

    def row(self, now_ms: int) -> dict[str, Any]:
        """The article for ``contents.check``, in a demo that begins at ``now_ms`` (epoch ms)."""
        names = ("id", "title", "summary", "body", "topic", "place", "source", "author")
        row = {name: getattr(self, name) for name in names}
        return row | {"tags": list(self.tags), "published_at": now_ms - self.age_ms}


def demo_articles() -> list[DemoArticle]:
    """The articles of the demo in the order of their files. Raises BadRecord where a file is not as it must be."""
    return read_articles(resources.files("web.demo") / "articles")


def read_articles(folder: Traversable) -> list[DemoArticle]:
    """The articles in ``folder``, one in each ``NN-id.md``, in the order of these names. Raises BadRecord."""
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".md")), key=lambda file: file.name)
    articles = [parse(file.read_text("utf-8"), file.name) for file in files]
    for file, article in zip(files, articles, strict=True):
        if not re.fullmatch(rf"[0-9]{{2}}-{re.escape(article.id)}\.md", file.name):
            raise _bad(file.name, f"the article {article.id} is in a file of another name", f"NN-{article.id}.md")
    if len({article.id for article in articles}) < len(articles):
        raise _bad(folder.name, "two files have an article of the same id", "every id once")
    return articles


def parse(text: str, name: str) -> DemoArticle:
    """The article in ``text``; ``name`` is the file's, for messages. Raises BadRecord."""
    fields, body = _split(text, name)
    place = fields.get("place")
    if place is not None and place not in _PLACES:
        raise _bad(name, f"{place!r} is no place", "the code of a prefecture or of a county that is named on its own")
    if not _SLUG.fullmatch(fields["id"]):
        raise _bad(name, f"{fields['id']!r} is no id", "small letters and digits, with single hyphens between words")
    return DemoArticle(
        id=fields["id"],
        title=fields["title"],
        summary=fields["summary"],
        topic=_topic(fields["topic"], name),
        tags=_tags(fields["tags"], name),
        place=place,
        author=fields["author"],
        source=fields["source"],
        age_ms=_age(fields["age"], name),
        body=body,
    )


def _split(text: str, name: str) -> tuple[dict[str, str], str]:
    """The fields of the front matter, all that are required and none that is unknown, and what comes after it."""
    first, *rest = text.split("\n")
    if first != _FENCE or _FENCE not in rest:
        raise _bad(name, "there is no front matter", "it begins and ends with a line of three hyphens")
    end = rest.index(_FENCE)
    fields: dict[str, str] = {}
    for number, line in enumerate(rest[:end], 2):
        key, colon, value = line.partition(": ")
        if not colon or key not in _FIELDS:
            raise _bad(name, f"line {number} is {line!r}", f"`key: value` with one of {', '.join(_FIELDS)}")
        if key in fields:
            raise _bad(name, f"line {number} gives {key} again", "every key once")
        if not value or value != value.strip():
            raise _bad(name, f"line {number}: {key} is blank or has spaces around it", "a value after one space")
        fields[key] = value
    missing = [key for key in _REQUIRED if key not in fields]
    if missing:
        raise _bad(name, f"{', '.join(missing)} missing", "only place may be absent")
    body = "\n".join(rest[end + 1 :]).strip()
    if not body:
        raise _bad(name, "there is no text after the front matter", "the article itself, in Markdown")
    return fields, body


def _topic(value: str, name: str) -> Topic:
    if value not in set(Topic):
        raise _bad(name, f"{value!r} is no topic", "one of the codes in the glossary")
    return Topic(value)


def _tags(value: str, name: str) -> tuple[str, ...]:
    tags = tuple(value.split("、"))
    if any(tag != tag.strip() or not tag for tag in tags) or len(set(tags)) < len(tags):
        raise _bad(name, f"the tags {value!r} cannot be read", "different words with 、 between them")
    return tags


def _age(value: str, name: str) -> int:
    found = _AGE.fullmatch(value)
    days, hours = map(int, found.groups()) if found else (0, 0)
    if hours > 23 or days + hours == 0:
        raise _bad(name, f"the age {value!r} cannot be read", "days and hours above zero, like 16d 3h")
    return days * DAY_MS + hours * HOUR_MS


def _bad(name: str, what: str, wanted: str) -> BadRecord:
    return BadRecord(f"{name}: {what}", hint=f"Wanted: {wanted}.")
