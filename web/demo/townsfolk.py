"""The simulated citizens: their stage of life, what they are curious about, when they look, and who their friends are.

Everything but the stored record is hidden from the recommender. Nobody real is described: stages, rhythms and tastes
are made up, and only the shares of the prefectures follow the residents counted there in 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from content_store.vocabulary import CitizenKind, Prefecture
from web.demo.traits import STYLES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

RESIDENTS = {
    Prefecture.CHENGDU: 2094, Prefecture.ZIGONG: 249, Prefecture.PANZHIHUA: 121, Prefecture.LUZHOU: 425,
    Prefecture.DEYANG: 346, Prefecture.MIANYANG: 487, Prefecture.GUANGYUAN: 231, Prefecture.SUINING: 281,
    Prefecture.NEIJIANG: 314, Prefecture.LESHAN: 316, Prefecture.NANCHONG: 561, Prefecture.MEISHAN: 296,
    Prefecture.YIBIN: 459, Prefecture.GUANGAN: 325, Prefecture.DAZHOU: 539, Prefecture.YAAN: 143,
    Prefecture.BAZHONG: 271, Prefecture.ZIYANG: 231, Prefecture.ABA: 82, Prefecture.GARZE: 111,
    Prefecture.LIANGSHAN: 486,
}  # fmt: skip
"""Residents in the census of 2020, in ten thousands."""

UNDECLARED = 0.12
"""The share of citizens who did not say where they live."""

FRIENDS_EACH_SIDE = 3
REWIRED = 0.15
"""The small world (Watts and Strogatz, 1998): a ring in which all know the next three, and this share of the ties leads
anywhere instead."""


class Stage(NamedTuple):
    """A stage of life: its share of the citizens, its ages, the hours at which one looks (hour: weight), visits on a
    day off for each on a working day, characters read in a minute, the device, and the usual taste in each style."""

    share: float
    ages: tuple[int, int]
    hours: dict[int, float]
    day_off: float
    speed: float
    device: str
    taste: tuple[float, ...]


_PUPILS = {12: 1.0, 17: 2.0, 18: 2.0, 20: 3.0, 21: 2.0}
_STUDENTS = {9: 1.0, 12: 3.0, 17: 1.0, 22: 4.0, 23: 3.0, 0: 1.0}
_WORKERS = {7: 2.0, 8: 3.0, 12: 3.0, 18: 2.0, 21: 3.0, 22: 3.0}
_PARENTS = {6: 1.0, 12: 2.0, 13: 2.0, 21: 4.0, 22: 2.0}
_SETTLED = {7: 2.0, 10: 1.0, 12: 2.0, 15: 1.0, 20: 3.0, 21: 2.0}
_RETIRED = {6: 3.0, 7: 3.0, 9: 2.0, 15: 2.0, 19: 2.0}
_FARMERS = {5: 2.0, 6: 3.0, 12: 3.0, 19: 3.0, 20: 2.0}

STAGES = (
    Stage(0.08, (13, 17), _PUPILS, 2.5, 330, "sim-phone", (1.2, 0.2, 0.7, 1.6, 0.0, 0.5, 0.5)),
    Stage(0.12, (19, 24), _STUDENTS, 1.1, 450, "sim-phone", (1.3, 0.5, 0.8, 1.0, 0.0, 0.3, 0.3)),
    Stage(0.24, (23, 40), _WORKERS, 0.8, 430, "sim-phone", (1.0, 0.7, 0.6, 0.6, 0.3, 0.6, 0.4)),
    Stage(0.20, (28, 48), _PARENTS, 0.9, 400, "sim-phone", (0.5, 1.5, 0.4, 0.4, 1.4, 0.1, 0.4)),
    Stage(0.14, (45, 60), _SETTLED, 1.1, 360, "sim-desktop", (0.8, 0.7, 1.0, 0.4, 0.5, 0.9, 0.9)),
    Stage(0.12, (60, 82), _RETIRED, 1.0, 250, "sim-tablet", (0.2, 1.4, 1.2, 0.2, 1.0, 0.3, 1.1)),
    Stage(0.10, (38, 80), _FARMERS, 1.0, 240, "sim-phone", (0.4, 1.7, 0.5, 0.2, 1.1, 0.8, 1.0)),
)
"""Their tastes are in the order of ``STYLES``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedCitizen:
    """What is stored of a simulated citizen; the ``id`` begins with ``sim-``, ``created_at`` is epoch ms."""

    id: str
    prefecture: Prefecture | None
    birth_year: int
    created_at: int

    def row(self) -> dict[str, Any]:
        """The citizen for ``citizens.check``."""
        place = self.prefecture.value if self.prefecture else None
        told = {"id": self.id, "prefecture": place, "birth_year": self.birth_year, "created_at": self.created_at}
        return told | {"kind": CitizenKind.REGISTERED}


