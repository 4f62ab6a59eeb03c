"""What the numbers of the fast layer stand for: ids and labels by position, and what citizens' rows say of them."""

from __future__ import annotations

import threading
from array import array
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from content_store.profiling import Switches
from recsys.models.base import Arrays
from recsys.places import Places

_KINDS = ("items", "citizens", "regions", "devices", "topics", "authors")
_BREAK = "\0"  # no text that is stored has it


class Names:
    """Positions of everything that has an id or a label; they only grow, so they outlive the state that uses them.

    Any thread may add; whoever looks up what is there needs no lock.
    """

    def __init__(self) -> None:
        self.items, self.citizens = Places(), Places()
        self.regions, self.devices = Places(), Places()
        self.topics, self.authors = Places(), Places()
        self.unprofiled: set[int] = set()
        self.forgotten: dict[int, frozenset[int]] = {}  # by citizen the items that may not speak for them
        self._home = array("i")  # the region that each citizen declared, -1 for none
        self._lock = threading.Lock()

    def add(self, kind: str, id: str | None) -> int:
        """The position of ``id`` among ``kind``, a new one where it had none; -1 for None."""
        if id is None:
            return -1
        places: Places = getattr(self, kind)
        if (known := places.get(id)) >= 0:
            return known
        with self._lock:
            return places.add(id)

    def add_all(self, kind: str, ids: NDArray[Any]) -> NDArray[np.int32]:
        """The positions of ``ids`` (object array of str or None) among ``kind``; -1 for None."""
        with self._lock:
            places: Places = getattr(self, kind)
            return places.add_all(ids)

    def heed(self, citizen: int, switches: Switches) -> bool:
        """Keep what the row of ``citizen`` (a position) says now; whether they have moved to another prefecture."""
        region = self.add("regions", switches.prefecture)
        forgotten = frozenset(self.add("items", id) for id in switches.forgotten)
        with self._lock:
            if forgotten:
                self.forgotten[citizen] = forgotten
            else:
                self.forgotten.pop(citizen, None)
            (self.unprofiled.discard if switches.profiled else self.unprofiled.add)(citizen)
            self._room(citizen + 1)
            moved, self._home[citizen] = self._home[citizen] != region, region
        return moved

    def declared(self) -> set[int]:
        """The citizens (positions) who are without a profile, declared where they live, or want something forgotten."""
        with self._lock:
            settled = {citizen for citizen, region in enumerate(self._home) if region >= 0}
            return self.unprofiled | settled | self.forgotten.keys()

    def home(self, citizen: int) -> int:
        """The region that ``citizen`` declared, -1 for none."""
        return self._home[citizen] if citizen < len(self._home) else -1

    def homes(self, citizens: NDArray[np.int32]) -> NDArray[np.int32]:
        """The regions that ``citizens`` declared (int32)."""
        with self._lock:
            self._room(int(citizens.max(initial=-1)) + 1)
            homes: NDArray[np.int32] = np.array(self._home, np.int32)[citizens]
        return homes

    def _room(self, citizens: int) -> None:
        if citizens > len(self._home):
            self._home.extend([-1] * (citizens - len(self._home)))

    def arrays(self) -> Arrays:
        """Everything but what is forgotten, which is read from the records again, as arrays of numbers."""
        with self._lock:
            texts = {kind: _BREAK.join(getattr(self, kind).ids).encode() for kind in _KINDS}
            found: Arrays = {f"names_{kind}": np.frombuffer(text, np.uint8) for kind, text in texts.items()}
            found["home"] = np.array(self._home, np.int32)
            found["unprofiled"] = np.array(sorted(self.unprofiled), np.int32)
        return found

    @classmethod
    def restore(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """What gave ``arrays``."""
        names = cls()
        for kind in _KINDS:
            text = arrays[f"names_{kind}"].tobytes().decode()
            setattr(names, kind, Places(text.split(_BREAK) if text else ()))
        names._home = array("i", arrays["home"].astype(np.int32).tobytes())
        names.unprofiled = set(arrays["unprofiled"].tolist())
        return names
