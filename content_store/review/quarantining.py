"""Versions that are held back for their words, until a person lets them pass with a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, ids, schema, statements
from content_store import schema_review as tables
from content_store.audit import Change
from content_store.errors import BadRecord, MayNotReview, Quarantined
from content_store.review import permits, terms, trail
from content_store.review.terms import Hit, Term, TermList
from content_store.review.trail import Actor
from content_store.review_words import HOLDING, Severity
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import ContentStatus

_table = tables.quarantines
_row = _table.c
_SEARCHED = ("title", "summary", "body", "tags", "source", "author")
_WAITING = (ContentStatus.DRAFT, ContentStatus.IN_REVIEW, ContentStatus.SCHEDULED)


class Words(Protocol):
    """What is asked of a version here; its module knows this one."""

    def words(self) -> Mapping[str, Any]:
        """What its writers said, by field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantine:
    """A version that is, or was, held back: for which ``hits``, and who let it pass when and why. Epoch ms."""

    id: str
    content_id: str
    version: int
    hits: tuple[Mapping[str, Any], ...]
    liftable: bool
    opened_at: int
    lifted_at: int | None
    lifted_by: str | None
    lift_reason: str | None


@dataclass(frozen=True, slots=True)
class Rescan:
    """The contents that a changed list newly holds back, and those that are published with words of it."""

    held: list[str]
    published: dict[str, list[str]]


def examine(
    connection: Connection, content_id: str, version: int, words: Mapping[str, Any], *, listed: TermList | None = None
) -> list[Hit]:
    """The terms in the ``words`` of a version, which is held back for those that nobody let pass yet."""
    hits = (listed or terms.load(connection)).find(_searched(words))
    known = {hit["term"] for found in of(connection, content_id, version) for hit in found.hits}
    new = [hit for hit in hits if hit.term.severity in HOLDING and hit.term.term not in known]
    if new and held(connection, content_id, version) is None:
        row = {"id": ids.new_id(), "content_id": content_id, "version": version, "opened_at": clock.now_ms()}
        row["hits"] = [hit.told() for hit in new]
        row["liftable"] = all(hit.term.severity is not Severity.FORBIDDEN for hit in new)
        connection.execute(sa.insert(_table), row)
    return hits


def examine_new(connection: Connection, versions: Iterable[Mapping[str, Any]]) -> list[Change]:
    """``examine`` the first ``versions``, rows of the table, of new contents; what the audit log is told of them."""
    listed, opened = terms.load(connection), []
    for row in versions:
        found = listed.find(_searched(row))
        if any(hit.term.severity in HOLDING for hit in found):
            examine(connection, row["content_id"], row["version"], row, listed=listed)
            opened += opening(connection, row["content_id"], row["version"])
    return opened


def hits(connection: Connection, version: Words) -> list[Hit]:
    """The terms of the list, as it is now, in a version."""
    return terms.load(connection).find(_searched(version.words()))


def refuse_listed(connection: Connection, text: str) -> None:
    """Raises Quarantined where ``text``, which everybody will read unreviewed, has words that hold a text back."""
    found = {hit.term.term for hit in terms.load(connection).find({"text": text}) if hit.term.severity in HOLDING}
    if found:
        raise Quarantined(f"the text has words of the list: {', '.join(sorted(found))}", hint="say it in other words")


def opening(connection: Connection, content_id: str, version: int) -> list[Change]:
    """What the audit log is told of the quarantine that a version is newly in; nothing where it is in none."""
    found = held(connection, content_id, version)
    if found is None:
        return []
    told = {"content_id": content_id, "version": version, "terms": sorted({hit["term"] for hit in found.hits})}
    return [Change("open", "quarantine", found.id, None, told)]


def held(connection: Connection, content_id: str, version: int) -> Quarantine | None:
    """The quarantine that a version is in."""
    return next((found for found in of(connection, content_id, version) if found.lifted_at is None), None)


def of(connection: Connection, content_id: str, version: int) -> list[Quarantine]:
    """All quarantines of a version, the oldest first."""
    which = sa.and_(_row.content_id == content_id, _row.version == version)
    rows = connection.execute(sa.select(_table).where(which).order_by(_row.opened_at, _row.id))
    return [_quarantine(row) for row in rows]


def waiting(connection: Connection, limit: int = 200) -> list[Quarantine]:
    """The quarantines that nobody has lifted, the oldest first."""
    query = sa.select(_table).where(_row.lifted_at.is_(None)).order_by(_row.opened_at, _row.id).limit(limit)
    return [_quarantine(row) for row in connection.execute(query)]


