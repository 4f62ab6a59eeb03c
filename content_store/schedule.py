"""When a job is due: a fixed grid of instants. A due time follows from the grid, never from when something last ran."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from datetime import date
from typing import Self

from content_store.clock import DAY_MS, start_of_day_ms

_ORIGIN_MS = start_of_day_ms(date(1970, 1, 1))
_UNITS_MS = {"h": 3_600_000, "m": 60_000, "s": 1_000}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_EVERY = re.compile(r"every ([1-9][0-9]{0,4}) ?([smh])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Schedule:
    """The instants at ``offsets_ms`` after the beginning of every period of ``period_ms``; without offsets: never.

    Periods are counted from a midnight in Shanghai. Epoch milliseconds everywhere.
    """

    period_ms: int
    offsets_ms: tuple[int, ...]

    def __post_init__(self) -> None:
        """Raises ValueError for offsets that are no increasing numbers within the period."""
        inside = all(0 <= offset < self.period_ms for offset in self.offsets_ms)
        if self.period_ms < 1 or not inside or list(self.offsets_ms) != sorted(set(self.offsets_ms)):
            raise ValueError("offsets must increase and lie within the period")

    @classmethod
    def parse(cls, text: str) -> Self:
        """``03:30`` or ``03:30,15:30`` (every day, in Shanghai), ``every 15m`` (s, m or h), or ``off``.

        Raises ValueError.
        """
        text = " ".join(text.lower().split())
        if text == "off":
            return cls(DAY_MS, ())
        every = _EVERY.fullmatch(text)
        if every:
            period = int(every[1]) * _UNITS_MS[every[2]]
            if DAY_MS % period:
                raise ValueError("the interval must divide a day evenly")
            return cls(period, (0,))
        times = [_TIME.fullmatch(part.strip()) for part in text.split(",")]
        offsets = {int(time[1]) * 3_600_000 + int(time[2]) * 60_000 for time in times if time}
        if not all(times):
            raise ValueError("must be times of the day like 03:30 or 03:30,15:30, an interval like every 15m, or off")
        return cls(DAY_MS, tuple(sorted(offsets)))

    def __str__(self) -> str:
        """A text that ``parse`` understands, where the grid is one that a text can tell."""
        if not self.offsets_ms:
            return "off"
        if self.period_ms == DAY_MS:
            times = [divmod(offset // 60_000, 60) for offset in self.offsets_ms]
            return ",".join(f"{hour:02d}:{minute:02d}" for hour, minute in times)
        unit = next((unit for unit, size in _UNITS_MS.items() if self.period_ms % size == 0), None)
        return f"every {self.period_ms // _UNITS_MS[unit]}{unit}" if unit else f"every {self.period_ms}ms"

    def last(self, at: int) -> int | None:
        """The newest due time that is not after ``at``; None where it is never due."""
        if not self.offsets_ms:
            return None
        period, inside = divmod(at - _ORIGIN_MS, self.period_ms)
        place = bisect_right(self.offsets_ms, inside) - 1
        # A place of -1 is the last offset of the period before.
        return _ORIGIN_MS + (period - (place < 0)) * self.period_ms + self.offsets_ms[place]

    def next(self, at: int) -> int | None:
        """The first due time after ``at``; None where it is never due."""
        if not self.offsets_ms:
            return None
        period, inside = divmod(at - _ORIGIN_MS, self.period_ms)
        place = bisect_right(self.offsets_ms, inside)
        over, place = divmod(place, len(self.offsets_ms))
        return _ORIGIN_MS + (period + over) * self.period_ms + self.offsets_ms[place]

    def newest(self, after: int, until: int, most: int) -> list[int]:
        """The due times after ``after`` and not after ``until``, ascending; the ``most`` newest where they are more."""
        found: list[int] = []
        due = self.last(until)
        while due is not None and due > after and len(found) < most:
            found.append(due)
            due = self.last(due - 1)
        return found[::-1]
