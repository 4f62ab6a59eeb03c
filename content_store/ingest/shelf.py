"""The works that are there, for finding the one that a text is a copy of.

Of each work its trace is kept, and a row for each of its prints (``content_store/ingest/traces.py``). A text is looked
up by its prints; the few works that share most of them are then compared by their traces. A print that very many works
share, as those of an official notice do, says nothing: its rows make place for a single one that says so. What some
works share (a footer) says little: whoever is to be the same must share something else too.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy.engine import Connection

from content_store import schema, statements
from content_store.driver import Driver, Insertion
from content_store.ingest import traces
from content_store.ingest.similarity import CHOSEN, OF_ONE_TITLE, UNLIKE, Likeness, Relation, compare
from content_store.vocabulary import ContentStatus

CROWD = 32
"""So many works may share a print; where more do it is common, and no copy is looked for by it."""

TRACES_KEPT = 4
"""Of a work that changes: the first, and the newest three. Copies may be of any of them."""

FEWEST_WORDS = 24
"""A text with fewer words is compared together with its title; both together with fewer than these must be equal."""

_NO_TEXT = 5
"""Fewer words than these are no text that could be told from others."""

_TRIED = 6
_FETCHED = 12
_SHARED = 0.1
"""Of the prints that a copy would share if nothing were edited, so many must be shared for a comparison."""
_FEW_PRINTS = 4
_FRAME = 3
"""Works that share a print which is then taken for one of a frame."""
_OUTSIDE = 0.2
"""Of the prints that are of no frame so many must be shared."""
_TITLE = 4
"""Words that a title must have to say that two texts have the same."""
_COMMON = 0

_SHARING = "SELECT print, work FROM original_prints WHERE print IN ?"
_TRACES = """SELECT originals.id, work, content_id, trace, title, status
    FROM originals JOIN contents ON contents.id = content_id"""
_BY_WORK = f"{_TRACES} WHERE work IN ? ORDER BY originals.id"
_BY_CONTENT = f"{_TRACES} WHERE content_id IN ? ORDER BY originals.id"
_NEWEST = "SELECT coalesce(max(id), 0) FROM originals"
_EMPTY = "DELETE FROM original_prints WHERE print = ?"
_FORGET_PRINT = "DELETE FROM original_prints WHERE print = ? AND work = ?"
_FORGET = "DELETE FROM originals WHERE id = ?"
_PRINT = Insertion.into(schema.original_prints, ("print", "work"), on_conflict="DO NOTHING")
_ORIGINAL = Insertion.into(schema.originals, ("id", "content_id", "work", "trace"))


@dataclass(frozen=True, slots=True)
class Signature:
    """What a text is looked up and stored by; an empty ``trace`` where nothing tells it from others."""

    trace: bytes
    title: str

    @classmethod
    def of(cls, title: str, text: str) -> Signature:
        """The signature of a work."""
        made = traces.trace(text)
        if _NO_TEXT <= len(made) < FEWEST_WORDS:
            made = traces.trace(f"{title}\n{text}")
        return cls(made if len(made) >= _NO_TEXT else b"", title)

    def prints(self) -> list[int]:
        """The prints of the trace; of a very short one that of the whole."""
        return _prints(self.trace)


@dataclass(frozen=True, slots=True)
class Match:
    """A stored work with which a text has much in common; ``relation`` is what the text is to the work."""

    content_id: str
    relation: Relation
    likeness: Likeness
    status: ContentStatus


@dataclass(slots=True)
class _Stored:
    content_id: str
    title: str
    status: ContentStatus
    traces: dict[int, bytes] = field(default_factory=dict)
    """By their ids, the oldest first."""


class Shelf:
    """What is stored that may concern some texts, read by few queries, and what is put to it until ``write``.

    Whoever puts something there must hold the works (``locks``) from before this is made.
    """

    def __init__(self, connection: Connection, signatures: Iterable[Signature], contents: Iterable[str] = ()) -> None:
        """For finding ``signatures``; ``contents`` are ids of works of which other forms may be put."""
        self._driver = Driver(connection)
        self._prints = {signature: signature.prints() for signature in signatures}
        self._sharing: dict[int, list[int]] = defaultdict(list)
        self._common: set[int] = set()
        for part in statements.chunks(sorted({number for numbers in self._prints.values() for number in numbers})):
            for number, work in self._driver.rows(_SHARING, part):
                if work == _COMMON:
                    self._common.add(number)
                else:
                    self._sharing[number].append(work)
        self._works: dict[int, _Stored] = {}
        self._read(_BY_CONTENT, sorted(set(contents)))
        near = {work for numbers in self._prints.values() for work in self._hits(numbers, _FETCHED)}
        self._read(_BY_WORK, sorted(near - self._works.keys()))
        self._of_content = {stored.content_id: work for work, stored in self._works.items()}
        [(self._newest,)] = self._driver.rows(_NEWEST)
        self._put: list[tuple[int, str, int, bytes]] = []
        self._put_prints: list[tuple[int, int]] = []

    def find(self, signature: Signature) -> list[Match]:
        """The works that it is a copy, a part or a whole of, the likeliest first, the older of equals before."""
        numbers = self._prints[signature]
        found = []
        for work, shared in self._hits(numbers, _TRIED).items():
            match = self._match(signature, work, shared)
            if match is not None and self._outside_frames(numbers, work):
                found.append((*_rank(match), -work, match))
        return [match for *_, match in sorted(found, key=lambda each: each[:3], reverse=True)]

    def likeness(self, signature: Signature, content_id: str) -> Likeness:
        """What a text has in common with the newest form of one of the ``contents``."""
        stored = self._works.get(self._of_content.get(content_id, _COMMON))
        newest = list(stored.traces.values())[-1:] if stored else []
        return compare(signature.trace, newest[0]) if newest else UNLIKE

    def put(self, content_id: str, signature: Signature, status: ContentStatus) -> None:
        """Keep a work, or another form of it; what it was before is still found. Nothing where that is kept already."""
        self._newest += 1
        work = self._of_content.setdefault(content_id, self._newest)
        stored = self._works.setdefault(work, _Stored(content_id, signature.title, status))
        stored.title = signature.title
        if not signature.trace or signature.trace in stored.traces.values():
            return
        stored.traces[self._newest] = signature.trace
        self._put.append((self._newest, content_id, work, signature.trace))
        for number in self._prints[signature]:
            if number not in self._common and work not in self._sharing[number]:
                self._sharing[number].append(work)
                self._put_prints.append((number, work))

    def write(self) -> None:
        """Store what was put; the contents must be there."""
        self._driver.insert(_ORIGINAL, self._put)
        crowded = sorted({number for number, _ in self._put_prints if len(self._sharing[number]) > CROWD})
        self._driver.many(_EMPTY, [(number,) for number in crowded])
        rows = [(number, work) for number, work in self._put_prints if len(self._sharing[number]) <= CROWD]
        # In the order of the key, so that rows that lie together are written together.
        self._driver.insert(_PRINT, sorted(rows + [(number, _COMMON) for number in crowded]))
        for work in {work for _, _, work, _ in self._put}:
            self._forget_forms(work)
        self._put, self._put_prints = [], []

    def remove(self, content_id: str) -> None:
        """Forget one of the ``contents``, and all its forms."""
        stored = self._works.pop(self._of_content.pop(content_id, _COMMON), None)
        if stored is not None:
            self._forget(min(stored.traces), stored.traces, keep=())

    def _read(self, sql: str, values: Sequence[object]) -> None:
        for part in statements.chunks(values):
            for id, work, content_id, trace, title, status in self._driver.rows(sql, part):
                if work not in self._works:
                    self._works[work] = _Stored(content_id, title, ContentStatus(status))
                self._works[work].traces[id] = bytes(trace)

    def _hits(self, numbers: Sequence[int], most: int) -> dict[int, int]:
        """The works worth a comparison, and how many prints each shares; rare ones count most for being tried."""
        lists = [self._sharing[number] for number in numbers if number in self._sharing]
        shared = Counter(chain.from_iterable(lists))
        # A single one of many is chance: any longer text has a passage that occurs in some other.
        least = 2 if len(numbers) > _FEW_PRINTS else 1
        likely = [work for work, number in shared.items() if number >= least]
        weight = dict.fromkeys(likely, 0)
        for works in lists if len(likely) > most else ():
            for work in works:
                if work in weight:
                    weight[work] += CROWD // len(works)
        # The older of equals, so that the answer does not depend on the order of rows.
        likely.sort(key=lambda work: (-weight[work], -shared[work], work))
        return {work: shared[work] for work in likely[:most]}

    def _match(self, signature: Signature, work: int, shared: int) -> Match | None:
        """What the text is to the form of the work that it is likest to; None where it is nothing."""
        stored = self._works.get(work)
        if stored is None:
            return None
        found = []
        for trace in stored.traces.values():
            if shared < _SHARED * _expected(len(signature.trace), len(trace)):
                continue
            likeness = compare(signature.trace, trace)
            relation = likeness.relation(CHOSEN)
            if relation is not Relation.SAME and likeness.relation(OF_ONE_TITLE) is Relation.SAME:
                relation = Relation.SAME if _of_one_title(signature, stored) else relation
            found.append(Match(stored.content_id, relation, likeness, stored.status))
        best = max(found, key=_rank, default=None)
        return best if best and best.relation is not Relation.OTHER else None

    def _outside_frames(self, numbers: Sequence[int], work: int) -> bool:
        """Whether the work shares prints that only few share; true where nearly all prints are shared by some."""
        frames = {number for number in numbers if self._is_frame(number)}
        own = len(numbers) - len(frames)
        if not frames or own <= len(numbers) * _SHARED:
            return True
        shared = sum(work in self._sharing[number] for number in numbers if number not in frames)
        if shared >= _OUTSIDE * own:
            return True
        theirs = {number for trace in self._works[work].traces.values() for number in _prints(trace)} - frames
        return shared >= _OUTSIDE * len(theirs)

    def _is_frame(self, number: int) -> bool:
        return len(self._sharing.get(number, ())) >= _FRAME or number in self._common

    def _forget_forms(self, work: int) -> None:
        """Of a work with too many forms the oldest but the first."""
        stored = self._works[work]
        forms = list(stored.traces)
        spare = forms[1 : len(forms) - TRACES_KEPT + 1]
        if spare:
            gone = {id: stored.traces.pop(id) for id in spare}
            self._forget(work, gone, keep=stored.traces.values())

    def _forget(self, work: int, gone: dict[int, bytes], keep: Iterable[bytes]) -> None:
        numbers = {number for trace in gone.values() for number in _prints(trace)}
        numbers -= {number for trace in keep for number in _prints(trace)}
        self._driver.many(_FORGET_PRINT, [(number, work) for number in sorted(numbers)])
        self._driver.many(_FORGET, [(id,) for id in gone])


def _of_one_title(signature: Signature, stored: _Stored) -> bool:
    title = traces.trace(signature.title)
    return len(title) >= _TITLE and title == traces.trace(stored.title)


def _rank(match: Match) -> tuple[bool, float]:
    return match.relation is Relation.SAME, match.likeness.similarity


def _prints(trace: bytes) -> list[int]:
    if len(trace) >= FEWEST_WORDS:
        return traces.prints(trace)
    return [traces.whole(trace)] if trace else []


def _expected(one: int, other: int) -> float:
    """How many prints two texts of so many words share where the shorter one is in the other."""
    return 2 * min(one, other) / (max(traces.window(one), traces.window(other)) + 1)
