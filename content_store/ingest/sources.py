"""Where each content was found: one row for each entry of a feed, and each upload, that is or republishes it.

What names an entry within its source is its guid, or else its address, or else its title. A name that two entries of
one call share with different texts (every entry links to the front page) names none of them: then the title helps, and
last the text itself. Entries so named are *weakly* named: their text decides whether they are what was there before.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import checks, clock, schema, statements
from content_store.driver import Driver, Insertion
from content_store.vocabulary import ContentStatus, SourceKind, SourceRole

_table = schema.content_sources
_KNOWN = """SELECT s.id, s.content_id, s.role, c.status, s.guid, s.entry, s.place, s.digest
    FROM content_sources AS s JOIN contents AS c ON c.id = s.content_id WHERE s.ended_at IS NULL AND"""
_BY_ENTRY, _BY_PLACE = f"{_KNOWN} s.entry IN ? ORDER BY s.id", f"{_KNOWN} s.place IN ? ORDER BY s.id"
_COLUMNS = ("guid", "url", "entry", "place", "digest", "title", "similarity", "published_at", "changed_at")
_UPDATE = f"UPDATE content_sources SET {', '.join(f'{name} = ?' for name in _COLUMNS)} WHERE id = ?"
_END = "UPDATE content_sources SET ended_at = ? WHERE id = ?"
_ORIGINAL = "SELECT 1 FROM content_sources WHERE content_id = ? AND role = 'original' AND ended_at IS NULL"
_NEW = Insertion.into(_table, ("content_id", "role", "kind", "source_id", "account_id", "found_at", *_COLUMNS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a work comes from: the feed or the account with this ``id``, and what the entry is called there.

    ``account_id`` is whose it is; ``published_at`` what the source says, epoch ms.
    """

    kind: SourceKind
    id: str
    account_id: str | None = None
    guid: str | None = None
    url: str | None = None
    published_at: int | None = None


