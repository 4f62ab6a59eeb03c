"""What a machine suggested about the wordings that wait for their editors: a row for each version, never changed.

A suggestion decides nothing. It is shown beside the fields that a person fills in; what that person decides is the
topic of the version that passes its review, and the two are compared afterwards (``agreement``).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, TypedDict

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import clock, schema, statements
from content_store import schema_review as tables
from content_store.review_words import ReviewState
from content_store.schema_suggestions import suggestions as _table
from content_store.vocabulary import ContentStatus, Prefecture, Topic

_row = _table.c
_versions, _reviews = tables.content_versions.c, tables.reviews.c
WAITING = (ContentStatus.DRAFT, ContentStatus.IN_REVIEW)
"""Contents in these statuses wait for their editors."""


class Evidence(TypedDict):
    """What a suggestion rests on, for people to read.

    ``likeliest`` and ``runner_up`` are topics, whether one is suggested or not; ``words`` spoke for the first, the
    strongest first. ``place`` is the likeliest place ("" where none is named), ``names`` the names as they stand there.
    """

    likeliest: str
    runner_up: str
    words: list[str]
    place: str
    names: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggested:
    """What was suggested about a version; ``topic`` and ``prefecture`` are None where the machine was not sure enough.

    ``confidence`` (0 to 1) is the probability of ``evidence["likeliest"]``, ``place_confidence`` that of
    ``evidence["place"]``; ``county`` is a code of ``COUNTIES``. ``model`` tells which model it was.
    """

    content_id: str
    version: int
    topic: Topic | None
    confidence: float
    prefecture: Prefecture | None
    county: str | None
    place_confidence: float
    evidence: Evidence
    model: str


class Unclassified(NamedTuple):
    """The newest wording of a content that waits, with no suggestion yet; texts as they are stored."""

    content_id: str
    version: int
    title: str
    summary: str | None
    body: str | None


class Reviewed(NamedTuple):
    """Words that passed their review, and the topic that people gave them."""

    content_id: str
    title: str
    summary: str | None
    body: str | None
    topic: Topic


class Agreement(NamedTuple):
    """Of the contents that passed a review and were suggested a topic for: how often people took it.

    ``blank``: the machine was not sure and suggested nothing.
    """

    taken: int
    changed: int
    blank: int


def lacking(connection: Connection, limit: int) -> list[Unclassified]:
    """Wordings that wait for a person to decide and have no suggestion, by the contents' ids: the oldest first."""
    later = tables.content_versions.alias()
    newer = sa.exists().where(later.c.content_id == _versions.content_id, later.c.version > _versions.version)
    told = sa.exists().where(_row.content_id == _versions.content_id, _row.version == _versions.version)
    passed = sa.exists().where(
        _reviews.content_id == _versions.content_id,
        _reviews.version == _versions.version,
        _reviews.state == ReviewState.PASSED,
    )
    # A list of ids and not a join, in which SQLite would begin with all the versions there are.
    waiting = sa.select(schema.contents.c.id).where(schema.contents.c.status.in_(WAITING))
    columns = (_versions.content_id, _versions.version, _versions.title, _versions.summary, _versions.body)
    query = sa.select(*columns).where(_versions.content_id.in_(waiting), ~newer, ~told, ~passed)
    rows = connection.execute(query.order_by(_versions.content_id).limit(limit))
    return [Unclassified(*row) for row in rows]


def store(connection: Connection, found: Collection[Suggested]) -> int:
    """Store suggestions of versions that have none; returns how many were stored. Those that are there stay."""
    if not found:
        return 0
    now = clock.now_ms()
    insert: Any = sqlite.insert(_table) if connection.dialect.name == "sqlite" else postgresql.insert(_table)
    rows = [asdict(one) | {"made_at": now} for one in found]
    return statements.affected(connection, insert.on_conflict_do_nothing(), rows)


def get(connection: Connection, content_id: str, version: int) -> Suggested | None:
    """What was suggested about a version; None where nothing was."""
    return some(connection, [content_id]).get((content_id, version))


def some(connection: Connection, content_ids: Collection[str]) -> dict[tuple[str, int], Suggested]:
    """What was suggested about all versions of these contents, by content and version."""
    found: dict[tuple[str, int], Suggested] = {}
    for part in statements.chunks(content_ids):
        for row in connection.execute(sa.select(_table).where(_row.content_id.in_(part))):
            found[row.content_id, row.version] = _suggested(row)
    return found


def reviewed(connection: Connection, most: int) -> list[Reviewed]:
    """The last ``most`` contents whose words passed a review and have a topic, by when they passed, the oldest first.

    Of each content the wording that passed last; what was withdrawn is left out.
    """
    later = tables.reviews.alias()
    newer = sa.exists().where(
        later.c.content_id == _reviews.content_id,
        later.c.state == ReviewState.PASSED,
        later.c.version > _reviews.version,
    )
    columns = (_versions.content_id, _versions.title, _versions.summary, _versions.body, _versions.topic)
    passed = _passed().where(~newer, schema.contents.c.status != ContentStatus.WITHDRAWN)
    query = passed.with_only_columns(*columns).order_by(_reviews.closed_at.desc(), _reviews.id.desc()).limit(most)
    rows = connection.execute(query).all()
    return [Reviewed(id, title, summary, body, Topic(topic)) for id, title, summary, body, topic in reversed(rows)]


def agreement(connection: Connection, since: int = 0) -> Agreement:
    """How the first suggestion about each content compares with what people let pass since then (epoch ms)."""
    earlier = _table.alias()
    first = ~sa.exists().where(earlier.c.content_id == _row.content_id, earlier.c.version < _row.version)
    same, none = _row.topic == _versions.topic, _row.topic.is_(None)
    kinds = (same, sa.and_(~none, ~same), none)
    counts = [sa.func.count(sa.distinct(sa.case((kind, _reviews.content_id)))) for kind in kinds]
    query = _passed(_row.content_id == _reviews.content_id).where(first, _reviews.closed_at >= since)
    row = connection.execute(query.with_only_columns(*counts)).one()
    return Agreement(row[0], row[1], row[2])


def _passed(joined: sa.ColumnElement[bool] | None = None) -> sa.Select[Any]:
    """The reviews that words with a topic passed, with these words, and the suggestions where they are ``joined``."""
    words = sa.and_(_versions.content_id == _reviews.content_id, _versions.version == _reviews.version)
    source = tables.reviews.join(tables.content_versions, words)
    source = source.join(schema.contents, schema.contents.c.id == _reviews.content_id)
    if joined is not None:
        source = source.join(_table, joined)
    passed = sa.and_(_reviews.state == ReviewState.PASSED, _versions.topic.is_not(None))
    return sa.select(_reviews.id).select_from(source).where(passed)


def _suggested(row: Any) -> Suggested:
    values = {name: value for name, value in row._mapping.items() if name != "made_at"}
    values["topic"] = Topic(values["topic"]) if values["topic"] else None
    values["prefecture"] = Prefecture(values["prefecture"]) if values["prefecture"] else None
    return Suggested(**values)
