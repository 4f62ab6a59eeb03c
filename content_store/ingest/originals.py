"""One work, one content: what comes in is new, a copy of what is there, or another version of it.

Read ``find_or_add`` first. A work whose source is known is what the source stands for: unchanged, or changed. Any other
is looked up by its text (``content_store/ingest/shelf.py``) and becomes a further source of what it is a copy of, or a
content of its own. A copy of a withdrawn content is that, and told: it neither comes back nor is made anew.
``admit`` does so for a work that has its draft already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.engine import Connection

from content_store import ids, locks, statements
from content_store.driver import Driver
from content_store.ingest.shelf import Match, Shelf, Signature
from content_store.ingest.similarity import Relation
from content_store.ingest.sources import Known, Name, Source, Sources, names
from content_store.vocabulary import ContentStatus, SourceRole

CHUNK = 200
"""Works that are looked up and stored at once: more are no quicker, and take memory."""

_MISSING = """SELECT id, title, summary, body, status FROM contents WHERE id > ? AND (body <> '' OR summary <> '')
    AND status <> 'draft' AND (status <> 'withdrawn' OR published_at IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM originals WHERE content_id = contents.id) ORDER BY id LIMIT ?"""
_HELD = "SELECT id FROM contents WHERE id IN ? ORDER BY id FOR UPDATE"


class Verdict(StrEnum):
    """What a work that comes in is to what is there."""

    NEW = "new"
    COPY = "copy"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Work:
    """A work that comes in: its title, its plain text and where it was found."""

    title: str
    text: str
    source: Source


@dataclass(frozen=True, slots=True)
class Found:
    """What became of a work.

    ``content_id`` is the content that it is, whose version is to be made where it is CHANGED, and ``status`` how that
    stands; ``similarity`` is 0 to 1, to what the content was. ``near`` are the other works with which it has much in
    common, the likeliest first: people should look at them.
    """

    verdict: Verdict
    content_id: str
    similarity: float
    status: ContentStatus
    near: tuple[Match, ...] = ()

    @property
    def withdrawn(self) -> bool:
        """Whether it is a content that was taken back: nothing of it may be published without a word."""
        return self.verdict is not Verdict.NEW and self.status is ContentStatus.WITHDRAWN


Create = Callable[[Mapping[int, str]], object]
"""Makes drafts of new works: it is told their places in the call, and for each the id that its content must get."""


def hold(connection: Connection) -> None:
    """Be the only transaction that looks up works in order to store them, until it ends.

    Without it two that store copies of one work at the same moment would both find nothing.
    """
    locks.hold(Driver(connection), ["originals"])


def find_or_add(connection: Connection, works: Sequence[Work], create: Create) -> list[Found]:
    """What each of ``works`` is, in their order; their sources and the traces of what is new or changed are stored.

    ``create`` is called for each ``CHUNK`` that has new works and must store a content for each, with status draft.
    The versions of changed ones are the caller's to make, in the same transaction. Which of two copies is the original
    is decided by the order of the works, and of the transactions. Raises BadRecord.
    """
    signatures = [Signature.of(work.title, work.text) for work in works]
    named = names(works)
    hold(connection)
    _hold_changed(connection, works, named)
    found: list[Found] = []
    for begin in range(0, len(works), CHUNK):
        part = slice(begin, begin + CHUNK)
        found += _Round(connection, works[part], named[part], signatures[part]).run(create, begin)
    return found


def _hold_changed(connection: Connection, works: Sequence[Work], named: Sequence[Name]) -> None:
    """Hold the contents that are to get another version, in the order of their ids.

    Making drafts takes the audit log, for which those who change one of these contents now may be waiting already.
    """
    if connection.dialect.name == "sqlite":
        return
    sources = Sources(connection, named)
    pairs = ((sources.find(name, work.source.guid)[0], name) for name, work in zip(named, works, strict=True))
    changed = {known.content_id for known, name in pairs if known is not None and known.digest != name.digest}
    for part in statements.chunks(sorted(changed)):
        Driver(connection).rows(_HELD, part)


class _Round:
    """The works of a chunk, one after the other."""

    def __init__(
        self, connection: Connection, works: Sequence[Work], named: Sequence[Name], signatures: Sequence[Signature]
    ) -> None:
        self._entries = list(zip(works, named, signatures, strict=True))
        self._sources = Sources(connection, named)
        known = [self._sources.find(name, work.source.guid)[0] for work, name in zip(works, named, strict=True)]
        # What is as it was need not be looked up.
        pairs = zip(named, signatures, known, strict=True)
        same = [was is not None and (was.entry, was.digest) == (name.entry, name.digest) for name, _, was in pairs]
        wanted = [signature for signature, skipped in zip(signatures, same, strict=True) if not skipped]
        self._shelf = Shelf(connection, wanted, self._sources.contents() if wanted else ())
        self._seen: dict[str, Found] = {}

    def run(self, create: Create, begin: int) -> list[Found]:
        """Decide and store."""
        found = []
        for work, name, signature in self._entries:
            again = self._seen.get(name.entry)
            if again is not None:
                found.append(Found(Verdict.UNCHANGED, again.content_id, 1.0, again.status))
                continue
            found.append(self._decide(work, name, signature))
            self._seen[name.entry] = found[-1]
        new = {begin + at: one.content_id for at, one in enumerate(found) if one.verdict is Verdict.NEW}
        # The sources of what is there are stored first, for the reason of ``_hold_changed``.
        self._sources.write(but=set(new.values()))
        if new:
            create(new)
        self._shelf.write()
        self._sources.write()
        return found

    def _decide(self, work: Work, name: Name, signature: Signature) -> Found:
        known, sure = self._sources.find(name, work.source.guid)
        if known is not None and known.digest == name.digest:
            if known.entry != name.entry:
                self._sources.change(known, name, work, 1.0)
            return Found(Verdict.UNCHANGED, known.content_id, 1.0, known.status)
        matches = self._shelf.find(signature)
        if known is not None:
            found = self._again(known, sure, work, name, signature, matches)
            if found is not None:
                return found
        return self._first(work, name, signature, matches)

    def _again(
        self, known: Known, sure: bool, work: Work, name: Name, signature: Signature, matches: list[Match]
    ) -> Found | None:
        """What a known source has now; None where it stands for something else."""
        likeness = self._shelf.likeness(signature, known.content_id)
        match = next((match for match in matches if match.content_id == known.content_id), None)
        same = match is not None and match.relation is Relation.SAME
        if (known.role is SourceRole.COPY and not same) or not (sure or match):
            # Another entry at the same address may have come beside it.
            if sure or known.entry == name.entry:
                self._sources.end(known)
            return None
        similarity = match.likeness.similarity if match else likeness.similarity
        self._sources.change(known, name, work, similarity if known.role is SourceRole.COPY else 1.0)
        near = tuple(match for match in matches if match.content_id != known.content_id)
        if known.role is SourceRole.COPY:
            return Found(Verdict.COPY, known.content_id, similarity, known.status, near)
        self._shelf.put(known.content_id, signature, known.status)
        return Found(Verdict.CHANGED, known.content_id, similarity, known.status, near)

    def _first(self, work: Work, name: Name, signature: Signature, matches: list[Match]) -> Found:
        """What a source has that was not there yet."""
        same = next((match for match in matches if match.relation is Relation.SAME), None)
        near = tuple(match for match in matches if match is not same)
        if same is not None:
            similarity = same.likeness.similarity
            self._sources.add(same.content_id, SourceRole.COPY, name, work, similarity)
            return Found(Verdict.COPY, same.content_id, similarity, same.status, near)
        content_id = ids.new_id()
        self._shelf.put(content_id, signature, ContentStatus.DRAFT)
        self._sources.add(content_id, SourceRole.ORIGINAL, name, work, 1.0)
        return Found(Verdict.NEW, content_id, 1.0, ContentStatus.DRAFT, near)


def admit(
    connection: Connection,
    content_id: str,
    work: Work,
    *,
    claims: bool = True,
    stands: Callable[[Match], bool] = lambda match: True,
) -> Found:
    """What the newest words of a content are: its own (NEW), kept from now on, or a COPY, the source of another one.

    Words like those that were kept of it before are its own. The first copy that ``stands`` allows counts. Without
    ``claims`` its own words are not kept yet: then nothing can be a copy of them. Raises BadRecord.
    """
    signature, [name] = Signature.of(work.title, work.text), names([work])
    hold(connection)
    sources, shelf = Sources(connection, [name]), Shelf(connection, [signature], [content_id])
    same = [match for match in shelf.find(signature) if match.relation is Relation.SAME]
    own = any(match.content_id == content_id for match in same)
    twin = None if own else next((match for match in same if stands(match)), None)
    found = Found(Verdict.NEW, content_id, 1.0, ContentStatus.DRAFT)
    if twin is not None:
        found = Found(Verdict.COPY, twin.content_id, twin.likeness.similarity, twin.status)
    elif claims:
        shelf.put(content_id, signature, ContentStatus.DRAFT)
        shelf.write()
    _tell(sources, name, work, found, claims)
    return found


def _tell(sources: Sources, name: Name, work: Work, found: Found, claims: bool) -> None:
    """Let the work be the source of what it was found to be, and of nothing else."""
    role = SourceRole.ORIGINAL if found.verdict is Verdict.NEW else SourceRole.COPY
    known, _ = sources.find(name, work.source.guid)
    if known is not None and (known.role, known.content_id) == (role, found.content_id):
        if known.digest != name.digest:
            sources.change(known, name, work, found.similarity)
    else:
        if known is not None:
            sources.end(known)
        # What a feed brought is that feed's, whoever edits it.
        if role is SourceRole.COPY or (claims and not sources.has_original(found.content_id)):
            sources.add(found.content_id, role, name, work, found.similarity)
    sources.write()


def find(connection: Connection, works: Sequence[tuple[str, str]]) -> list[list[Match]]:
    """For each title and plain text the stored works that have much in common with it, the likeliest first."""
    signatures = [Signature.of(title, text) for title, text in works]
    found: list[list[Match]] = []
    for begin in range(0, len(signatures), CHUNK):
        part = signatures[begin : begin + CHUNK]
        shelf = Shelf(connection, part)
        found += [shelf.find(signature) for signature in part]
    return found


def keep(connection: Connection, content_id: str, title: str, text: str) -> None:
    """Keep a content as it reads now, whoever changed it: copies of that are known too from now on.

    Nothing where that is kept already. Raises DatabaseRefused for an unknown content.
    """
    hold(connection)
    signature = Signature.of(title, text)
    shelf = Shelf(connection, [signature], [content_id])
    shelf.put(content_id, signature, ContentStatus.DRAFT)
    shelf.write()


def remove(connection: Connection, content_id: str) -> None:
    """Forget how a content reads: copies of it are new works from now on.

    Not for a withdrawn one, whose copies should be known as such.
    """
    hold(connection)
    Shelf(connection, [], [content_id]).remove(content_id)


def add_missing(
    connection: Connection, *, after: str = "", limit: int = 500, plain: Callable[[str], str] = str
) -> str | None:
    """Keep up to ``limit`` stored contents of which nothing is kept, in the order of their ids from ``after`` on.

    Drafts are not among them, nor what was withdrawn before anybody read it: those are kept when they are submitted.
    ``plain`` makes a text of a body. Returns the last id that was looked at, from which to go on, or None at the end.
    Whoever is interrupted may begin anew: what is kept is not looked at again.
    """
    hold(connection)
    rows = Driver(connection).rows(_MISSING, after, limit)
    signatures = [Signature.of(title, plain(body) if body else summary or "") for _, title, summary, body, _ in rows]
    for begin in range(0, len(rows), CHUNK):
        part = slice(begin, begin + CHUNK)
        shelf = Shelf(connection, signatures[part])
        for row, signature in zip(rows[part], signatures[part], strict=True):
            shelf.put(row[0], signature, ContentStatus(row[-1]))
        shelf.write()
    return rows[-1][0] if rows else None
