"""The term list: words that hold a text back, or that reviewers are told of.

A Chinese word is found whatever stands between its characters that is no letter or digit (blanks, zero-width signs,
points, asterisks), in full-width letters and in any case. A word of Latin letters is found between boundaries of words
only, or every "class" would hide something. Nothing is found across the end of a sentence, a clause or a line.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import checks, clock
from content_store import schema_review as tables
from content_store.audit import Change
from content_store.errors import BadRecord, UnknownTerm
from content_store.review_words import Severity

LONGEST = 100
"""Characters that a term may have."""

_AROUND = 12
_END = ""
# What ends a sentence or a line ends a word, too; all else between characters is passed over.
_STOPS = frozenset("。！？；：，、!?;\n\r")
_LATIN = re.compile(r"[a-z0-9]")


@dataclass(frozen=True, slots=True)
class Term:
    """A word with what it does to a text, and why."""

    term: str
    severity: Severity
    reason: str


class Hit(NamedTuple):
    """A term in a text: where (``field``), from which character to which, and the words around it."""

    term: Term
    field: str
    start: int
    end: int
    excerpt: str

    def told(self) -> dict[str, Any]:
        """As it is kept with a quarantine."""
        return {
            "term": self.term.term,
            "severity": self.term.severity.value,
            "reason": self.term.reason,
            "field": self.field,
            "start": self.start,
            "end": self.end,
            "excerpt": self.excerpt,
        }


class _Reading(NamedTuple):
    """A text as it is searched: its letters and digits, with where each comes from, and blanks for the stops."""

    signs: str
    places: list[int]
    glued: list[bool]
    """Whether a sign follows the one before it with nothing in between."""


class TermList:
    """Terms made ready for searching: a tree of their characters, walked from each place of a text."""

    def __init__(self, terms: Iterable[Term]) -> None:
        self._root: dict[str, Any] = {}
        for term in terms:
            node = self._root
            for sign in _read(term.term).signs.replace(" ", ""):
                node = node.setdefault(sign, {})
            node[_END] = term
        self._beginnings = re.compile("|".join(map(re.escape, sorted(self._root))) or "(?!)")

    def find(self, texts: Mapping[str, str | None]) -> list[Hit]:
        """The terms in ``texts`` (by the name of their field): at each place the longest, in order."""
        return [hit for field, text in texts.items() if text for hit in self._in(field, text)]

    def _in(self, field: str, text: str) -> Iterator[Hit]:
        if not self._may_be_in(text):
            return
        read = _read(text)
        for start in range(len(read.signs)):
            end, term = self._longest(read, start)
            if term is not None:
                first, last = read.places[start], read.places[end - 1] + 1
                around = text[max(0, first - _AROUND) : last + _AROUND]
                yield Hit(term, field, first, last, around.strip())

    def _may_be_in(self, text: str) -> bool:
        """False where the letters and digits of no term occur in ``text``, which is nearly always and told quickly."""
        signs = "".join(map(_letters, text))
        return any(self._spelt(signs, found.start()) for found in self._beginnings.finditer(signs))

    def _spelt(self, signs: str, at: int) -> bool:
        node = self._root
        while at < len(signs) and (below := node.get(signs[at])) is not None:
            node, at = below, at + 1
            if _END in node:
                return True
        return False

    def _longest(self, read: _Reading, start: int) -> tuple[int, Term | None]:
        node, at, signs = self._root, start, read.signs
        found: tuple[int, Term | None] = start, None
        while at < len(signs) and (below := node.get(signs[at])) is not None:
            node, at = below, at + 1
            term = node.get(_END)
            if term is not None and _stands_alone(read, start, at):
                found = at, term
        return found


def _stands_alone(read: _Reading, start: int, end: int) -> bool:
    """Whether a word of Latin letters is one here, and no part of another."""
    signs = read.signs
    before = start > 0 and read.glued[start] and _LATIN.match(signs[start - 1])
    after = end < len(signs) and read.glued[end] and _LATIN.match(signs[end])
    return not (before and _LATIN.match(signs[start])) and not (after and _LATIN.match(signs[end - 1]))


def _read(text: str) -> _Reading:
    signs: list[str] = []
    places: list[int] = []
    glued: list[bool] = []
    last = -1
    for place, sign in enumerate(text):
        for part in _letters(sign):
            signs.append(part)
            places.append(place)
            glued.append(place - last <= 1)
            last = place
    return _Reading("".join(signs), places, glued)


@functools.lru_cache(1 << 16)
def _letters(sign: str) -> str:
    """The letters and digits that a character of a text stands for, a blank for a stop."""
    parts = unicodedata.normalize("NFKC", sign).casefold()
    kept = (part if part.isalnum() else " " if sign in _STOPS else "" for part in parts)
    return "".join(kept)


def term(text: str, severity: Severity | str, reason: str) -> Term:
    """A term as the list may have it. Raises BadRecord."""
    word = checks.identifier(text.strip(), "a term")
    if len(word) > LONGEST or not _read(word).signs.replace(" ", ""):
        raise BadRecord(f"a term has 1 to {LONGEST} characters, letters or digits among them")
    if severity not in set(Severity):
        raise BadRecord(f"{severity!r} is no severity", hint=f"there are: {', '.join(Severity)}")
    why = checks.text(reason.strip(), "a reason")
    if not why:
        raise BadRecord(f"why the term {word} is on the list must be told")
    return Term(word, Severity(severity), why)


def add(connection: Connection, new: Term) -> Change:
    """Put a term on the list, or give it another severity and reason; for ``quarantining.change_list`` to call."""
    before = _stored(connection, new.term)
    row = {"term": new.term, "severity": new.severity, "reason": new.reason, "created_at": clock.now_ms()}
    insert: Any = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(tables.terms)
    again = {"severity": insert.excluded.severity, "reason": insert.excluded.reason}
    connection.execute(insert.on_conflict_do_update(index_elements=["term"], set_=again), row)
    return Change("put", "term", new.term, before, _told(new))


def remove(connection: Connection, term: str) -> Change:
    """Take a term off the list; for ``quarantining.change_list`` to call. Raises UnknownTerm."""
    before = None if "\0" in term else _stored(connection, term.strip())
    gone = sa.delete(tables.terms).where(tables.terms.c.term == term.strip())
    if before is None or not connection.execute(gone).rowcount:
        raise UnknownTerm(f"the term {term!r} is not on the list", hint="`kepu terms list` shows them all")
    return Change("remove", "term", term.strip(), before, None)


def every(connection: Connection) -> list[Term]:
    """All terms in the order of their characters."""
    columns = (tables.terms.c.term, tables.terms.c.severity, tables.terms.c.reason)
    rows = connection.execute(sa.select(*columns).order_by(tables.terms.c.term))
    return [Term(term, Severity(severity), reason) for term, severity, reason in rows]


def load(connection: Connection) -> TermList:
    """The list as it is now, ready for searching."""
    return TermList(every(connection))


def _stored(connection: Connection, term: str) -> dict[str, str] | None:
    columns = (tables.terms.c.severity, tables.terms.c.reason)
    row = connection.execute(sa.select(*columns).where(tables.terms.c.term == term)).one_or_none()
    return None if row is None else _told(Term(term, Severity(row.severity), row.reason))


def _told(term: Term) -> dict[str, str]:
    return {"severity": term.severity.value, "reason": term.reason}
