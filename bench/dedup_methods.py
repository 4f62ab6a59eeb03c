"""Ways to find the stored text that another is a copy of, for ``bench.dedup`` to compare; all see the same words.

Ours is ``content_store/ingest/originals.py`` itself, over SQLite. The others are the usual ones: SimHash (Charikar,
STOC 2002; Manku, Jain and Das Sarma, WWW 2007) and MinHash with bands (Broder, 1997; Leskovec, Rajaraman and Ullman,
Mining of Massive Datasets, ch. 3) over hashed passages of four words.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

import numpy as np
import numpy.typing as npt
from rensa import RMinHash, RMinHashLSH

from content_store import contents, schema
from content_store.db import Connection
from content_store.ingest import originals
from content_store.ingest.similarity import Relation
from content_store.ingest.traces import passages, trace
from content_store.vocabulary import ContentStatus

_Longs = npt.NDArray[np.uint64]
_WORDS = 4
_ODD, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)
_PERMUTATIONS, _BANDS = 128, 32


class Method(Protocol):
    """A store of texts by names, which tells of a text the name of the one that it is a copy of."""

    name: str

    def find(self, title: str, text: str) -> str | None:
        """The name of the likeliest, or None."""

    def add(self, key: str, title: str, text: str) -> None:
        """Keep ``text`` by the name ``key``."""

    def clear(self) -> None:
        """Forget all of them."""


def hashes(text: str) -> _Longs:
    """The distinct passages of ``text``, each as a number of 64 even bits, sorted."""
    found = (passages(trace(text), _WORDS) + np.uint64(1)) * _ODD
    found = (found ^ (found >> np.uint64(29))) * _MIX
    return np.unique(found ^ (found >> np.uint64(32)))


class Ours:
    """Prints by winnowing, then alignment."""

    name = "prints + alignment (ours)"

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find(self, title: str, text: str) -> str | None:
        [found] = originals.find(self._connection, [(title, text)])
        same = [match.content_id for match in found if match.relation is Relation.SAME]
        return same[0] if same else None

    def add(self, key: str, title: str, text: str) -> None:
        contents.create(self._connection, id=key, title=title or key, status=ContentStatus.DRAFT)
        originals.keep(self._connection, key, title, text)

    def clear(self) -> None:
        for table in (schema.original_prints, schema.originals, schema.contents):
            self._connection.execute(table.delete())


class SimHash:
    """64 bits of all passages; near is what differs in few bits and, where asked for, is verified."""

    def __init__(self, distance: int, verified: bool) -> None:
        self.name = f"SimHash ≤ {distance}" + (" + Jaccard/containment" if verified else "")
        self._distance, self._verified = distance, verified
        self.clear()

    def clear(self) -> None:
        self._keys: list[str] = []
        self._bits = np.zeros(1 << 15, np.uint64)
        self._sets: list[_Longs] = []

    def find(self, title: str, text: str) -> str | None:
        mine = hashes(text)
        away = np.bitwise_count(self._bits[: len(self._keys)] ^ _simhash(mine))
        near = np.flatnonzero(away <= self._distance)
        if not self._verified:
            return self._keys[near[np.argmin(away[near])]] if len(near) else None
        return _likeliest(mine, {self._keys[at]: self._sets[at] for at in near[np.argsort(away[near])][:50]})

    def add(self, key: str, title: str, text: str) -> None:
        mine = hashes(text)
        self._bits[len(self._keys)] = _simhash(mine)
        self._keys.append(key)
        self._sets.append(mine if self._verified else mine[:0])


def _simhash(found: _Longs) -> np.uint64:
    bits = np.unpackbits(found.view(np.uint8)).reshape(len(found), 64)
    return np.uint64(np.packbits(bits.sum(0) * 2 > len(found)).view(np.uint64)[0])


class MinHash:
    """128 permutations in 32 bands of 4; whoever shares a band is verified."""

    name = "MinHash-LSH + Jaccard/containment"

    def __init__(self, seed: int = 0) -> None:
        drawn = np.random.default_rng(seed)
        self._factors = drawn.integers(0, 1 << 63, (_PERMUTATIONS, 1), np.uint64) * 2 + 1
        self.clear()

    def clear(self) -> None:
        self._bands: list[dict[bytes, list[str]]] = [defaultdict(list) for _ in range(_BANDS)]
        self._sets: dict[str, _Longs] = {}

    def find(self, title: str, text: str) -> str | None:
        mine = hashes(text)
        near = {key: None for table, band in self._banded(mine) for key in table.get(band, ())}
        return _likeliest(mine, {key: self._sets[key] for key in near})

    def add(self, key: str, title: str, text: str) -> None:
        self._sets[key] = hashes(text)
        for table, band in self._banded(self._sets[key]):
            table[band].append(key)

    def _banded(self, mine: _Longs) -> list[tuple[dict[bytes, list[str]], bytes]]:
        least = (mine * self._factors).min(1).reshape(_BANDS, -1)
        return [(table, row.tobytes()) for table, row in zip(self._bands, least, strict=True)]


class Rensa:
    """The same by the library rensa, verified in the same way."""

    name = "rensa (MinHash-LSH) + Jaccard/containment"

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._index = RMinHashLSH(0.5, _PERMUTATIONS, _BANDS)
        self._keys: list[str] = []
        self._sets: list[_Longs] = []

    def find(self, title: str, text: str) -> str | None:
        mine = hashes(text)
        near = self._index.query(self._made(mine))
        return _likeliest(mine, {self._keys[at]: self._sets[at] for at in near})

    def add(self, key: str, title: str, text: str) -> None:
        self._sets.append(hashes(text))
        self._index.insert(len(self._keys), self._made(self._sets[-1]))
        self._keys.append(key)

    def _made(self, mine: _Longs) -> RMinHash:
        made = RMinHash(_PERMUTATIONS, 42)
        made.update([str(number) for number in mine.tolist()])
        return made


def _likeliest(mine: _Longs, near: dict[str, _Longs]) -> str | None:
    best, chosen = 0.0, None
    for key, theirs in near.items():
        common = len(np.intersect1d(mine, theirs, assume_unique=True))
        jaccard = common / max(len(mine) + len(theirs) - common, 1)
        contained = common / max(min(len(mine), len(theirs)), 1)
        if (jaccard >= 0.5 or (contained >= 0.75 and jaccard >= 0.3)) and jaccard > best:
            best, chosen = jaccard, key
    return chosen
