"""The audit log: who changed what, when, from what to what; each row is chained to the one before it.

A row's hash is SHA-256 over the canonical JSON (RFC 8785, without fractions) of the hash before it and of all that the
row says. It is written in the transaction of the change. Whoever can rewrite the whole table can rewrite the chain too:
against that the newest hash is kept elsewhere, and ``verify`` is told what it was.

An actor is the id of an account, ``key:ID`` of a service token, ``system:JOB`` or ``cli:OS-USER``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, locks, schema
from content_store.driver import Driver, Insertion
from content_store.errors import BadRecord

START = "0" * 64
"""What stands before the first row."""

_LARGEST = 2**53 - 1
_FETCH = 5_000
_LOCK = "audit_log"
_SECRET = frozenset({"password", "passphrase", "token", "secret", "digest", "cookie"})
_HOUSE = ("cli:", "system:")
_KEY = "key:"

_log = schema.audit_log
_COLUMNS = [column.name for column in _log.c]
_INSERTION = Insertion.into(_log, _COLUMNS)
_HEAD = "SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1"

Json = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to an object; ``before`` None: it was not there, ``after`` None: it is gone."""

    action: str
    object_kind: str
    object_id: str
    before: Json
    after: Json


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the log; ``at`` is epoch ms, ``before`` and ``after`` are canonical JSON."""

    seq: int
    at: int
    actor: str
    action: str
    object_kind: str
    object_id: str
    before: str | None
    after: str | None
    previous: str
    hash: str

    def hashed(self) -> str:
        """What its hash must be."""
        # ``before`` and ``after`` as texts within the text: no other row reads the same.
        said = [self.previous, self.seq, self.at, self.actor, self.action, self.object_kind, self.object_id]
        return hashlib.sha256(canonical([*said, self.before, self.after]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row; its ``hash`` stands for all rows up to it."""

    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong at the row ``seq``: ``altered``, ``gap``, ``link`` or ``anchor``, and in words."""

    code: str
    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class Verification:
    """The chain walked from its start: how many rows, the newest, and what is wrong."""

    rows: int
    head: Head
    flaws: tuple[Flaw, ...]


def record(
    connection: Connection, actor: str, action: str, object_kind: str, object_id: str, before: Json, after: Json
) -> Entry:
    """Write one change to the log, in the transaction that makes it; best as its last statement.

    From here until the transaction ends no other one can write to the log. Raises BadRecord for what is no JSON, has
    fractions, or names something by a word for secrets.
    """
    return record_all(connection, actor, [Change(action, object_kind, object_id, before, after)])[0]


def record_all(connection: Connection, actor: str, changes: Sequence[Change]) -> list[Entry]:
    """The same for several changes of one transaction, in their order."""
    driver, now = Driver(connection), clock.now_ms()
    checks.identifier(actor, "an actor")
    locks.hold(driver, [_LOCK])
    last = head(connection)
    made = []
    for change in changes:
        entry = _link(last, now, actor, change)
        last = Head(entry.seq, entry.hash)
        made.append(entry)
    # One by one: the database compares each with the row before it.
    for entry in made:
        driver.insert(_INSERTION, [tuple(getattr(entry, name) for name in _COLUMNS)])
    return made


def head(connection: Connection) -> Head:
    """The newest row; number 0 and ``START`` where there is none."""
    found = Driver(connection).rows(_HEAD)
    return Head(*found[0]) if found else Head(0, START)


def entries(
    connection: Connection,
    *,
    limit: int,
    below: int | None = None,
    actor: str | None = None,
    object_kind: str | None = None,
    object_id: str | None = None,
) -> list[Entry]:
    """The newest rows first, at most ``limit``: those with numbers under ``below``, of this actor, of this object."""
    query = sa.select(_log).order_by(_log.c.seq.desc()).limit(limit)
    for column, value in (("actor", actor), ("object_kind", object_kind), ("object_id", object_id)):
        if value is not None:
            query = query.where(_log.c[column] == value)
    if below is not None:
        query = query.where(_log.c.seq < below)
    return [Entry(**row._mapping) for row in connection.execute(query)]


def verify(connection: Connection, expect: str | None = None) -> Verification:
    """Walk the whole log; ``expect`` is a hash that was its newest once, kept elsewhere since.

    The connection must show one moment (``Database.snapshot``). Changes nothing.
    """
    query = sa.select(_log).order_by(_log.c.seq)
    rows = connection.execute(query, execution_options={"yield_per": _FETCH})
    return examine((Entry(**row._mapping) for row in rows), expect)


def examine(rows: Iterable[Entry], expect: str | None = None) -> Verification:
    """``verify`` for rows that are at hand, by their numbers."""
    last, number = Head(0, START), 0
    flaws: list[Flaw] = []
    anchored = expect in (None, START)
    for row in rows:
        number += 1
        flaws += _flaws(last, row)
        anchored = anchored or row.hash == expect
        last = Head(row.seq, row.hash)
    if not anchored:
        flaws.append(Flaw("anchor", last.seq, f"no row has the hash {expect}: rows are gone, or were written anew"))
    return Verification(number, last, tuple(flaws))


def canonical(value: object) -> str:
    """``value`` as the only JSON text that means it (RFC 8785). Raises BadRecord for fractions and what is no JSON."""
    text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadRecord("the audit log takes valid text only: half of a pair of surrogates is none") from error
    return text


def is_house(actor: str) -> bool:
    """Whether it is the house itself, at its own terminal or by its own clock, and neither a person nor a programme."""
    return actor.startswith(_HOUSE)


def of_key(key_id: str) -> str:
    """The actor that a service token is."""
    return _KEY + key_id


def key_of(actor: str) -> str | None:
    """The service token that an actor is; None for all others."""
    return actor.removeprefix(_KEY) if actor.startswith(_KEY) else None


def _link(last: Head, now: int, actor: str, change: Change) -> Entry:
    action, kind, id = (
        checks.identifier(word, "a word of the audit log")
        for word in (change.action, change.object_kind, change.object_id)
    )
    before, after = (None if side is None else canonical(_open(side)) for side in (change.before, change.after))
    draft = Entry(last.seq + 1, now, actor, action, kind, id, before, after, last.hash, "")
    return replace(draft, hash=draft.hashed())


def _flaws(last: Head, row: Entry) -> Iterator[Flaw]:
    if row.hash != row.hashed():
        yield Flaw("altered", row.seq, "the row is not the one that was written")
    if row.seq != last.seq + 1:
        yield Flaw("gap", row.seq, f"rows are missing between {last.seq} and {row.seq}")
    if row.previous != last.hash:
        yield Flaw("link", row.seq, "the row does not follow the one before it: rows were put in, moved or taken away")


def _ordered(value: Any) -> Any:
    """``value`` with its keys in the order of UTF-16, as RFC 8785 wants them."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return int(value)
    if isinstance(value, list | tuple):
        return [_ordered(entry) for entry in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    raise BadRecord(f"the audit log takes JSON without fractions, not {type(value).__name__}")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", errors="surrogatepass")


def _open(value: Any) -> Any:
    """``value`` itself. Raises BadRecord where a key of it says that it holds a secret."""
    if isinstance(value, Mapping):
        named = sorted(key for key in value if str(key).casefold() in _SECRET)
        if named:
            raise BadRecord(f"secrets do not belong in the audit log: {', '.join(named)}")
        for entry in value.values():
            _open(entry)
    elif isinstance(value, list | tuple):
        for entry in value:
            _open(entry)
    return value