def lift(connection: Connection, content_id: str, version: int, actor: Actor, reason: str) -> Quarantine:
    """Let the version pass for ``reason``.

    Raises NotAllowed without ``review_final``, BadRecord where it is in no quarantine or no reason is given,
    Quarantined where it has a forbidden word, and MayNotReview for who wrote any of it.
    """
    connection.execute(sa.select(schema.contents.c.id).where(schema.contents.c.id == content_id).with_for_update())
    permits.insist_of(connection, actor, Permission.REVIEW_FINAL, content_id)
    found = held(connection, content_id, version)
    if found is None:
        raise BadRecord(f"version {version} of content {content_id} is in no quarantine")
    why = checks.text(reason.strip(), "a reason")
    if not why:
        raise BadRecord("why the words may pass must be told")
    if not found.liftable:
        words = ", ".join(hit["term"] for hit in found.hits if hit["severity"] == Severity.FORBIDDEN)
        raise Quarantined(f"the text has forbidden words: {words}", hint="save a version without them")
    told = {"lifted_at": clock.now_ms(), "lifted_by": actor.person, "lift_reason": why}
    with statements.refused(connection, MayNotReview):
        connection.execute(sa.update(_table).where(_row.id == found.id, _row.lifted_at.is_(None)).values(told))
    after = {"content_id": content_id, "version": version, "reason": why}
    trail.record(connection, actor, "lift", "quarantine", found.id, None, after)
    return next(one for one in of(connection, content_id, version) if one.id == found.id)


def change_list(connection: Connection, actor: Actor, add: Iterable[Term] = (), remove: Iterable[str] = ()) -> Rescan:
    """Put terms on the list and take others off it; then look through once more what waits and what is published.

    What waits is held back; of what is published is only told: taking it back is for a person to decide. Raises
    NotAllowed without ``publish`` in the province, BadRecord, UnknownTerm.
    """
    permits.insist(connection, actor, Permission.PUBLISH, None)
    changes = [terms.add(connection, term) for term in add]
    changes += [terms.remove(connection, term) for term in remove]
    found, opened = _rescan(connection)
    trail.record_all(connection, actor, [*(change for change in changes if change.before != change.after), *opened])
    return found


def rescan(connection: Connection, actor: Actor) -> Rescan:
    """Look through once more what waits and what is published, as ``change_list`` does after a change."""
    return change_list(connection, actor)


def _rescan(connection: Connection) -> tuple[Rescan, list[Change]]:
    listed, found, opened = terms.load(connection), Rescan([], {}), []
    for row in connection.execute(_waits()).all():
        before = held(connection, row.id, row.version)
        examine(connection, row.id, row.version, row._asdict(), listed=listed)
        if before is None and (change := opening(connection, row.id, row.version)):
            found.held.append(row.id)
            opened += change
    contents = schema.contents.c
    public = sa.select(contents.id, *(contents[name] for name in _SEARCHED))
    public = public.where(contents.status == ContentStatus.PUBLISHED).order_by(contents.id)
    for row in connection.execute(public, execution_options={"yield_per": 500}):
        hits = [hit for hit in listed.find(_searched(row._asdict())) if hit.term.severity in HOLDING]
        if hits:
            found.published[row.id] = sorted({hit.term.term for hit in hits})
    return found, opened


def _waits() -> sa.Select[Any]:
    """The newest versions of what waits, and those that have passed and wait for their time; nobody publishes them
    until this transaction ends."""
    contents, versions = schema.contents.c, tables.content_versions.c
    other = tables.content_versions.alias()
    newest = sa.select(sa.func.max(other.c.version)).where(other.c.content_id == contents.id).scalar_subquery()
    shown = sa.case((contents.status == ContentStatus.SCHEDULED, contents.wording), else_=newest)
    same = sa.and_(versions.content_id == contents.id, versions.version == shown)
    searched = [versions[name] for name in _SEARCHED]
    source = schema.contents.join(tables.content_versions, same)
    waits = sa.select(contents.id, versions.version, *searched).select_from(source)
    waits = waits.where(contents.status.in_(_WAITING)).order_by(contents.id)
    return waits.with_for_update(of=schema.contents)


def _searched(words: Mapping[str, Any]) -> dict[str, str | None]:
    told: Iterable[tuple[str, Any]] = ((name, words.get(name)) for name in _SEARCHED)
    return {name: "\n".join(value) if isinstance(value, list | tuple) else value for name, value in told}


def _quarantine(row: Any) -> Quarantine:
    values = dict(row._mapping)
    values["hits"] = tuple(values["hits"])
    return Quarantine(**values)
