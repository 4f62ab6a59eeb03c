"""The words of contents, version by version. A version never changes; whoever changes something saves another one.

Saving is optimistic: it names the version it was based on. Where that is not the newest any more nothing is
overwritten: the saver is told what changed meanwhile, and what they wrote is kept beside (``kept``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Unpack, cast

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import accounts, checks, clock, contents, ids, schema, statements
from content_store import schema_review as tables
from content_store.audit import Change
from content_store.content_records import Content
from content_store.errors import BadRecord, UnknownContent, UnknownVersion
from content_store.lengths import length_of
from content_store.review import permits, quarantining, records, trail
from content_store.review.trail import Actor
from content_store.review.words import FIELDS as FIELDS
from content_store.review.words import SHOWN as SHOWN
from content_store.review.words import Words as Words
from content_store.review_words import AiUse, ContentOrigin
from content_store.staff_vocabulary import Permission
from content_store.vocabulary import CONTENT_TRANSITIONS, ContentStatus, Topic

_table = tables.content_versions
_row = _table.c
_contents = schema.contents
_PUBLIC = (ContentStatus.SCHEDULED, ContentStatus.PUBLISHED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A wording of a content. ``version`` counts from 1; ``length`` is in Chinese characters.

    ``author_id`` is the account whose work it is, ``organisation_id`` whose content (None: the province's),
    ``created_by`` who saved it (None: a programme), ``live_from`` when it was first published (epoch ms) and
    ``live_after`` the newest event of the log at that moment.
    """

    content_id: str
    version: int
    title: str
    summary: str | None
    body: str | None
    topic: Topic | None
    tags: tuple[str, ...]
    place: str | None
    source: str | None
    author: str | None
    url: str | None
    licence: str | None
    ai_use: AiUse | None
    length: int
    author_id: str | None
    organisation_id: str | None
    based_on: int | None
    created_at: int
    created_by: str | None
    live_from: int | None = None
    live_after: int | None = None

    def words(self) -> dict[str, Any]:
        """What its writers said, by field; as it is stored."""
        return {name: list(self.tags) if name == "tags" else getattr(self, name) for name in FIELDS}


class Draft(NamedTuple):
    """A work that is to become a draft with this id; see ``create``."""

    id: str
    words: Words
    author_id: str | None = None
    organisation_id: str | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else saved first: ``by`` (an account; None: a programme) at ``at``, changing ``changed`` (field: before,
    now). ``kept`` is the id under which the second saver's own changes are kept."""

    by: str | None
    at: int
    changed: dict[str, tuple[Any, Any]]
    kept: str


@dataclass(frozen=True, slots=True)
class Saving:
    """The newest version after a saving; with a ``conflict`` where it is somebody else's and nothing was saved."""

    version: Version
    conflict: Conflict | None = None


def create(
    connection: Connection,
    actor: Actor,
    origin: ContentOrigin,
    *,
    id: str | None = None,
    author_id: str | None = None,
    organisation_id: str | None = None,
    expires_at: int | None = None,
    **words: Unpack[Words],
) -> Version:
    """Store a new content as a draft with its first version, a work of ``author_id`` where that is another one.

    Without ``organisation_id`` it belongs to the organisation of its author, or of ``actor``. Raises NotAllowed,
    BadRecord as ``contents.create`` does, and for an ``origin`` that needs no review.
    """
    draft = Draft(id or ids.new_id(), words, author_id, organisation_id, expires_at)
    create_all(connection, actor, origin, [draft])
    return get(connection, draft.id, 1)


