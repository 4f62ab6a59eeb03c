"""Which steps a version has to pass.

The full route is 三审三校. The short one is for what the settings name as low-risk, never where the topic asks for a
science review and never for what an artificial intelligence had a part in. A change of a few characters of words that
passed their review before takes the route for minor changes. The separation of persons is the same on all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import schema_review as tables
from content_store.review import diff, records, versions
from content_store.review.versions import FIELDS, Version
from content_store.review_words import ROUTE_STEPS, AiUse, ReviewStep, Route
from content_store.settings import Settings
from content_store.vocabulary import Topic

_TEXTS = ("title", "summary", "body")
_DIGIT = re.compile(r"[0-9０-９〇零一二三四五六七八九十百千万亿%％‰]")


def steps(route: Route, science: bool) -> tuple[ReviewStep, ...]:
    """The steps of ``route``, in their order; with ``science`` those of a topic that asks for a science review."""
    return tuple(step for step in ROUTE_STEPS[route] if science or step is not ReviewStep.SCIENCE_REVIEW)


def positions(route: Route, science: bool) -> dict[ReviewStep, int]:
    """The place of each step of ``steps`` in the whole route, from 1 on."""
    wanted = steps(route, science)
    return {step: place for place, step in enumerate(ROUTE_STEPS[route], 1) if step in wanted}


def science_topics(connection: Connection) -> frozenset[Topic]:
    """The topics that ask for a science review."""
    return frozenset(Topic(topic) for topic in connection.execute(sa.select(tables.science_topics.c.topic)).scalars())


def set_science_topics(connection: Connection, topics: Iterable[Topic]) -> None:
    """Let these topics, and no other, ask for a science review from now on; reviews that are open stay as they are."""
    connection.execute(sa.delete(tables.science_topics))
    rows = [{"topic": topic.value} for topic in sorted(set(topics))]
    if rows:
        connection.execute(sa.insert(tables.science_topics), rows)


def asks_science(connection: Connection, version: Version) -> bool:
    """Whether the version's topic asks for a science review."""
    return version.topic is not None and version.topic in science_topics(connection)


def is_low_risk(version: Version, settings: Settings) -> bool:
    """Whether the settings let the version take the short route, where its topic asks for no science review."""
    if version.ai_use is not AiUse.NONE or version.topic not in settings.short_route_topics:
        return False
    source = version.source in settings.short_route_sources or not settings.short_route_sources
    return source and version.length <= settings.short_route_length


def basis(connection: Connection, version: Version, settings: Settings) -> int | None:
    """The reviewed version of which this one is a minor change; None where it is none, or no small one.

    Minor are at most ``KEPU_MINOR_CHANGE`` characters of title, summary and body, no number among them. They are
    counted from what was last reviewed as a whole, so that many small changes do not add up to an unread text.
    """
    before = version.based_on
    while before is not None:
        earlier = versions.get(connection, version.content_id, before)
        review = records.passed(connection, version.content_id, before)
        if review is not None and review.route is not Route.MINOR:
            return before if is_minor(earlier, version, settings.minor_change) else None
        before = earlier.based_on
    return None


def is_minor(old: Version, new: Version, most: int) -> bool:
    """Whether ``new`` differs from ``old`` in at most ``most`` characters of the texts, none of them of a number."""
    was, now = old.words(), new.words()
    if any(was[name] != now[name] for name in FIELDS if name not in _TEXTS):
        return False
    pieces = [piece for name in _TEXTS for piece in diff.compare(was[name], now[name])]
    numbers = any(_DIGIT.search(piece.text) for piece in pieces if piece.kind != "same")
    return not numbers and diff.size(pieces) <= most


def choose(connection: Connection, version: Version, settings: Settings) -> tuple[Route, int | None]:
    """The shortest route that the version may take, and its basis where that is the one for minor changes."""
    found = basis(connection, version, settings)
    if found is not None:
        return Route.MINOR, found
    if is_low_risk(version, settings) and not asks_science(connection, version):
        return Route.SHORT, None
    return Route.FULL, None
