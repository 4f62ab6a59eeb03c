"""Keeps a fast layer up to date from the records, for as long as a process serves.

One thread calls ``follow`` (or ``catch_up`` about once a second). A request calls ``catch_up_citizen`` for whoever
asks, so that what they did and switched a moment ago acts, and then ranks. Whatever the order of these calls, an event
acts once; that a reading is sent again and grows changes nothing here.

Threads: all that changes ``live`` holds ``lock``, in slices of a few milliseconds. Who ranks holds it, too, and takes
``live`` anew each time: it is replaced now and then by a shorter or a better one. Positions never change.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from content_store import changes, clock, contents, events, news, profiling
from content_store.contents import Outline
from content_store.db import Connection, Database
from content_store.errors import KepuError, SnapshotError
from content_store.event_follower import EventFollower
from content_store.event_stream import EventColumns
from content_store.events import StoredEvent
from content_store.profiling import NO_SWITCHES, Switches
from content_store.vocabulary import EventKind
from recsys.features.log import KIND_CODE
from recsys.live import HOUR_MS, NOBODY, RECENT, Live, Static
from recsys.live_state import arrays_of, live_of, without_oldest
from recsys.live_store import Kept, LiveStore
from recsys.names import Names
from recsys.rebuild import Contacts, contacts_of, describe, describe_all, heed_all, is_contact, made_anew

log = logging.getLogger(__name__)

STATE = 3  # of what is kept; another number is not read
FOLDER = "live"  # in the data folder
BATCH = 20_000  # events read at once
SLICE, PAUSE_S = 200, 0.0002  # contacts taken in while the lock is held; until it is taken again, so that others get it
LATE_H, MOST_LATE = 24.0, 5_000  # so many contacts that are so late make another order than that of time


class Heard(NamedTuple):
    """How many contacts were taken in, and the cursor of ``changes`` by then."""

    taken: int
    cursor: int


class Follower:
    """A fast layer that follows the records of ``database``.

    Begins with the newest usable state in ``folder`` and what came after it, or else with all that is recorded.
    ``recent``: contacts, newest first, that are held one by one; twice as many at most. ``problems``: a sentence for
    each kept state that was passed over.
    """

    def __init__(self, database: Database, folder: Path | None = None, *, recent: int = RECENT) -> None:
        self.lock = threading.RLock()
        self.problems: list[str] = []
        self._database, self._recent = database, recent
        self._store = None if folder is None else LiveStore(folder)
        self._turn = threading.Lock()  # of whoever reads the log
        self._told: list[int] = []
        # Up to where the records are known, see ``_adopt``.
        self._live = Live(Static.unknown(0))
        self._seq, self._cursor, self._year, self._late, self._newest = 0, 0, 0, 0, -np.inf
        self._taken: set[int] = set()  # places in the log after ``_seq`` whose events are taken in, too
        self._reader = EventFollower(batch=BATCH, contacts=True)
        self._due: dict[int, int] = {}  # when contents are to be shown, epoch ms
        kept = self._newest_kept()
        if kept is None:
            self._names = Names()
            self._begin_anew()
        else:
            self._names = kept.names
            self._begin_with(kept.live, kept.seq, kept.taken)
        self.catch_up()

    @property
    def live(self) -> Live:
        """The fast layer of this moment; look and rank under ``lock``."""
        return self._live

    @property
    def seq(self) -> int:
        """The place in the log up to which every event is taken in."""
        return self._seq

    @property
    def items(self) -> list[str]:
        """The content ids by position; grows, and is not to be changed."""
        return self._names.items.ids

    @property
    def regions(self) -> list[str]:
        """The labels of regions by the codes that ``live`` has; grows, and is not to be changed."""
        return self._names.regions.ids

    def place_of_item(self, id: str) -> int | None:
        """The position of a content; None where it is not known."""
        place = self._names.items.get(id)
        return None if place < 0 else place

    def places_of_items(self, ids: Iterable[str]) -> NDArray[np.intp]:
        """The positions of those of the contents that are known (int64, in their order)."""
        return self._names.items.known(ids)

    def place_of_citizen(self, id: str) -> int:
        """The position of a citizen; ``NOBODY`` for one who did nothing yet."""
        return self._names.citizens.get(id, NOBODY)

    def topic_code(self, topic: str) -> int:
        """The code that ``live`` has for a topic; one that no item has where none is known."""
        code = self._names.topics.get(topic)
        return code if code >= 0 else NOBODY

    def told_since(self, mark: int) -> tuple[list[int], int]:
        """Positions of the contents that came or changed since ``mark`` (at first 0), and the next mark."""
        return self._told[mark:], len(self._told)

    def catch_up(self) -> int:
        """Take in all that was recorded since: contents, switches, events. Returns how many contacts there were.

        Raises DatabaseError where the records cannot be read; what was taken in until then stays.
        """
        with self._turn:
            with self._database.connect() as connection:
                self._follow_changes(connection)
                taken = self._read_on(connection)
            self._show_what_is_due()
            if self._late > MOST_LATE:
                self._begin_anew(self._cursor)
            elif self._live.covisit.size > 2 * self._recent:
                self._let_go()
        return taken

    def catch_up_citizen(self, id: str, connection: Connection | None = None) -> int:
        """Take in what one citizen did and switched since, before anyone else's; returns how many contacts there were.

        Who declared something has a position from then on, so that it is known of them before they did anything.
        Raises DatabaseError where the records cannot be read.
        """
        return self.hear(id, connection).taken

    def hear(self, id: str, connection: Connection | None = None) -> Heard:
        """``catch_up_citizen`` for who also wants to know what the records were when they were asked."""
        with nullcontext(connection) if connection is not None else self._database.connect() as reading:
            told = news.of(reading, id, self._seq)
        switches = told.switches
        with self.lock:
            if switches and (switches != NO_SWITCHES or id in self._names.citizens):
                place = self._names.add("citizens", id)
                self._live.grow(place + 1)
                self._heed(place, switches)
            return Heard(self._take_ahead(told.contacts, {}), told.cursor)

    def apply(self, stored: Iterable[StoredEvent]) -> int:
        """Take in events that this process has just stored (and committed); returns how many contacts were new."""
        new = list(stored)
        strangers = {event.citizen_id for event in new if event.citizen_id not in self._names.citizens}
        switches: Mapping[str, Switches] = {}
        if strangers:
            with self._database.connect() as connection:
                switches = profiling.switches(connection, strangers)
        with self.lock:
            return self._take_ahead(new, switches)

    def save(self) -> bool:
        """Keep the state of this moment in the folder; False where there is none, or another process is writing.

        Raises SnapshotError where the disk refuses, DatabaseError.
        """
        if self._store is None:
            return False
        with self.lock:
            arrays, seq, taken = arrays_of(self._live), self._seq, sorted(self._taken)
        arrays |= self._names.arrays()  # which may know more by now, and never less
        with self._database.connect() as connection:
            last = events.id_at(connection, seq)
        facts = {"state": STATE, "seq": seq, "last": last, "taken": taken, "saved_at": clock.now_ms()}
        return self._store.save(facts, arrays) is not None

    def follow(self, stop: threading.Event, *, every_s: float = 0.5, save_every_s: float = 600.0) -> None:
        """Catch up every ``every_s`` seconds and save now and then until ``stop`` is set, and once more then.

        A failure is logged; the next turn tries again.
        """
        saved = time.monotonic()
        while not stop.wait(every_s):
            _logged(self.catch_up)
            if time.monotonic() - saved >= save_every_s:
                saved = time.monotonic()
                _logged(self.save)
        _logged(self.save)

    def _read_on(self, connection: Connection) -> int:
        """Take in what the log has more; how many contacts that is."""
        taken = 0
        try:
            for columns in self._reader.poll(connection):
                taken += self._take_in(connection, columns)
                with self.lock:
                    self._seq = self._reader.settled
                    self._taken = {seq for seq in self._taken if seq > self._seq}
        except BaseException:
            # What was given and not taken in is to be given again.
            self._reader = EventFollower(self._seq, batch=BATCH, contacts=True)
            raise
        return taken

    def _take_in(self, connection: Connection, columns: EventColumns) -> int:
        contact = is_contact(columns)
        strangers = {id for id in columns.citizen[contact].tolist() if id not in self._names.citizens}
        for id, switches in profiling.switches(connection, strangers).items() if strangers else ():
            self._names.heed(self._names.add("citizens", id), switches)
        found, seq = contacts_of(columns, self._names), columns.seq[contact]
        taken = 0
        for start in range(0, len(found), SLICE):
            part = slice(start, start + SLICE)
            with self.lock:
                taken += self._take_slice(found.taken(part), seq[part].tolist())
            if start + SLICE < len(found):
                time.sleep(PAUSE_S)
        return taken

    def _take_slice(self, found: Contacts, places: list[int]) -> int:
        new = [row for row, place in enumerate(places) if place not in self._taken]
        self._hide_unknown()
        for row, event in zip(new, found.taken(np.array(new, np.intp)).rows(), strict=True):
            self._update(*event)
            self._taken.add(places[row])
        return len(new)

    def _take_ahead(self, stored: Iterable[StoredEvent], switches: Mapping[str, Switches]) -> int:
        taken = 0
        for event in stored:
            if event.seq <= self._seq or event.seq in self._taken:
                continue
            self._taken.add(event.seq)
            if event.kind is EventKind.IMPRESSION:
                continue
            names = self._names
            stranger = event.citizen_id not in names.citizens
            user, item = names.add("citizens", event.citizen_id), names.add("items", event.content_id)
            if stranger and event.citizen_id in switches:
                self._heed(user, switches[event.citizen_id])
            self._hide_unknown()
            region = names.home(user) if event.region is None else names.add("regions", event.region)
            device = names.add("devices", event.device)
            self._update(user, item, event.at / HOUR_MS, KIND_CODE[event.kind], region, device)
            taken += 1
        return taken

    def _update(self, user: int, item: int, hour: float, kind: int, region: int, device: int) -> None:
        self._live.update(user, item, hour, kind, region, device)
        if hour > self._newest:
            self._newest = hour
        elif hour < self._newest - LATE_H:
            self._late += 1

    def _hide_unknown(self) -> None:
        """Of a content that only an event has named so far nothing is known, so it is not shown yet."""
        for place in range(self._live.items, len(self._names.items)):
            self._live.withdraw(place)

    def _heed(self, citizen: int, switches: Switches) -> None:
        moved = self._names.heed(citizen, switches)
        if citizen < len(self._live.met) and (moved or not switches.profiled or self._live.region[citizen] < 0):
            self._live.region[citizen] = self._names.home(citizen)

    def _follow_changes(self, connection: Connection) -> None:
        if clock.today().year != self._year:  # another year of birth is grown up
            self._year = clock.today().year
            declared = profiling.switches(connection)
            with self.lock:
                heed_all(self._names, declared)
        changed = changes.since(connection, self._cursor)
        outlines = list(contents.outlines(connection, changed.contents)) if changed.contents else []
        concerned = {id for id in changed.citizens if id in self._names.citizens}
        switches = profiling.switches(connection, concerned) if concerned else {}
        with self.lock:
            for outline in outlines:
                self._describe(outline)
            for id in changed.contents - {outline.id for outline in outlines}:
                if (place := self._names.items.get(id)) >= 0:
                    self._live.withdraw(place)
                    self._due.pop(place, None)
            for id in concerned:
                self._heed(self._names.citizens.get(id), switches.get(id, NO_SWITCHES))
        self._cursor = changed.cursor

    def _describe(self, outline: Outline) -> None:
        place = self._names.add("items", outline.id)
        self._hide_unknown()
        due = describe(self._live, self._names, outline)
        self._due.pop(place, None)
        if due is not None:
            self._due[place] = due
        self._told.append(place)

    def _show_what_is_due(self) -> None:
        now = clock.now_ms()
        with self.lock:
            for place in [place for place, at in self._due.items() if at <= now]:
                self._live.publish(place, self._due.pop(place) / HOUR_MS)
                self._told.append(place)

    def _begin_anew(self, cursor: int | None = None) -> None:
        """Make the layer anew. Changes after ``cursor``, where it is given, are still to be told to who asks."""
        made = made_anew(self._database, self._names, self._recent)
        self._adopt(made.live, made.seq, made.taken, made.cursor if cursor is None else cursor, made.due)

    def _begin_with(self, live: Live, seq: int, taken: set[int]) -> None:
        """Take over a kept state, and what the contents and switches have become since."""
        with self._database.connect() as connection:
            cursor = changes.now(connection)
            heed_all(self._names, profiling.switches(connection))
            due = describe_all(connection, live, self._names)
        self._adopt(live, seq, taken, cursor, due)

    def _let_go(self) -> None:
        """Let the oldest half of the contacts go; what they said stays in counters, and they stay hidden."""
        with self.lock:
            arrays, taken = arrays_of(self._live), set(self._taken)
        live = live_of(without_oldest(arrays, self._recent))
        self._adopt(live, self._seq, taken, self._cursor, self._due)

    def _adopt(self, live: Live, seq: int, taken: set[int], cursor: int, due: dict[int, int]) -> None:
        """Let ``live`` take over. What was taken in ahead of its turn since it was made comes again after ``seq``."""
        live.unprofiled, live.forgotten = self._names.unprofiled, self._names.forgotten
        self._reader = EventFollower(seq, batch=BATCH, contacts=True)
        with self.lock:
            self._live, self._seq, self._taken = live, seq, taken
            self._cursor, self._due = cursor, due
            self._late, self._year = 0, clock.today().year
            self._newest = float(live.last[: live.items].max(initial=-np.inf))
            self._hide_unknown()

    def _newest_kept(self) -> _State | None:
        """The newest kept state that can be used; says why better ones cannot."""
        store = self._store
        if store is None:
            return None
        for name in reversed(store.states()):
            try:
                kept = store.load(name)
                self._refuse_strange(kept.facts)
                return _restored(kept)
            except SnapshotError as error:
                self.problems.append(f"the state {name} of the fast layer is passed over: {error.message}")
                log.warning("%s", self.problems[-1])
        return None

    def _refuse_strange(self, facts: Mapping[str, Any]) -> None:
        """Raises SnapshotError where the facts are those of another version, or of other records than these."""
        if facts.get("state") != STATE:
            raise SnapshotError(f"it is of version {facts.get('state')} and this programme reads {STATE}")
        with self._database.connect() as connection:
            if events.id_at(connection, facts["seq"]) != facts["last"]:
                raise SnapshotError(
                    f"these records do not have event {facts['seq']}, its last one, or another in its place"
                )


@dataclass(frozen=True)
class _State:
    """A kept state, restored."""

    names: Names
    live: Live
    seq: int
    taken: set[int]


def _restored(kept: Kept) -> _State:
    try:
        names, live = Names.restore(kept.arrays), live_of(kept.arrays)
        return _State(names, live, int(kept.facts["seq"]), {int(seq) for seq in kept.facts["taken"]})
    except Exception as error:  # what is made of the arrays of another time can be anything
        raise SnapshotError(f"it cannot be restored by this code: {error!r}") from error


def _logged(work: Callable[[], object]) -> None:
    try:
        work()
    except KepuError as error:
        log.warning("the fast layer could not go on: %s", error.message)
    except Exception:  # a thread that ends would leave the layer behind without a word
        log.exception("the fast layer could not go on")
