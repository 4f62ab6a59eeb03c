"""Whether a reason is true, told from the raw rows of the records alone: plain loops, no code of the recommender."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from content_store.db import Database
from recsys.feed import Entry

HOUR = 3_600_000
READING = {"click", "read"}
NEGATIVE = {"not_interested", "report"}
CONTACT = READING | NEGATIVE | {"save", "like", "share", "comment", "follow"}
SENSITIVE = {"health", "psychology"}
RECENT = 200  # latest contacts that "lately" means


class Row(NamedTuple):
    """An event as it is stored; ``place``: its label, or for want of one what its citizen had declared by then."""

    citizen: str
    content: str
    kind: str
    at: int
    place: str | None


class Known(NamedTuple):
    """What a content's row says."""

    topic: str | None
    published_at: int | None


class Person(NamedTuple):
    """What a citizen's row says; ``silent``: their reading may not speak for them."""

    prefecture: str | None
    silent: bool


@dataclass
class Records:
    """The stored rows, in the order of storing."""

    database: Database
    year: int
    by_citizen: dict[str, list[Row]] = field(default_factory=dict)
    by_content: dict[str, list[Row]] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    contents: dict[str, Known] = field(default_factory=dict)
    forgotten: set[tuple[str, str]] = field(default_factory=set)
    _seq: int = 0

    def refresh(self) -> None:
        """Read what was stored since."""
        with self.database.connect() as connection:

            def rows(query: str) -> Iterable[Any]:
                return connection.exec_driver_sql(query)

            for id, topic, published_at in rows("SELECT id, topic, published_at FROM contents"):
                self.contents[id] = Known(topic, published_at)
            for id, home, born, minor, on in rows(
                "SELECT id, prefecture, birth_year, minor, personalised FROM citizens"
            ):
                young = bool(minor) or (born is not None and self.year - born <= 18)
                self.people[id] = Person(home, young or not on)
            self.forgotten = {(who, what) for who, what in rows("SELECT citizen_id, content_id FROM forgotten")}
            for citizen, content, kind, at, region, seq in rows(
                f"SELECT citizen_id, content_id, kind, at, region, seq FROM events WHERE seq > {self._seq} ORDER BY seq"
            ):
                row = Row(citizen, content, kind, at, region or self.people[citizen].prefecture)
                self.by_citizen.setdefault(citizen, []).append(row)
                self.by_content.setdefault(content, []).append(row)
                self._seq = seq

    def person(self, citizen: str) -> Person:
        """What is known of ``citizen``; nothing of someone without a row."""
        return self.people.get(citizen, Person(None, False))

    def readers(self, content: str) -> set[str]:
        """Who opened or read ``content``."""
        return {row.citizen for row in self.by_content.get(content, []) if row.kind in READING}

    def of(self, citizen: str) -> list[Row]:
        """The events of ``citizen`` that are more than having been shown something."""
        return [row for row in self.by_citizen.get(citizen, []) if row.kind in CONTACT]

    def refused(self, citizen: str, content: str) -> bool:
        """Whether ``citizen`` refused ``content`` and showed no interest in it after that."""
        told = [(row.at, row.kind in NEGATIVE) for row in self.of(citizen) if row.content == content]
        refusals = [at for at, negative in told if negative]
        return bool(refusals) and all(negative or at <= max(refusals) for at, negative in told)

    def met(self, citizen: str) -> list[str]:
        """What ``citizen`` met, each once, in the order of meeting; a refusal alone is no meeting."""
        return list(dict.fromkeys(row.content for row in self.of(citizen) if row.kind not in NEGATIVE))[-RECENT:]

    def speaking(self, citizen: str) -> list[str]:
        """What ``citizen`` opened or read and may be told of, in the order of meeting."""
        if self.person(citizen).silent:
            return []
        mine = self.of(citizen)
        read = {row.content for row in mine if row.kind in READING}
        followed = {row.content for row in mine if row.kind == "follow"}
        return [
            content
            for content in self.met(citizen)
            if content in read
            and not self.refused(citizen, content)
            and (citizen, content) not in self.forgotten
            and (self.contents[content].topic not in SENSITIVE or content in followed)
        ]

    def newly_read(self, now: int, hours: int, place: str | None = None) -> dict[str, int]:
        """Of each content, how many met it for the first time in the last ``hours`` (in ``place``) and read it."""
        counts: dict[str, int] = {}
        for content, rows in self.by_content.items():
            first: dict[str, Row] = {}
            for row in rows:
                if row.kind in CONTACT - NEGATIVE:
                    first.setdefault(row.citizen, row)
            readers = self.readers(content)
            lately = [row for who, row in first.items() if who in readers and row.at > now - hours * HOUR]
            counts[content] = sum(place is None or row.place == place for row in lately)
        return counts

    def places(self, citizen: str) -> set[str | None]:
        """Where ``citizen`` may be said to be: what they declared, or what their latest contact says."""
        person, mine = self.person(citizen), self.of(citizen)
        if person.silent or not mine:
            return {person.prefecture}
        return {person.prefecture, max(mine, key=lambda row: row.at).place}