class HasSource(Protocol):
    """A work that was found somewhere."""

    @property
    def title(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def source(self) -> Source: ...


@dataclass(frozen=True, slots=True)
class Name:
    """What an entry is known by: digests of its name, its address and its words."""

    entry: str
    weak: bool
    place: str | None
    digest: str


@dataclass(frozen=True, slots=True)
class Known:
    """A source that is there: what it is to its content, and how that stands."""

    id: int
    content_id: str
    role: SourceRole
    status: ContentStatus
    guid: str | None
    entry: str
    place: str | None
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentSource:
    """A source of a content as shown: ``similarity`` is 0 to 1, instants are epoch ms, ``ended_at`` when it ceased."""

    content_id: str
    role: SourceRole
    kind: SourceKind
    source_id: str
    account_id: str | None
    guid: str | None
    url: str | None
    title: str
    similarity: float
    published_at: int | None
    found_at: int
    changed_at: int
    ended_at: int | None


def names(works: Sequence[HasSource]) -> list[Name]:
    """What each of ``works`` is known by. Raises BadRecord for what cannot be stored."""
    digests = [_digest(_plain(work.title), _plain(work.text)) for work in works]
    levels = [list(_levels(work, digest)) for work, digest in zip(works, digests, strict=True)]
    meant: dict[str, set[str]] = defaultdict(set)
    for entries, digest in zip(levels, digests, strict=True):
        for entry in entries:
            meant[entry or ""].add(digest)
    made = []
    for work, entries, digest in zip(works, levels, digests, strict=True):
        entry = next(entry for entry in entries if entry and (len(meant[entry]) == 1 or entry is entries[-1]))
        made.append(Name(entry, entry is not entries[0], _place(work.source), digest))
    return made


def _levels(work: HasSource, digest: str) -> Iterator[str | None]:
    """The names of an entry, the best first; None where it has not that."""
    source = work.source
    for value in (work.title, source.guid, source.url):
        checks.text(value, "what a source tells")
    checks.identifier(source.id, "a source's id")
    name = source.guid or source.url
    yield _entry(source.kind, source.id, name) if name else None
    yield _digest(source.kind, source.id, "title", name or "", work.title) if work.title else None
    yield _digest(source.kind, source.id, "words", name or "", digest)


def _entry(kind: SourceKind, source_id: str, name: str) -> str:
    return _digest(kind, source_id, "name", name)


def _place(source: Source) -> str | None:
    return _digest(source.kind, source.id, "place", source.url) if source.url else None


def _plain(text: str) -> str:
    return " ".join(text.split())


def _digest(*parts: str) -> str:
    # Lengths before, so that no two lists of parts are one text.
    told = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


@dataclass(slots=True)
class Sources:
    """The sources that some works may come from, read by two queries; and what becomes of them, until ``write``."""

    connection: Connection
    named: Sequence[Name]
    _by_entry: dict[str, Known] = field(init=False)
    _by_place: dict[str, list[Known]] = field(init=False)
    _told: list[tuple[object, ...]] = field(default_factory=list)
    _changed: list[tuple[object, ...]] = field(default_factory=list)
    _ended: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._by_entry = {known.entry: known for known in self._read(_BY_ENTRY, {name.entry for name in self.named})}
        self._by_place = defaultdict(list)
        for known in self._read(_BY_PLACE, {name.place for name in self.named if name.place}):
            if known.entry not in self._by_entry:
                self._by_place[known.place or ""].append(known)

    def contents(self) -> set[str]:
        """The ids of the contents that they are sources of."""
        by_place = (known for found in self._by_place.values() for known in found)
        return {known.content_id for known in (*self._by_entry.values(), *by_place)}

    def find(self, name: Name, guid: str | None) -> tuple[Known | None, bool]:
        """The source by this name, or else the only one at its address; and whether that is sure whatever the text."""
        known = self._by_entry.get(name.entry)
        if known is not None:
            return known, not name.weak
        there = self._by_place.get(name.place or "", [])
        if len(there) != 1:
            return None, False
        return there[0], not name.weak and (guid is None or there[0].guid is None)

    def add(self, content_id: str, role: SourceRole, name: Name, work: HasSource, similarity: float) -> None:
        """A new source of a content."""
        source, now = work.source, clock.now_ms()
        head = (content_id, role.value, source.kind.value, source.id, source.account_id, now)
        self._told.append((*head, *self._columns(name, work, similarity, now)))

    def change(self, known: Known, name: Name, work: HasSource, similarity: float) -> None:
        """The source has other words now."""
        self._taken(known)
        self._changed.append((*self._columns(name, work, similarity, clock.now_ms()), known.id))

    def end(self, known: Known) -> None:
        """The source stands for something else from now on."""
        self._taken(known)
        self._ended.append((clock.now_ms(), known.id))

    def has_original(self, content_id: str) -> bool:
        """Whether anything stored is the source that a content was made from."""
        return bool(Driver(self.connection).rows(_ORIGINAL, content_id))

    def write(self, *, but: Collection[str] = ()) -> None:
        """Store all that, ``but`` for the new sources of contents that are not there yet."""
        driver, later = Driver(self.connection), [row for row in self._told if row[0] in but]
        driver.many(_END, self._ended)
        driver.many(_UPDATE, self._changed)
        driver.insert(_NEW, [row for row in self._told if row[0] not in but])
        self._ended, self._changed, self._told = [], [], later

    def _taken(self, known: Known) -> None:
        # Two entries of one call are not the same source.
        for there in self._by_place.values():
            if known in there:
                there.remove(known)

    def _columns(self, name: Name, work: HasSource, similarity: float, now: int) -> tuple[object, ...]:
        source = work.source
        words = (source.guid, source.url, name.entry, name.place, name.digest, work.title)
        return (*words, similarity, source.published_at, now)

    def _read(self, sql: str, values: set[str]) -> Iterator[Known]:
        driver = Driver(self.connection)
        for part in statements.chunks(sorted(values)):
            for id, content_id, role, status, *rest in driver.rows(sql, part):
                yield Known(id, content_id, SourceRole(role), ContentStatus(status), *rest)


def copies(connection: Connection, works: Mapping[str, str]) -> dict[str, str]:
    """Which of ``works``, drafts with ids of their own, are a source of another content now: its id by theirs.

    They are told by the id of each and of the account (or other source) that brought it.
    """
    entries = {_entry(SourceKind.UPLOAD, source_id, guid): guid for guid, source_id in works.items()}
    query = sa.select(_table.c.entry, _table.c.content_id)
    query = query.where(_table.c.role == SourceRole.COPY, _table.c.ended_at.is_(None))
    found = {}
    for part in statements.chunks(sorted(entries)):
        for row in connection.execute(query.where(_table.c.entry.in_(part))):
            found[entries[row.entry]] = row.content_id
    return found


def unchanged(connection: Connection, works: Sequence[HasSource]) -> list[bool]:
    """Whether each of ``works`` is, to the word, what its source had. Raises BadRecord as ``names`` does."""
    named = names(works)
    there = Sources(connection, named)
    known = (there.find(name, work.source.guid)[0] for name, work in zip(named, works, strict=True))
    return [was is not None and was.digest == name.digest for was, name in zip(known, named, strict=True)]


def known_names(connection: Connection, kind: SourceKind, source_id: str, guids: Iterable[str]) -> set[str]:
    """Those of ``guids`` that the source had before, and that stand for something still."""
    # By their digests, for which there is an index; a guid that several entries share names none of them.
    entries = {_entry(kind, source_id, guid): guid for guid in guids}
    there = sa.select(_table.c.entry).where(_table.c.ended_at.is_(None))
    found: set[str] = set()
    for part in statements.chunks(sorted(entries)):
        rows = connection.execute(there.where(_table.c.entry.in_(part)))
        found.update(entries[entry] for entry in rows.scalars())
    return found


def of(connection: Connection, content_ids: Iterable[str]) -> dict[str, list[ContentSource]]:
    """The sources of each of these contents, the original first, then as they were found, those that ended too."""
    found: dict[str, list[ContentSource]] = {id: [] for id in content_ids}
    columns = [_table.c[name] for name in ContentSource.__slots__]
    for part in statements.chunks(found):
        query = sa.select(*columns).where(_table.c.content_id.in_(part)).order_by(_table.c.role.desc(), _table.c.id)
        for row in connection.execute(query):
            told = dict(row._mapping)
            told |= {"role": SourceRole(told["role"]), "kind": SourceKind(told["kind"])}
            found[told["content_id"]].append(ContentSource(**told))
    return found
