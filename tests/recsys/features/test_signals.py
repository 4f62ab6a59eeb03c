"""The signals of the fast layer, beside the same from plain definitions."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from content_store.vocabulary import EventKind
from recsys.features import signals as module
from recsys.features.log import KIND_CODE
from recsys.features.signals import SIGNALS, moment, signals
from recsys.live import Live, Static
from recsys.live_state import arrays_of, live_of

ITEMS, USERS = 12, 6
READ = KIND_CODE[EventKind.READ]
rows = st.lists(
    st.tuples(
        st.integers(0, USERS - 1),
        st.integers(0, ITEMS - 1),
        st.sampled_from([0.0, 0.2, 0.7, 3.0, 30.0]),
        st.integers(-1, 1),
        st.integers(-1, 1),
    ),
    max_size=60,
)


def town(told: list[tuple[int, int, float, int, int]]) -> tuple[Live, float]:
    """A fast layer that was told of reads (who, what, hours after the one before, where, on what), and the hour."""
    live, hour = Live(Static.unknown(ITEMS), USERS), 400_000.0
    for user, item, later, region, device in told:
        hour += later
        live.update(user, item, hour, READ, region, device)
    return live, hour + 0.25


def half(age: float, life: float) -> float:
    return float(0.5 ** (age / life))


def plainly(live: Live, user: int, now: float) -> dict[str, dict[int, float]]:
    """Every signal by name and item, from the definitions."""
    log = live.covisit
    contacts = [(int(log.user[at]), int(log.item[at]), float(log.hour[at])) for at in range(log.size)]
    chains = {who: [at for at, contact in enumerate(contacts) if contact[0] == who] for who in range(USERS)}
    mine = chains.get(user, [])
    recent = [contacts[at][1] for at in reversed(mine)][:20]
    count = [sum(contact[1] == item for contact in contacts) for item in range(ITEMS)]
    found: dict[str, dict[int, float]] = {name: defaultdict(float) for name in SIGNALS}
    backward: dict[int, float] = defaultdict(float)
    for place, start in enumerate(recent):
        for at, (who, item, _) in enumerate(contacts):
            if item != start or who == user:
                continue
            chain = chains[who]
            where, rarity = chain.index(at), 1 / np.sqrt(1 + count[start])
            for far, reached in enumerate(chain[where + 1 : where + 11], 1):
                _, other, hour = contacts[reached]
                worth = 0.8**far / (1 + place)
                for name, life in (("after_15m", 0.25), ("after_1h", 1), ("after_6h", 6)):
                    found[name][other] += worth * half(now - hour, life)
                found["after"][other] += worth * rarity
                if place == 0:
                    found["after_latest"][other] += 1 / far
                    if far == 1:
                        found["next_6h"][other] += half(now - hour, 6)
                        found["next"][other] += 1
            for far, reached in enumerate(reversed(chain[max(0, where - 10) : where]), 1):
                backward[contacts[reached][1]] += 0.8**far / (1 + place) * rarity
    for item in range(ITEMS):
        found["around"][item] = (found["after"][item] + 0.5 * backward[item]) / (1 + count[item]) ** 0.3
    begins = mine == [] or now - contacts[mine[-1]][2] > 0.5
    for at, (who, item, hour) in enumerate(contacts):
        met = [i for i in recent if any(contacts[a][1] == i for a in chains[who])]
        near = sum(1 / np.log(2 + count[i]) for i in met) / np.sqrt(5 + len(chains[who])) if who != user else 0.0
        for name, life in (("alike_3h", 3), ("alike_1d", 24)):
            found[name][item] += near * half(now - hour, life)
        found["alike"][item] += near
        if live.place_region[at] == live.region[user]:
            found["here_1h"][item] += half(now - hour, 1)
            found["here_6h"][item] += half(now - hour, 6)
        if live.place_device[at] == live.device[user]:
            found["device_1h"][item] += half(now - hour, 1)
        before = [a for a in chains[who] if a < at]
        if (not before or hour - contacts[before[-1]][2] > 0.5) == begins:
            for name, life in (("point_15m", 0.25), ("point_1h", 1), ("point_6h", 6)):
                found[name][item] += half(now - hour, life)
    return found


@settings(max_examples=60)
@given(rows, st.integers(0, USERS - 1), st.booleans())
def test_signals_are_what_their_definitions_say(
    told: list[tuple[int, int, float, int, int]], user: int, restored: bool
) -> None:
    live, now = town(told)
    if restored:
        live = live_of(arrays_of(live))
    found, expected = signals(live, moment(live, user, now)), plainly(live, user, now)
    for name in SIGNALS:
        plain = [expected[name][item] for item in range(ITEMS)]
        assert found.dense(name, ITEMS) == pytest.approx(plain, rel=1e-9, abs=1e-12), name
    chosen = np.array([0, 3, ITEMS - 1])
    taken = np.empty((len(SIGNALS), 3))
    found.at(chosen, taken)
    assert taken.tolist() == [found.dense(name, ITEMS)[chosen].tolist() for name in SIGNALS]


def test_contacts_of_many_years_are_reckoned_without_overflow() -> None:
    live = Live(Static.unknown(3), 2)
    for year in range(12):
        for user, item in ((0, 0), (1, 0), (1, 1)):
            live.update(user + 2 * year, item, 8_766.0 * year, READ)
    live.update(100, 0, 8_766.0 * 11 + 1, READ)
    found = signals(live, moment(live, 100, 8_766.0 * 11 + 2))
    assert np.isfinite(found.values).all()
    assert found.dense("after_1h", 3)[1] > 0
    assert module.around(live, moment(live, 100, 8_766.0 * 11 + 2))[1] == pytest.approx(found.dense("around", 3)[1])


def test_a_contact_far_ahead_of_the_clock_makes_no_signal_unknown() -> None:
    live = Live(Static.unknown(4), 3)
    for user, item, ahead in ((0, 0, -2), (1, 0, -1), (1, 1, 24 * 50), (2, 2, 24 * 400)):
        live.update(user, item, 473_000.0 + ahead, KIND_CODE[EventKind.READ], user, user)
    assert np.isfinite(signals(live, moment(live, 0, 473_000.0)).values).all()
