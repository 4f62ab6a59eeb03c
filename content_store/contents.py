"""Contents: what is read. Each change of a stored content is a new version of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any, Unpack, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, ids, schema, statements
from content_store.content_records import Card as Card
from content_store.content_records import Changes as Changes
from content_store.content_records import Content as Content
from content_store.content_records import Outline as Outline
from content_store.driver import Driver, Insertion
from content_store.errors import BadRecord, UnknownContent, Unreviewed
from content_store.review_words import ContentOrigin
from content_store.vocabulary import CONTENT_TRANSITIONS, LIVE_STATUSES, ContentStatus, Topic

_contents = schema.contents
_held = schema.schema_review.quarantines
_KNOWN = "SELECT id FROM contents WHERE id IN ?"
_UNTOLD = Insertion.into(
    _contents, ("id", "title", "tags", "version", "status", "created_at", "origin"), on_conflict="(id) DO NOTHING"
)
_PUBLIC = frozenset({ContentStatus.SCHEDULED, ContentStatus.PUBLISHED})
_TEXTS = ("title", "summary", "body", "place", "source", "author", "url")


def create(
    connection: Connection,
    *,
    id: str | None = None,
    status: ContentStatus = ContentStatus.DRAFT,
    version: int = 1,
    created_at: int | None = None,
    origin: ContentOrigin = ContentOrigin.IMPORT,
    **given: Unpack[Changes],
) -> Content:
    """Store a new content; without ``id`` a new one is made.

    Raises BadRecord for a missing title, a value outside the vocabulary or an id that is taken, and Unreviewed where
    one of another ``origin`` than an import would begin published.
    """
    identifier = checks.identifier(id, "a content's id") if id is not None else ids.new_id()
    row = {"title": None, "tags": []} | _columns(given)
    if not row["title"]:
        raise BadRecord(f"content {identifier} has no title")
    row |= {"id": identifier, "status": ContentStatus(status), "version": version, "origin": origin}
    if origin is not ContentOrigin.IMPORT and status in _PUBLIC:
        raise Unreviewed(f"content {identifier} was not reviewed and cannot be {status}")
    _require_schedule(identifier, row["status"], row.get("published_at"))
    row["created_at"] = clock.now_ms() if created_at is None else created_at
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_contents), row)
    except sa.exc.IntegrityError as error:
        raise BadRecord(f"a content has the id {identifier} already") from error
    return get(connection, identifier)


def create_drafts(
    connection: Connection, origin: ContentOrigin, drafts: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """Store new contents with these ids, all or none, as drafts that ``origin`` brought, with what is told of each.

    Raises BadRecord for a missing title, a value outside the vocabulary or an id that is taken.
    """
    told = {"version": 1, "status": ContentStatus.DRAFT, "created_at": clock.now_ms(), "origin": origin}
    rows = [{"id": checks.identifier(id, "a content's id"), **told, **_columns(cast("Changes", w))} for id, w in drafts]
    untitled = [row["id"] for row in rows if not row["title"]]
    if untitled:
        raise BadRecord(f"content {untitled[0]} has no title")
    if not rows:
        return
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(_contents), rows)
    except sa.exc.IntegrityError as error:
        raise BadRecord(f"a content has the id {rows[0]['id']} already, or one that came with it") from error


def get(connection: Connection, id: str) -> Content:
    """The content with this id. Raises UnknownContent."""
    row = connection.execute(sa.select(_contents).where(_contents.c.id == id)).one_or_none()
    if row is None:
        raise UnknownContent(f"no content has the id {id}")
    return _content(row)


def update(connection: Connection, id: str, **changes: Unpack[Changes]) -> Content:
    """Change what is given and count the version up where that makes a difference.

    Raises UnknownContent, BadRecord, and Unreviewed where the words are public and only a review may change them.
    """
    before = get(connection, id)
    columns = _columns(changes)
    if "title" in columns and not columns["title"]:
        raise BadRecord(f"content {id} has no title")
    _require_schedule(id, before.status, columns.get("published_at", before.published_at))
    stored = {name: getattr(before, name) for name in columns} | {"tags": list(before.tags)}
    different = {name: value for name, value in columns.items() if value != stored[name]}
    if not different:
        return before
    if before.bound and before.status in _PUBLIC and different.keys() - {"published_at", "expires_at"}:
        raise Unreviewed(f"the words of content {id} were reviewed", hint="publish a correction")
    next_version = {"version": _contents.c.version + 1}
    connection.execute(sa.update(_contents).where(_contents.c.id == id).values(different | next_version))
    return get(connection, id)


def set_status(connection: Connection, id: str, status: ContentStatus) -> Content:
    """Move the content to ``status``; publishing sets ``published_at`` where there is none.

    Raises UnknownContent, BadRecord for a transition that the vocabulary does not allow, and Unreviewed where the
    database refuses it.
    """
    before = get(connection, id)
    if status not in CONTENT_TRANSITIONS[before.status]:
        raise BadRecord(f"content {id} is {before.status} and cannot become {status}")
    _require_schedule(id, status, before.published_at)
    columns: dict[str, Any] = {"status": status, "version": _contents.c.version + 1}
    if status in LIVE_STATUSES and before.published_at is None:
        columns["published_at"] = clock.now_ms()
    # The guard on the old status lets only one of two simultaneous moves happen.
    moved = sa.update(_contents).where(_contents.c.id == id, _contents.c.status == before.status).values(columns)
    with statements.refused(connection, Unreviewed):
        done = connection.execute(moved).rowcount
    if not done:
        raise BadRecord(f"the status of content {id} was changed by someone else at the same time")
    return get(connection, id)


def publish_due(connection: Connection) -> list[str]:
    """Publish the scheduled contents whose time has come and whose end has not; returns their ids, sorted.

    Those whose words are in quarantine wait.
    """
    now = clock.now_ms()
    due = sa.and_(_contents.c.status == ContentStatus.SCHEDULED, _contents.c.published_at <= now, _unexpired(now))
    held = sa.and_(_held.c.content_id == _contents.c.id, _held.c.version == _contents.c.wording)
    due = sa.and_(due, ~sa.exists().where(held, _held.c.lifted_at.is_(None)))
    return _move(connection, due, ContentStatus.PUBLISHED)


def expire_due(connection: Connection) -> list[str]:
    """End the published and scheduled contents whose end has come; returns their ids, sorted."""
    over = _contents.c.expires_at <= clock.now_ms()
    before = [status for status, after in CONTENT_TRANSITIONS.items() if ContentStatus.EXPIRED in after]
    return _move(connection, sa.and_(_contents.c.status.in_(before), over), ContentStatus.EXPIRED)


def live(connection: Connection, *, batch: int = 2_000) -> Iterator[Content]:
    """The contents that may reach citizens now, by id, read ``batch`` at a time."""
    return _stream(connection, sa.select(_contents).where(_live(clock.now_ms())), batch)


def live_ids(connection: Connection) -> list[str]:
    """The ids of the contents that may reach citizens now."""
    return list(connection.execute(sa.select(_contents.c.id).where(_live(clock.now_ms()))).scalars())


def get_live(connection: Connection, id: str) -> Content:
    """The content with this id, which may reach citizens now. Raises UnknownContent, also where it may not."""
    found = sa.select(_contents).where(_contents.c.id == id, _live(clock.now_ms()))
    row = connection.execute(found).one_or_none()
    if row is None:
        raise UnknownContent(f"no content that may be shown has the id {id}")
    return _content(row)


def every(connection: Connection, *, batch: int = 2_000) -> Iterator[Content]:
    """All contents by id, read ``batch`` at a time."""
    return _stream(connection, sa.select(_contents), batch)


def known(connection: Connection, ids: Collection[str]) -> set[str]:
    """Those of ``ids`` that a content has."""
    driver = Driver(connection)
    found: set[str] = set()
    for part in statements.chunks(ids):
        found.update(id for (id,) in driver.rows(_KNOWN, part))
    return found


def ensure(connection: Connection, ids: Iterable[str]) -> int:
    """Publish a content with its id for a title for those of ``ids`` that no content has; returns how many were made.

    Nothing is known of them, hence no ``published_at``. Raises BadRecord.
    """
    now = clock.now_ms()
    new = sorted({checks.identifier(identifier, "a content's id") for identifier in ids})
    told = ("[]", 1, ContentStatus.PUBLISHED.value, now, ContentOrigin.IMPORT.value)
    rows = [(identifier, identifier, *told) for identifier in new]
    return Driver(connection).insert(_UNTOLD, rows)


def count(connection: Connection) -> int:
    """How many contents are stored."""
    return connection.execute(sa.select(sa.func.count()).select_from(_contents)).scalar_one()


def count_published(connection: Connection, since: int, before: int) -> int:
    """How many contents that can be read now were published from ``since`` on and before ``before`` (epoch ms)."""
    at = _contents.c.published_at
    within = sa.and_(_live(clock.now_ms()), at >= since, at < before)
    return connection.execute(sa.select(sa.func.count()).select_from(_contents).where(within)).scalar_one()


def some(connection: Connection, ids: Collection[str]) -> dict[str, Content]:
    """The contents with these ids, by id; unknown ids are left out."""
    found: dict[str, Content] = {}
    for part in statements.chunks(ids):
        rows = connection.execute(sa.select(_contents).where(_contents.c.id.in_(part)))
        found.update((row.id, _content(row)) for row in rows)
    return found


def cards(connection: Connection, ids: Collection[str]) -> dict[str, Card]:
    """What lists show of the contents with these ids, by id, whatever their status; unknown ids are left out."""
    if not ids:
        return {}
    now = clock.now_ms()
    return {row[0]: _card(row, now) for row in Driver(connection).rows(_CARDS, list(ids))}


def outlines(connection: Connection, ids: Collection[str] | None = None, *, batch: int = 5_000) -> Iterator[Outline]:
    """The contents with these ``ids``, or all of them by id, in short; unknown ids are left out."""
    columns = [_contents.c[field.name] for field in fields(Outline)]
    if ids is None:
        query = sa.select(*columns).order_by(_contents.c.id)
        for row in connection.execute(query, execution_options={"yield_per": batch}):
            yield _outline(row)
        return
    for part in statements.chunks(ids):
        for row in connection.execute(sa.select(*columns).where(_contents.c.id.in_(part)).order_by(_contents.c.id)):
            yield _outline(row)


def check(given: dict[str, Any]) -> dict[str, Any]:
    """A row for ``merge`` from what a file tells of a content: ``id`` and any columns; None and empty tell nothing.

    Raises BadRecord.
    """
    told = {name: value for name, value in given.items() if value is not None and value != ""}
    row = {name: told.pop(name) for name in ("id", "version", "status", "created_at") if name in told}
    checks.identifier(row["id"], "a content's id")
    if row.get("status", ContentStatus.DRAFT) not in set(ContentStatus):
        raise BadRecord(f"{row['status']!r} is no status")
    if row.get("version", 1) < 1:
        raise BadRecord(f"the version {row['version']} is below 1")
    if not str(told.get("title", row["id"])).strip():
        raise BadRecord("the title is blank")
    _require_schedule(row["id"], row.get("status"), told.get("published_at"))
    return row | _columns(cast("Changes", told))


def merge(connection: Connection, rows: Collection[dict[str, Any]]) -> statements.Merged:
    """Store what ``rows`` (made by ``check``) tell: new contents, published unless they say otherwise and titled by
    their id where they have no title, and new versions of those of which they tell something else.

    What was reviewed here is not changed by a file: such rows are refused.
    """
    now = clock.now_ms()
    blank: dict[str, Any] = dict.fromkeys((*_TEXTS, "topic", "published_at", "expires_at", "wording"))
    blank |= {"tags": [], "version": 1, "status": ContentStatus.PUBLISHED, "created_at": now}
    blank["origin"] = ContentOrigin.IMPORT
    refused: set[str] = set()
    stored = {
        id: asdict(content) | {"tags": list(content.tags)}
        for id, content in some(connection, [row["id"] for row in rows]).items()
    }

    def begin(row: dict[str, Any]) -> dict[str, Any]:
        return blank | {"title": row["id"]} | row

    def change(before: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
        after = before | {name: value for name, value in row.items() if name not in ("version", "created_at")}
        if after == before:
            return after
        if before["origin"] is not ContentOrigin.IMPORT or before["wording"] is not None:
            refused.add(row["id"])
            return before
        return after | {"version": before["version"] + 1}

    merged, changed = statements.merge(stored, rows, begin, change)
    statements.replace(connection, _contents, changed)
    return merged._replace(same=merged.same - len(refused), refused=frozenset(refused))


def topic(value: str | None) -> Topic | None:
    """The topic with this code or Chinese name; an empty one is none. Raises BadRecord."""
    if not value:
        return None
    found = _TOPICS.get(value.strip())
    if found is None:
        raise BadRecord(f"{value!r} is no topic")
    return found


_TOPICS = {name: entry for entry in Topic for name in (entry.value, entry.label)}


def _stream(connection: Connection, query: sa.Select[Any], batch: int) -> Iterator[Content]:
    # An option of the connection would outlive the statement.
    result = connection.execute(query.order_by(_contents.c.id), execution_options={"yield_per": batch})
    for row in result:
        yield _content(row)


def _live(now: int) -> sa.ColumnElement[bool]:
    published = sa.or_(_contents.c.published_at.is_(None), _contents.c.published_at <= now)
    return sa.and_(_contents.c.status.in_(LIVE_STATUSES), published, _unexpired(now))


def _unexpired(now: int) -> sa.ColumnElement[bool]:
    return sa.or_(_contents.c.expires_at.is_(None), _contents.c.expires_at > now)


def _move(connection: Connection, which: sa.ColumnElement[bool], status: ContentStatus) -> list[str]:
    """Give ``status`` to all contents of ``which`` in one guarded update."""
    changed = {"status": status, "version": _contents.c.version + 1}
    moved = sa.update(_contents).where(which).values(changed).returning(_contents.c.id)
    return sorted(connection.execute(moved).scalars())


def _require_schedule(id: str, status: str | None, published_at: int | None) -> None:
    if status == ContentStatus.SCHEDULED and published_at is None:
        raise BadRecord(f"content {id} cannot be scheduled without a published_at")


def _columns(given: Changes) -> dict[str, Any]:
    columns: dict[str, Any] = dict(given)
    for name in _TEXTS:
        if name in columns:
            columns[name] = checks.text(columns[name], f"a content's {name}")
    if "topic" in columns:
        columns["topic"] = topic(columns["topic"])
    if "tags" in columns:
        columns["tags"] = [checks.identifier(tag, "a tag") for tag in dict.fromkeys(columns["tags"])]
    return columns


_CARDS = "SELECT id, title, summary, topic, source, published_at, status FROM contents WHERE id IN ?"


def _card(row: Any, now: int) -> Card:
    id, title, summary, topic, source, published_at, status = row
    live = status in LIVE_STATUSES and (published_at is None or published_at <= now)
    return Card(id, title, summary, _TOPICS[topic] if topic else None, source, published_at, live)


def _outline(row: Any) -> Outline:
    id, status, topic, author, published_at, created_at = row
    return Outline(id, ContentStatus(status), Topic(topic) if topic else None, author, published_at, created_at)


def _content(row: Any) -> Content:
    values = dict(row._mapping)
    values["status"] = ContentStatus(values["status"])
    values["origin"] = ContentOrigin(values["origin"])
    values["topic"] = Topic(values["topic"]) if values["topic"] else None
    values["tags"] = tuple(values["tags"])
    return Content(**values)