class Checker:
    """Says of the entries of one page, asked for at ``now`` (epoch ms) by ``citizen``, what is false about them."""

    def __init__(self, records: Records, citizen: str, now: int, placed: Iterable[str] = ()) -> None:
        self._records, self._citizen, self._now, self._placed = records, citizen, now, set(placed)
        self._speaking = records.speaking(citizen)
        self._hour, self._day = records.newly_read(now, 1), records.newly_read(now, 24)
        self._near = {place: records.newly_read(now, 1, place) for place in records.places(citizen) if place}

    def falsehood(self, entry: Entry) -> str | None:
        """What is false about the reason of ``entry``; None where all of it is true."""
        judge = getattr(self, f"_{entry.why.code.value}")
        told: str | None = judge(entry)
        return told

    def _because_read(self, entry: Entry) -> str | None:
        (ref,) = entry.why.refs
        if ref not in self._speaking[-20:]:
            return f"{ref} is none of what may be told: {self._speaking[-20:]}"
        both = self._records.readers(ref) & self._records.readers(entry.id) - {self._citizen}
        return None if len(both) == entry.why.count >= 2 else f"{len(both)} read both, not {entry.why.count}"

    def _hot(self, entry: Entry, counts: dict[str, int]) -> str | None:
        count = counts.get(entry.id, 0)
        if count != entry.why.count or count < 3:
            return f"{count} read it, not {entry.why.count}"
        more = sum(other > count for other in counts.values())
        return None if more < 20 else f"{more} are read more"

    def _hot_near(self, entry: Entry) -> str | None:
        place = entry.why.region
        if place not in self._near:
            return f"{self._citizen} is not known to be in {place}"
        return self._hot(entry, self._near[place])

    def _hot_hour(self, entry: Entry) -> str | None:
        return self._hot(entry, self._hour)

    def _hot_day(self, entry: Entry) -> str | None:
        return self._hot(entry, self._day)

    def _fresh(self, entry: Entry) -> str | None:
        at = self._records.contents[entry.id].published_at
        fresh = at is not None and 0 <= self._now - at <= 72 * HOUR
        return None if fresh else f"published at {at}"

    def _usual_topic(self, entry: Entry) -> str | None:
        topic = self._records.contents[entry.id].topic
        same = sum(self._records.contents[content].topic == topic for content in self._speaking)
        true = topic is not None and same == entry.why.count and same >= 0.2 * len(self._speaking) > 0
        return None if true else f"{same} of {len(self._speaking)} are of {topic}, not {entry.why.count}"

    def _new_topic(self, entry: Entry) -> str | None:
        topic = self._records.contents[entry.id].topic
        if self._records.person(self._citizen).silent:
            return "nothing may be told of what they read"
        if topic is None or topic in SENSITIVE:
            return f"nothing may be told of {topic}"
        met = [
            content for content in self._records.met(self._citizen) if self._records.contents[content].topic == topic
        ]
        return f"{met} are of {topic}" if met or not self._speaking else None

    def _explored(self, entry: Entry) -> str | None:
        drawn = entry.position >= 3 and 0 < entry.propensity <= 0.08
        return None if drawn else f"no lot has {entry.propensity} at {entry.position}"

    def _editors(self, entry: Entry) -> str | None:
        return None if entry.id in self._placed and entry.propensity == 1.0 else "no editor placed it"

    def _catalogue(self, entry: Entry) -> str | None:
        return None if not entry.why.refs and not entry.why.count else "it says nothing, with a number"
