"""The works that are there, for finding the one that a text is a copy of.

Of each work its trace is kept, and a row for each of its prints (``content_store/ingest/traces.py``). A text is looked up
by its prints; the few works that share most of them are then compared by their traces. A print that many works share,
as those of an official notice do, says nothing: its rows make place for a single one that says so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy.engine import Connection

from content_store import locks, schema, statements
from content_store.driver import Driver, Insertion
from content_store.ingest import traces
from content_store.ingest.similarity import Likeness, Relation, compare

CROWD = 32
"""So many works may share a print; where more do it is common, and no copy is looked for by it."""

TRACES_KEPT = 4
"""Of a work that changes: the first, and the newest three. Copies may be of any of them."""

FEWEST_WORDS = 24
"""A text with fewer words is compared together with its title; both together with fewer than these must be equal."""

_NO_TEXT = 5
"""Fewer words than these are no text that could be told from others."""

_TRIED = 6
_SHARED = 0.1
"""Of the prints that a copy would share if nothing were edited, so many must be shared for a comparison."""
_COMMON = 0

_CANDIDATES = "SELECT print, original_id FROM original_prints WHERE print IN ?"
_TRACES = "SELECT id, content_id, trace FROM originals WHERE id IN ?"
_TRACES_OF = "SELECT id, trace FROM originals WHERE content_id = ? ORDER BY id"
_NEW = "INSERT INTO originals (content_id, trace) VALUES (?, ?) RETURNING id"
_CROWDED = "SELECT print, count(*), min(original_id) FROM original_prints WHERE print IN ? GROUP BY print"
_EMPTY = "DELETE FROM original_prints WHERE print = ?"
_FORGET_PRINT = "DELETE FROM original_prints WHERE print = ? AND original_id = ?"
_FORGET = "DELETE FROM originals WHERE id = ?"
_PRINT = Insertion.into(schema.original_prints, ("print", "original_id"), on_conflict="DO NOTHING")
_MISSING = """SELECT id, title, summary, body FROM contents WHERE id > ?
    AND NOT EXISTS (SELECT 1 FROM originals WHERE content_id = contents.id) ORDER BY id LIMIT ?"""


@dataclass(frozen=True, slots=True)
class Match:
    """A stored work with which a text has much in common; ``relation`` is what the text is to the work."""

    content_id: str
    relation: Relation
    likeness: Likeness


def signature(title: str, text: str) -> bytes:
    """The trace by which a work is looked up and stored; empty where there is no text to tell it from others by."""
    made = traces.trace(text)
    if len(made) < _NO_TEXT:
        return b""
    return made if len(made) >= FEWEST_WORDS else traces.trace(f"{title}\n{text}")


def hold(connection: Connection) -> None:
    """Be the only transaction that looks up in order to store, until it ends.

    Without it two that store copies of one work at the same moment would both find nothing.
    """
    locks.hold(Driver(connection), ["originals"])


def find(connection: Connection, signatures: Sequence[bytes]) -> list[list[Match]]:
    """For each of ``signatures`` the works it is a copy, a part or a whole of, the likeliest first.

    Takes bounded time for each, however many works share a passage.
    """
    driver = Driver(connection)
    wanted = [_prints(signature) for signature in signatures]
    sharing = _sharing(driver, {number for numbers in wanted for number in numbers})
    hits = [_hits(numbers, sharing) for numbers in wanted]
    stored = _stored(driver, {id for found in hits for id in found})
    return [_matches(signature, found, stored) for signature, found in zip(signatures, hits, strict=True)]


def traces_of(connection: Connection, content_id: str) -> list[bytes]:
    """What is kept of the work ``content_id``, the oldest first."""
    return [bytes(trace) for _, trace in Driver(connection).rows(_TRACES_OF, content_id)]


def add(connection: Connection, content_id: str, signature: bytes) -> None:
    """Keep the work ``content_id`` as it is now; what it was before is still found. Nothing where that is kept already.

    An empty signature is not kept. Call ``hold`` before looking up whether it is new.
    """
    if not signature:
        return
    driver = Driver(connection)
    kept = [(id, bytes(trace)) for id, trace in driver.rows(_TRACES_OF, content_id)]
    if signature in (trace for _, trace in kept):
        return
    if len(kept) >= TRACES_KEPT:
        _forget(driver, kept[1:2])
    [(original,)] = driver.rows(_NEW, content_id, signature)
    _add_prints(driver, original, _prints(signature))


def remove(connection: Connection, content_id: str) -> None:
    """Forget the work ``content_id``: copies of it are new works from now on.

    Not for a withdrawn one, whose copies should be known as such.
    """
    driver = Driver(connection)
    _forget(driver, [(id, bytes(trace)) for id, trace in driver.rows(_TRACES_OF, content_id)])


def add_missing(
    connection: Connection, *, after: str = "", limit: int = 500, plain: Callable[[str], str] = str
) -> str | None:
    """Keep up to ``limit`` stored contents of which nothing is kept, in the order of their ids from ``after`` on.

    ``plain`` makes a text of a body. Returns the last id that was looked at, from which to go on, or None at the end.
    Whoever is interrupted may begin anew: what is kept is not looked at again.
    """
    hold(connection)
    rows = Driver(connection).rows(_MISSING, after, limit)
    for id, title, summary, body in rows:
        add(connection, id, signature(title, plain(body) if body else summary or ""))
    return rows[-1][0] if rows else None


def _prints(signature: bytes) -> list[int]:
    if len(signature) >= FEWEST_WORDS:
        return traces.prints(signature)
    return [traces.whole(signature)] if signature else []


def _sharing(driver: Driver, numbers: Iterable[int]) -> dict[int, list[int]]:
    """Of each print the works that have it; of a common one none."""
    found: dict[int, list[int]] = defaultdict(list)
    for part in statements.chunks(sorted(numbers)):
        for number, original in driver.rows(_CANDIDATES, part):
            if original != _COMMON:
                found[number].append(original)
    return found


def _hits(numbers: list[int], sharing: dict[int, list[int]]) -> dict[int, int]:
    """The works worth a comparison, and how many prints each shares; rare ones count most for being tried."""
    shared: Counter[int] = Counter()
    weight: Counter[int] = Counter()
    for number in numbers:
        for original in sharing.get(number, ()):
            shared[original] += 1
            weight[original] += CROWD // len(sharing[number])
    # The older of equals, so that the answer does not depend on the order of rows.
    best = sorted(weight, key=lambda original: (-weight[original], original))[:_TRIED]
    return {original: shared[original] for original in best}


def _stored(driver: Driver, originals: Iterable[int]) -> dict[int, tuple[str, bytes]]:
    found: dict[int, tuple[str, bytes]] = {}
    for part in statements.chunks(sorted(originals)):
        found |= {id: (content_id, bytes(trace)) for id, content_id, trace in driver.rows(_TRACES, part)}
    return found


def _matches(signature: bytes, hits: dict[int, int], stored: dict[int, tuple[str, bytes]]) -> list[Match]:
    best: dict[str, tuple[bool, float, int, Match]] = {}
    for original, shared in hits.items():
        content_id, trace = stored[original]
        if shared < _SHARED * _expected(len(signature), len(trace)):
            continue
        likeness = compare(signature, trace)
        relation = likeness.relation()
        if relation is Relation.OTHER:
            continue
        found = Match(content_id, relation, likeness)
        rank = (relation is Relation.SAME, likeness.similarity, -original, found)
        if content_id not in best or rank[:3] > best[content_id][:3]:
            best[content_id] = rank
    return [match for *_, match in sorted(best.values(), key=lambda rank: rank[:3], reverse=True)]


def _expected(one: int, other: int) -> float:
    """How many prints two texts of so many words share where the shorter one is in the other."""
    return 2 * min(one, other) / (max(traces.window(one), traces.window(other)) + 1)


def _add_prints(driver: Driver, original: int, numbers: list[int]) -> None:
    crowded = {number for number, count, _ in driver.rows(_CROWDED, numbers) if count >= CROWD}
    common = {number for number, _, least in driver.rows(_CROWDED, numbers) if least == _COMMON}
    driver.many(_EMPTY, [(number,) for number in sorted(crowded)])
    driver.insert(_PRINT, [(number, _COMMON) for number in sorted(crowded)])
    driver.insert(_PRINT, [(number, original) for number in numbers if number not in crowded | common])


def _forget(driver: Driver, kept: Sequence[tuple[int, bytes]]) -> None:
    for original, trace in kept:
        driver.many(_FORGET_PRINT, [(number, original) for number in _prints(trace)])
    driver.many(_FORGET, [(original,) for original, _ in kept])
