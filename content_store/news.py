"""What a page needs to know of the records before it is made, by one statement: of whoever asks, and what changed.

A statement costs more than what it finds here, on PostgreSQL a way over the wire and back.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.engine import Connection

from content_store import changes, events, history, profiling
from content_store.driver import Driver
from content_store.events import StoredEvent
from content_store.profiling import Switches

_COLUMNS = ", ".join(f"events.{name}" for name in events.NAMES)
_NEWS = (
    f"SELECT {{}}, {profiling.SWITCHES}, {_COLUMNS} FROM (SELECT 1) AS one LEFT JOIN citizens ON citizens.id = ?"
    f" LEFT JOIN events ON events.citizen_id = citizens.id AND events.seq > ? AND events.{events.CONTACT}"
    " ORDER BY events.seq"
)
_SQL = {dialect: _NEWS.format(changes.now_in(dialect)) for dialect in ("sqlite", "postgresql")}
_FIRST = 5  # column of an event


@dataclass(frozen=True, slots=True)
class News:
    """``switches`` of a citizen, None where no citizen has this id; their ``contacts``, by the order of storing.

    ``cursor`` is that of ``changes.now`` at the same moment.
    """

    switches: Switches | None
    contacts: list[StoredEvent]
    cursor: int


def of(connection: Connection, citizen_id: str, seq: int) -> News:
    """What is stored of a citizen, and what they did after place ``seq`` of the log, but for impressions."""
    driver = Driver(connection)
    rows = driver.rows(_SQL[driver.dialect], profiling.oldest_minor(), citizen_id, seq)
    cursor, there, kept_out, prefecture, forgets = rows[0][:_FIRST]
    if there is None:
        return News(None, [], cursor or 0)
    forgotten = frozenset(history.forgotten(connection, [citizen_id]).get(citizen_id, ())) if forgets else frozenset()
    switches = Switches(not kept_out, prefecture, forgotten)
    contacts = [] if rows[0][_FIRST] is None else [events.of_row(row[_FIRST:]) for row in rows]
    return News(switches, contacts, cursor or 0)