@dataclass(frozen=True, slots=True)
class Townsfolk:
    """The citizens as columns, one row each, sorted by where they live."""

    prefecture: NDArray[np.object_]
    """The code; None where it was not declared."""
    home: NDArray[np.object_]
    """The code of the true home, declared or not."""
    birth_year: Ints
    device: NDArray[np.object_]
    speed: Floats
    """Characters in a minute."""
    taste: Floats
    """Citizens × styles, ≥ 0."""
    visits: Floats
    """Expected visits on a working day."""
    rhythm: Floats
    """Citizens × 2 × 24: the part of ``visits`` in each hour, on a working day and on a day off."""
    listeners: tuple[Ints, Ints]
    """Who hears of what a citizen enjoyed: the friends of citizen i are ``friends[start[i]:start[i + 1]]``."""

    def friends_of(self, who: Ints) -> tuple[Ints, Ints]:
        """All friends of all in ``who``, and for each the position in ``who`` of the one whose friend it is."""
        start, friends = self.listeners
        count = start[who + 1] - start[who]
        position = np.repeat(np.arange(who.size), count)
        offset = np.arange(position.size) - np.repeat(np.cumsum(count) - count, count)
        return friends[start[who][position] + offset], position


def settle(rng: np.random.Generator, count: int, today: date) -> Townsfolk:
    """``count`` citizens as of ``today``."""
    homes = np.array([place.value for place in RESIDENTS], object)
    residents = np.array(list(RESIDENTS.values()), float)
    home = homes[np.sort(rng.choice(homes.size, count, p=residents / residents.sum()))]
    stage = rng.choice(len(STAGES), count, p=[kind.share for kind in STAGES])
    youngest, oldest = np.array([kind.ages for kind in STAGES]).T
    usual = np.array([kind.taste for kind in STAGES])
    speed = np.array([kind.speed for kind in STAGES])[stage] * rng.lognormal(0, 0.2, count)
    # A few care for much more than their stage would tell: the second factor has a long tail.
    taste = usual[stage] * rng.gamma(1.5, 1 / 1.5, (count, len(STYLES))) + rng.exponential(0.35, (count, len(STYLES)))
    declared = home.copy()
    declared[rng.random(count) < UNDECLARED] = None
    return Townsfolk(
        prefecture=declared,
        home=home,
        birth_year=today.year - rng.integers(youngest[stage], oldest[stage] + 1),
        device=np.array([kind.device for kind in STAGES], object)[stage],
        speed=speed.clip(120, 900),
        taste=taste,
        visits=0.15 * rng.lognormal(-0.32, 0.8, count).clip(0, 6),
        rhythm=_rhythm()[stage],
        listeners=_small_world(rng, count),
    )


def _rhythm() -> Floats:
    """Stages × 2 × 24: when one looks on a working day, and on a day off, which begins and ends later."""
    found = np.zeros((len(STAGES), 2, 24))
    for number, stage in enumerate(STAGES):
        working = np.full(24, 0.02)
        working[list(stage.hours)] = list(stage.hours.values())
        working /= working.sum()
        found[number, 0] = working
        found[number, 1] = stage.day_off * (working + np.roll(working, 1) + np.roll(working, 2)) / 3
    return found


def _small_world(rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
    """Friendships, known from both sides: where each citizen's friends begin, and the friends."""
    one = np.repeat(np.arange(count), FRIENDS_EACH_SIDE)
    other = (one + np.tile(np.arange(1, FRIENDS_EACH_SIDE + 1), count)) % count
    other = np.where(rng.random(one.size) < REWIRED, rng.integers(0, count, one.size), other)
    apart = one != other
    pairs = np.concatenate([np.stack([one, other], 1)[apart], np.stack([other, one], 1)[apart]])
    pairs = np.unique(pairs, axis=0)
    return np.searchsorted(pairs[:, 0], np.arange(count + 1)), pairs[:, 1]