def create_all(connection: Connection, actor: Actor, origin: ContentOrigin, drafts: Sequence[Draft]) -> None:
    """``create`` for many at once: by a few statements, whatever their number; all or none. Raises the same."""
    if origin is ContentOrigin.IMPORT:
        raise BadRecord("an import makes contents by contents.merge")
    homes = {id: _home(connection, id) for id in {draft.author_id or actor.account_id for draft in drafts}}
    places = [draft.organisation_id or homes[draft.author_id or actor.account_id] for draft in drafts]
    for place in dict.fromkeys(places):
        permits.insist(connection, actor, Permission.WRITE_WORKS, place)
    told = [{"tags": []} | _columns(draft.words) for draft in drafts]
    shown: list[Any] = [{name: words.get(name) for name in SHOWN} for words in told]
    rows = [(draft.id, words | {"expires_at": draft.expires_at}) for draft, words in zip(drafts, shown, strict=True)]
    contents.create_drafts(connection, origin, rows)
    given = zip(drafts, places, told, strict=True)
    made = [_row_of(draft.id, 1, words, actor, draft.author_id, place) for draft, place, words in given]
    with statements.refused(connection, BadRecord):
        connection.execute(sa.insert(_table), made)
    held = quarantining.examine_new(connection, made)
    first = {"version": 1, "origin": origin.value}
    pairs = zip(drafts, places, strict=True)
    changes = [Change("create", "content", one.id, None, first | {"organisation_id": at}) for one, at in pairs]
    trail.record_all(connection, actor, [*changes, *held])


def get(connection: Connection, content_id: str, version: int) -> Version:
    """A version. Raises UnknownVersion."""
    which = sa.and_(_row.content_id == content_id, _row.version == version)
    row = connection.execute(sa.select(_table).where(which)).one_or_none()
    if row is None:
        raise UnknownVersion(f"content {content_id} has no version {version}")
    return _version(row)


