"""What stands behind a cursor: the part of a feed that was ranked but not shown yet, kept as hot state.

A state is written once a page and not changed afterwards, so that a page asked for twice is the same, and nothing is
shown twice along a chain of cursors. Where another process may serve the next page it holds ids, not positions.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import orjson
from numpy.typing import NDArray

from content_store.errors import BadCursor, HotStateError
from content_store.vocabulary import Topic
from recsys.catalogue import Key

LIFE_MS = 60 * 60_000
_CURSOR = re.compile(r"[A-Za-z0-9_-]{1,700}", re.ASCII)


class Slates(Protocol):
    """Where states are kept, see ``content_store.hot``."""

    @property
    def shared(self) -> bool: ...
    def put_slate(self, key: str, items: bytes, *, life_ms: int = ...) -> None: ...
    def get_slate(self, key: str) -> bytes | None: ...


class Names(Protocol):
    """What positions stand for, see ``Follower``."""

    @property
    def items(self) -> list[str]: ...
    def places_of_items(self, ids: Iterable[str]) -> NDArray[np.intp]: ...


@dataclass(frozen=True, slots=True)
class Rest:
    """What remains of a feed after ``shown`` items.

    ``slate``: its name; ``hour``: when page 1 was asked for; ``head``: positions of what was ranked and not shown,
    best first; ``ranked``: of all that was, which the catalogue's order leaves out; ``last``: in the latest places;
    ``tail``: how far the catalogue's order was used up (None: not begun), ``done``: whether to its end. Without a
    ``slate`` nothing but ``tail`` is known, and the catalogue goes on from there.
    """

    slate: str
    hour: float
    topic: Topic | None
    snapshot: str | None
    shown: int = 0
    head: Sequence[int] = ()
    ranked: frozenset[int] = frozenset()
    last: Sequence[int] = ()
    tail: Key | None = None
    done: bool = False


def new_slate() -> str:
    """A name that nobody guesses."""
    return secrets.token_urlsafe(12)


def keep(slates: Slates, names: Names, citizen: str, rest: Rest, *, first: bool) -> tuple[str, bool]:
    """Keep ``rest``, which only ``citizen`` may go on with; its cursor, and whether it could be kept.

    ``first``: nothing of this slate has been kept before. Where the hot state is out of reach the cursor goes on in the
    catalogue's order alone.
    """
    cursor = {"s": rest.slate, "n": rest.shown, "h": rest.hour, "t": rest.topic, "k": rest.tail and list(rest.tail)}
    state: dict[str, Any] = {"done": rest.done, "snapshot": rest.snapshot, "citizen": citizen}
    state |= {"head": _told(slates, names, rest.head), "last": _told(slates, names, rest.last)}
    if not rest.slate:
        return _encoded(cursor), False
    try:
        if first:
            slates.put_slate(f"{rest.slate}.ranked", orjson.dumps(_told(slates, names, rest.ranked)), life_ms=LIFE_MS)
        slates.put_slate(f"{rest.slate}.{rest.shown}", orjson.dumps(state), life_ms=LIFE_MS)
    except HotStateError:
        # The catalogue from its beginning: what was ranked and is lost must not be missed.
        return _encoded(cursor | {"s": "", "k": None}), False
    return _encoded(cursor), True


def _encoded(cursor: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(cursor)).decode().rstrip("=")


def _told(slates: Slates, names: Names, places: Iterable[int]) -> list[Any]:
    """Positions as they are kept: as what they are where nobody else reads them, otherwise as ids."""
    ids = names.items
    return [ids[place] for place in places] if slates.shared else list(places)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a cursor stands for, as it was kept; ``found``: whether its state was there."""

    rest: Rest
    found: bool = False
    head: Sequence[Any] = ()
    ranked: Sequence[Any] = ()
    last: Sequence[Any] = ()

    def placed(self, slates: Slates, names: Names) -> Rest:
        """With positions, but for ids of which nothing is known here yet.

        Under the lock of what the page is then made of: what becomes known in between would be shown a second time.
        """

        def known(told: Sequence[Any]) -> Sequence[int]:
            return names.places_of_items(told).tolist() if slates.shared else told

        ranked = frozenset(known(self.ranked))
        return replace(self.rest, head=known(self.head), ranked=ranked, last=known(self.last))


def resume(slates: Slates, citizen: str, cursor: str) -> Resumed:
    """What a cursor stands for. Raises BadCursor for what is no cursor of ours.

    Without its state the feed goes on in the catalogue's order; so does one that another citizen began.
    """
    told = _decoded(cursor)
    rest = Rest(told["s"], told["h"], told["t"], None, told["n"], tail=told["k"])
    if not rest.slate:
        return Resumed(rest)
    lost = Resumed(Rest("", rest.hour, rest.topic, None, rest.shown))
    try:
        state, ranked = (slates.get_slate(f"{rest.slate}.{part}") for part in (rest.shown, "ranked"))
    except HotStateError:
        return lost
    if state is None or ranked is None:
        return lost
    kept: dict[str, Any] = orjson.loads(state)
    if kept["citizen"] != citizen:
        return lost
    rest = replace(rest, snapshot=kept["snapshot"], done=kept["done"])
    return Resumed(rest, True, kept["head"], orjson.loads(ranked), kept["last"])


def _decoded(cursor: str) -> dict[str, Any]:
    try:
        if not _CURSOR.fullmatch(cursor):
            raise ValueError("other signs")
        told = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        key = told["k"]
        return {
            "s": _text(told["s"]),
            "n": _number(told["n"], 10**9),
            "h": float(_number(told["h"], 10**8)),
            "t": None if told["t"] is None else Topic(told["t"]),
            "k": None if key is None else Key(float(_number(key[0], 10**8)), _text(key[1])),
        }
    except (ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise BadCursor("the cursor is none of ours", hint="ask for the first page, without a cursor") from error


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("no text")
    return value


def _number(value: Any, most: float) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not -most <= value <= most:
        raise ValueError("no number")
    return value
