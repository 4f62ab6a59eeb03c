"""What a citizen wants forgotten speaks for them nowhere: not live, not after a restart, not in what is learnt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from content_store import clock, history
from content_store.db import Database
from content_store.intake import Caller, Incoming, Intake
from recsys.features.interest import InterestConfig
from recsys.features.records import read_dataset
from recsys.follower import Follower
from tests.support.readers import KEY
from tests.support.town_records import END, assert_alike, filled, history_of, lively_town, open_to, order_for

WHO = "c04"
ROWS = lively_town(400)
Look = Callable[[Follower], object]
LOOKS: dict[str, Look] = {
    "asking": lambda follower: follower.catch_up_citizen(WHO),
    "following": lambda follower: follower.catch_up(),
}


@pytest.fixture(autouse=True)
def at_the_end() -> Iterator[None]:
    with clock.fixed(END):
        yield


def forget(database: Database, content: str | None = None) -> None:
    with database.begin() as connection:
        assert history.forget(connection, WHO, content)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_it_speaks_no_more_from_the_next_look_on_and_stays_hidden(look: Look, database: Database) -> None:
    filled(database, ROWS)
    follower = Follower(database)
    before, hidden = history_of(follower, WHO), open_to(follower, WHO)
    ranked = order_for(follower, WHO)
    forget(database, before[-1])
    look(follower)
    assert history_of(follower, WHO) == before[:-1]
    assert open_to(follower, WHO) == hidden
    assert order_for(follower, WHO) != ranked
    forget(database)
    look(follower)
    assert history_of(follower, WHO) == []
    assert open_to(follower, WHO) == hidden


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_what_is_read_again_speaks_again(look: Look, database: Database) -> None:
    filled(database, ROWS)
    follower = Follower(database)
    before = history_of(follower, WHO)
    forget(database)
    look(follower)
    with clock.fixed(END + 60_000):
        Intake(database, KEY).receive([Incoming("n", "read", before[0], END + 1)], Caller(citizen_id=WHO))
        look(follower)
        assert history_of(follower, WHO) == before[:1]


def test_nobody_elses_feed_changes(database: Database) -> None:
    filled(database, ROWS)
    follower, other = Follower(database), Follower(database)
    forget(database)
    follower.catch_up()
    assert_alike(follower, other, [f"c{number:02d}" for number in range(40) if f"c{number:02d}" != WHO])


def test_it_stays_forgotten_after_a_restart_from_a_kept_state_and_without_one(
    database: Database, tmp_path: Path
) -> None:
    filled(database, ROWS)
    first = Follower(database, tmp_path / "live")
    before = history_of(first, WHO)
    assert first.save()
    forget(database, before[-1])  # after the state was kept
    restarted, anew = Follower(database, tmp_path / "live"), Follower(database)
    assert history_of(restarted, WHO) == history_of(anew, WHO) == before[:-1]
    assert restarted.save()
    with clock.fixed(END + 60_000):
        Intake(database, KEY).receive([Incoming("n", "read", before[-1], END + 1)], Caller(citizen_id=WHO))
        # What was forgotten when a state was kept need not be forgotten still.
        for found in (Follower(database, tmp_path / "live"), Follower(database)):
            assert set(history_of(found, WHO)) == set(before)


def test_nothing_is_learnt_of_it(database: Database) -> None:
    filled(database, ROWS)
    whole = read_dataset(database, END + 1, InterestConfig())
    who = whole.citizens.tolist().index(WHO)
    liked = whole.matrix[who].indices
    assert liked.size >= 2
    forget(database, whole.items[liked[0]])
    known = read_dataset(database, END + 1, InterestConfig())
    assert known.matrix[who].indices.tolist() == liked[1:].tolist()
    assert known.silent() == {who: {int(liked[0])}}
    # The log itself, from which aggregates are counted, is what it was.
    assert known.reads_per_item().tolist() == whole.reads_per_item().tolist()
    others = np.arange(whole.citizens.size) != who
    assert (known.matrix[others] != whole.matrix[others]).nnz == 0
    assert known.fingerprint() != whole.fingerprint()
    assert known.is_forgotten(np.array([who, who, 0], np.int32), liked[[0, 1, 0]].astype(np.int32)).tolist() == [
        True,
        False,
        False,
    ]


def test_a_dataset_of_an_earlier_time_forgets_the_same(database: Database) -> None:
    filled(database, ROWS)
    for content in history_of(Follower(database), WHO)[:2]:
        forget(database, content)
    for cut in (100, 250, 399):
        at = ROWS[cut][3]
        earlier = read_dataset(database, END + 1, InterestConfig()).before(at)
        assert earlier.fingerprint() == read_dataset(database, at, InterestConfig()).fingerprint()
        assert earlier.silent() == read_dataset(database, at, InterestConfig()).silent()


def test_no_lesson_is_drawn_from_it(database: Database) -> None:
    filled(database, ROWS)
    follower = Follower(database)
    live, who = follower.live, follower.place_of_citizen(WHO)
    places = live.history(who)
    user, item = live.covisit.user[places], live.covisit.item[places]
    assert live.teachable(user, item).all()
    forget(database, follower.items[item[0]])
    follower.catch_up()
    assert live.teachable(user, item).tolist() == [False] + [True] * (len(item) - 1)
