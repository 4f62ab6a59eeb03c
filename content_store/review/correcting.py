"""Published words are replaced by better ones, and those who read the wrong ones are told.

A correction is a version with a note to the readers (更正说明), and both go through review. The old words stay out
meanwhile; publishing the version replaces them in one statement. Then the log of events is read once from where the
wrong words came out, a stretch at a time, for who opened or read the content: each of them gets one message, however
often a stretch is read again. Readings that are sent late, from phones without a network, are waited for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, ids, inbox, notifications, schema
from content_store import schema_review as tables
from content_store.errors import BadRecord
from content_store.review import permits, trail, versions
from content_store.review.trail import Actor
from content_store.review.versions import Saving, Words
from content_store.review_words import InboxKind
from content_store.vocabulary import READING_KINDS, ContentStatus

CAMPAIGN = "correction"
"""Of the notifications; their occurrence is the correction's id."""

LATE_MS = 7 * clock.DAY_MS
"""For so long after a correction readings of the wrong words are waited for."""

STRETCH = 50_000
"""Places of the log that are read in one transaction."""

_OVERLAP = 5_000
"""Places that are read again: what commits later may have a smaller place in the log."""

_SKEW_MS = 300_000
"""The most by which a reader's clock may run ahead."""

_table = tables.corrections
_row = _table.c
_events = schema.events.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A correction: ``version`` replaces the words that were wrong from ``wrong_version`` on. Instants are epoch ms.

    ``published_at`` is None while it is in review; up to ``told_until`` the log was read for those who are to be told,
    and at ``closed_at`` that was over.
    """

    id: str
    content_id: str
    version: int
    wrong_version: int
    note: str
    made_by: str
    made_at: int
    published_at: int | None
    told_until: int | None
    closed_at: int | None


@dataclass(frozen=True, slots=True)
class Told:
    """How many were told in a stretch of the log, and whether more of it is there to be read."""

    number: int
    more: bool


def correct(
    connection: Connection,
    content_id: str,
    actor: Actor,
    *,
    based_on: int,
    note: str,
    wrong_version: int | None = None,
    by: str | None = None,
    **words: Unpack[Words],
) -> Saving:
    """Save what ``words`` change of a published content as a correction, with a ``note`` that its readers will see.

    ``based_on`` is the newest version; an imported content has a version 1 from its first correction on. The words are
    wrong since ``wrong_version``, by default the one that is out. The version is then to be submitted, and published.
    A programme says by ``by`` for whose account it acts; what it brings joins a correction that is open, with the note
    that this has, and may be nothing. Raises NotAllowed, UnknownContent, and BadRecord where the content is not
    published, the note empty, or nothing corrected.
    """
    content = versions.hold(connection, content_id)
    permits.insist_writes(connection, actor, content_id)
    said = checks.text(note.strip(), "a note")
    if not said:
        raise BadRecord("what was wrong must be told to those who read it")
    if content.status is not ContentStatus.PUBLISHED:
        raise BadRecord(f"content {content_id} is {content.status}: only published words are corrected")
    latest = versions.adopt(connection, content)
    out = content.wording or 1
    saving = versions.change(connection, content, latest, actor, based_on, words)
    number = saving.version.version
    joins = by is not None and (number == out or of_version(connection, content_id, number) is not None)
    if saving.conflict is not None or joins:
        return saving
    if number == out:
        raise BadRecord("the correction changes nothing")
    if saving.version == latest:  # changed while it waited for its time, and not as a correction
        saving = Saving(versions.again(connection, latest, actor))
    _write_note(connection, saving.version.version, content_id, actor, said, wrong_version or out, by or actor.person)
    return saving


def of(connection: Connection, content_id: str) -> list[Correction]:
    """The corrections of a content that are published, the newest first."""
    which = sa.and_(_row.content_id == content_id, _row.published_at.is_not(None))
    rows = connection.execute(sa.select(_table).where(which).order_by(_row.version.desc()))
    return [Correction(**row._mapping) for row in rows]


def of_version(connection: Connection, content_id: str, version: int) -> Correction | None:
    """The correction that a version is, published or not: reviewers must see its note."""
    which = sa.and_(_row.content_id == content_id, _row.version == version)
    row = connection.execute(sa.select(_table).where(which)).one_or_none()
    return None if row is None else Correction(**row._mapping)


def to_be_told(connection: Connection) -> list[str]:
    """The ids of the corrections whose readers are still looked for, the oldest first."""
    waits = sa.and_(_row.published_at.is_not(None), _row.closed_at.is_(None))
    return list(connection.execute(sa.select(_row.id).where(waits).order_by(_row.published_at, _row.id)).scalars())


def tell(connection: Connection, id: str, *, stretch: int = STRETCH) -> Told:
    """Tell those who read the wrong words, as far as the next ``stretch`` places of the log show."""
    about = connection.execute(sa.select(_row.content_id).where(_row.id == id)).scalar_one()
    content = versions.hold(connection, about)
    row = connection.execute(sa.select(_table).where(_row.id == id).with_for_update()).one()
    found = Correction(**row._mapping)
    if found.published_at is None or found.told_until is None or found.closed_at is not None:
        return Told(0, more=False)
    if content.status is ContentStatus.WITHDRAWN:  # nobody is to be led to it any more
        connection.execute(sa.update(_table).where(_row.id == id).values(closed_at=clock.now_ms()))
        return Told(0, more=False)
    last = connection.execute(sa.select(sa.func.coalesce(sa.func.max(_events.seq), 0))).scalar_one()
    until = min(last, found.told_until + stretch)
    readers = _readers(connection, found, max(0, found.told_until - _OVERLAP), until)
    made = notifications.queue(connection, CAMPAIGN, id, readers, content_id=found.content_id)
    _put(connection, found, content.title, made)
    over = until == last and clock.now_ms() >= found.published_at + LATE_MS
    told = {"told_until": until, "closed_at": clock.now_ms() if over else None}
    connection.execute(sa.update(_table).where(_row.id == id).values(told))
    return Told(len(made), more=until < last)


def _write_note(
    connection: Connection, version: int, content_id: str, actor: Actor, note: str, wrong_version: int, by: str
) -> None:
    versions.get(connection, content_id, wrong_version)
    already = of_version(connection, content_id, version)
    if already is not None:
        if already.note != note:
            raise BadRecord("the correction has a note already", hint="take it, or change the words once more")
        return
    row: dict[str, Any] = {"id": ids.new_id(), "content_id": content_id, "version": version, "note": note}
    row |= {"wrong_version": wrong_version, "made_by": by, "made_at": clock.now_ms()}
    connection.execute(sa.insert(_table), row)
    told = {"version": version, "wrong_version": wrong_version, "note": note}
    trail.record(connection, actor, "correct", "content", content_id, None, told)


def _readers(connection: Connection, found: Correction, after: int, until: int) -> list[str]:
    """Who opened or read the content while the wrong words were out, by the events in these places of the log."""
    wrong = versions.get(connection, found.content_id, found.wrong_version)
    while_out = sa.or_(_events.at < found.published_at, _events.received_at < found.published_at)
    which = sa.and_(
        *(_events.seq > after, _events.seq <= until, _events.content_id == found.content_id),
        *(_events.kind.in_(sorted(READING_KINDS)), _events.at >= (wrong.live_from or 0) - _SKEW_MS, while_out),
    )
    return list(connection.execute(sa.select(_events.citizen_id).where(which).distinct()).scalars())


def _put(connection: Connection, found: Correction, title: str, made: dict[str, str]) -> None:
    told = f"你读过的《{title}》已经更正。更正说明：{found.note}"
    inbox.put(connection, made, InboxKind.CORRECTION, f"更正：《{title}》", told, content_id=found.content_id)
