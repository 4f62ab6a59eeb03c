"""Which ids the database knows, asked once per id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sqlalchemy.engine import Connection

_MOST = 500_000

Known = Callable[[Connection, Sequence[str]], set[str]]
Make = Callable[[Connection, Iterable[str]], int]


class KnownIds:
    """Remembers ids that the database knows, at most ``_MOST`` of them; what was only staged counts after ``keep``."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._kept: set[str] = set()
        self._staged: set[str] = set()

    def unknown(self, connection: Connection, ids: Iterable[str]) -> list[str]:
        """Those of ``ids`` that the database does not know, in their order."""
        doubtful = [identifier for identifier in dict.fromkeys(ids) if identifier not in self._kept]
        found = self._known(connection, doubtful) if doubtful else set()
        self._staged |= found
        return [identifier for identifier in doubtful if identifier not in found]

    def stage(self, ids: Iterable[str]) -> None:
        """Tell that ``ids`` are known once the transaction is done."""
        self._staged.update(ids)

    def keep(self) -> None:
        """The transaction is done."""
        if len(self._kept) + len(self._staged) > _MOST:
            self._kept.clear()
        self._kept |= self._staged
        self._staged = set()