def newest(connection: Connection, content_id: str) -> Version:
    """The newest version. Raises UnknownVersion where there is none: of a content that was imported."""
    query = sa.select(_table).where(_row.content_id == content_id).order_by(_row.version.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    if row is None:
        raise UnknownVersion(f"content {content_id} has no versions", hint="imported contents get one when corrected")
    return _version(row)


def every(connection: Connection, content_id: str) -> list[Version]:
    """All versions, the first one first."""
    rows = connection.execute(sa.select(_table).where(_row.content_id == content_id).order_by(_row.version))
    return [_version(row) for row in rows]


def hold(connection: Connection, content_id: str) -> Content:
    """The content, which no other transaction changes until this one ends. Raises UnknownContent."""
    query = sa.select(_contents.c.id).where(_contents.c.id == content_id)
    if connection.execute(query.with_for_update()).one_or_none() is None:
        raise UnknownContent(f"no content has the id {content_id}")
    return contents.get(connection, content_id)


def save(connection: Connection, content_id: str, actor: Actor, *, based_on: int, **words: Unpack[Words]) -> Saving:
    """Save another version with what ``words`` change of version ``based_on``.

    Where they change nothing there is no new version; where ``based_on`` is not the newest there is a conflict. An open
    review of an earlier version is cancelled: another wording is reviewed anew. Of a published content the published
    words stay out until a correction has passed (``correcting.correct``). Raises UnknownContent, UnknownVersion,
    NotAllowed, BadRecord.
    """
    content = hold(connection, content_id)
    permits.insist_writes(connection, actor, content_id)
    latest = adopt(connection, content)
    if content.status is ContentStatus.PUBLISHED and not _corrects(connection, latest):
        raise BadRecord(f"content {content_id} is published", hint="save a correction with a note to its readers")
    return change(connection, content, latest, actor, based_on, words)


def change(
    connection: Connection, content: Content, latest: Version, actor: Actor, based_on: int, words: Words
) -> Saving:
    """``save`` for a content that is held, whatever its status."""
    columns = _columns(words)
    if based_on != latest.version:
        return Saving(latest, _conflict(connection, latest, actor, based_on, columns))
    before = latest.words()
    given = before | columns
    if given == before:
        return Saving(latest)
    if not given["title"]:
        raise BadRecord(f"content {content.id} has no title")
    records.cancel(connection, content.id)
    made = _follow(connection, latest, given, actor)
    _carry_correction(connection, made)
    _show_draft(connection, content, made)
    told = [name for name in FIELDS if given[name] != before[name]]
    after = {"version": made.version, "changed": told}
    _tell(connection, actor, Change("save", "content", content.id, {"version": based_on}, after), made)
    return Saving(made)


def copy(connection: Connection, content_id: str, actor: Actor) -> Version:
    """Save the newest words once more, so that what was withdrawn by mistake can be reviewed anew.

    Raises NotAllowed, and BadRecord where the content is neither withdrawn nor expired.
    """
    content = hold(connection, content_id)
    permits.insist_writes(connection, actor, content_id)
    if content.status not in (ContentStatus.WITHDRAWN, ContentStatus.EXPIRED):
        raise BadRecord(f"content {content_id} is {content.status}: only what is over is begun anew")
    made = again(connection, adopt(connection, content), actor)
    _show_draft(connection, content, made)
    told = {"status": content.status.value}, {"status": "draft", "version": made.version}
    _tell(connection, actor, Change("copy", "content", content_id, *told), made)
    return made


def again(connection: Connection, latest: Version, actor: Actor) -> Version:
    """Another version with the words of the newest one, of a content that is held."""
    return _follow(connection, latest, latest.words(), actor)


def adopt(connection: Connection, content: Content) -> Version:
    """The newest version of a held content; the words of one that was imported become its first."""
    try:
        return newest(connection, content.id)
    except UnknownVersion:
        live = content.published_at or 0 if content.status is ContentStatus.PUBLISHED else None
        given = {name: getattr(content, name) for name in SHOWN} | {"tags": list(content.tags)}
        return _insert(
            connection, content.id, 1, given, None, author_id=None, place=None, based_on=None, live_from=live
        )


def kept(connection: Connection, content_id: str, actor: Actor) -> list[tuple[str, int, Words]]:
    """What somebody wrote and could not save: id, the version it was based on, and the changes; the newest first."""
    drafts = tables.kept_drafts.c
    query = sa.select(drafts.id, drafts.based_on, drafts.changes).order_by(drafts.id.desc())
    rows = connection.execute(query.where(drafts.content_id == content_id, drafts.account_id == actor.person))
    return [(row.id, row.based_on, cast("Words", row.changes)) for row in rows]


def discard(connection: Connection, kept: str, actor: Actor) -> bool:
    """Throw away what was kept, once its writer has no more use for it; whether there was any."""
    if "\0" in kept:
        return False
    which = sa.and_(tables.kept_drafts.c.id == kept, tables.kept_drafts.c.account_id == actor.person)
    return connection.execute(sa.delete(tables.kept_drafts).where(which)).rowcount == 1


def _columns(words: Words) -> dict[str, Any]:
    columns: dict[str, Any] = dict(words)
    unknown = columns.keys() - set(FIELDS)
    if unknown:
        raise BadRecord(f"nobody can say of a content: {', '.join(sorted(unknown))}")
    for name in columns.keys() - {"topic", "tags", "ai_use"}:
        columns[name] = checks.text(columns[name], f"a content's {name}")
    if "topic" in columns:
        columns["topic"] = contents.topic(columns["topic"])
    if "tags" in columns:
        columns["tags"] = [checks.identifier(tag, "a tag") for tag in dict.fromkeys(columns["tags"])]
    if columns.get("ai_use") is not None:
        if columns["ai_use"] not in set(AiUse):
            raise BadRecord(f"{columns['ai_use']!r} is no AI-use statement", hint=f"there are: {', '.join(AiUse)}")
        columns["ai_use"] = AiUse(columns["ai_use"])
    return columns


def _insert(
    connection: Connection,
    content_id: str,
    version: int,
    words: dict[str, Any],
    actor: Actor | None,
    *,
    author_id: str | None,
    place: str | None,
    based_on: int | None,
    live_from: int | None = None,
) -> Version:
    row = _row_of(content_id, version, words, actor, author_id, place)
    row |= {"based_on": based_on, "live_from": live_from, "live_after": None if live_from is None else 0}
    with statements.refused(connection, BadRecord):
        connection.execute(sa.insert(_table), row)
    quarantining.examine(connection, content_id, version, row)
    return get(connection, content_id, version)


def _row_of(
    content_id: str,
    version: int,
    words: Mapping[str, Any],
    actor: Actor | None,
    author_id: str | None,
    place: str | None,
) -> dict[str, Any]:
    row: dict[str, Any] = {name: words.get(name) for name in FIELDS}
    row |= {"content_id": content_id, "version": version, "length": length_of(words.get("body"))}
    row |= {"author_id": author_id, "organisation_id": place, "created_at": clock.now_ms()}
    return row | {"created_by": actor.account_id if actor else None}


def _follow(connection: Connection, latest: Version, words: dict[str, Any], actor: Actor) -> Version:
    """The version after the newest one."""
    same: dict[str, Any] = {"author_id": latest.author_id, "place": latest.organisation_id}
    number = latest.version
    return _insert(connection, latest.content_id, number + 1, words, actor, based_on=number, **same)


def _tell(connection: Connection, actor: Actor, change: Change, made: Version) -> None:
    held = quarantining.opening(connection, made.content_id, made.version)
    trail.record_all(connection, actor, [change, *held])


def _home(connection: Connection, account_id: str | None) -> str | None:
    """The organisation of an account. Raises UnknownAccount."""
    return None if account_id is None else accounts.get(connection, account_id).organisation_id


def _conflict(
    connection: Connection, latest: Version, actor: Actor, based_on: int, columns: dict[str, Any]
) -> Conflict:
    before = get(connection, latest.content_id, based_on).words()
    now = latest.words()
    changed = {name: (before[name], now[name]) for name in FIELDS if before[name] != now[name]}
    identifier = ""
    if actor.account_id is not None:
        identifier = ids.new_id()
        row: dict[str, Any] = {"id": identifier, "content_id": latest.content_id, "account_id": actor.account_id}
        row |= {"based_on": based_on, "changes": columns, "created_at": clock.now_ms()}
        connection.execute(sa.insert(tables.kept_drafts), row)
    return Conflict(latest.created_by, latest.created_at, changed, identifier)


def _corrects(connection: Connection, version: Version) -> bool:
    """Whether the version is a correction that is not published yet."""
    rows = tables.corrections.c
    mine = sa.and_(rows.content_id == version.content_id, rows.version == version.version)
    return connection.execute(sa.select(sa.exists().where(mine, rows.published_at.is_(None)))).scalar_one()


def _carry_correction(connection: Connection, made: Version) -> None:
    """Where a correction was changed before it was published, its note goes on with the new version."""
    rows = tables.corrections.c
    same = ("content_id", "wrong_version", "note", "made_by", "made_at")
    before = sa.and_(rows.content_id == made.content_id, rows.version == made.based_on, rows.published_at.is_(None))
    row = connection.execute(sa.select(*(rows[name] for name in same)).where(before)).one_or_none()
    if row is not None:
        told = dict(row._mapping) | {"id": ids.new_id(), "version": made.version}
        connection.execute(sa.insert(tables.corrections), told)


def _show_draft(connection: Connection, content: Content, made: Version) -> None:
    """Let the content's row show the newest words, unless reviewed ones are out or about to be."""
    if content.status in _PUBLIC:
        return
    if content.status is not ContentStatus.DRAFT and ContentStatus.DRAFT not in CONTENT_TRANSITIONS[content.status]:
        raise BadRecord(f"content {content.id} is {content.status} and cannot be changed")
    words = {name: value for name, value in made.words().items() if name in SHOWN}
    told: dict[str, Any] = {"status": ContentStatus.DRAFT, "version": _contents.c.version + 1}
    # From now on it is bound: a version 0 passes no review.
    told["wording"] = 0 if content.wording is None else content.wording
    connection.execute(sa.update(_contents).where(_contents.c.id == content.id).values(words | told))


def _version(row: Any) -> Version:
    values = {field.name: getattr(row, field.name) for field in fields(Version)}
    values["topic"] = Topic(values["topic"]) if values["topic"] else None
    values["ai_use"] = AiUse(values["ai_use"]) if values["ai_use"] else None
    values["tags"] = tuple(values["tags"])
    return Version(**values)
