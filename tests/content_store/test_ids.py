"""Ids: unique, and in the order of their making."""

from __future__ import annotations

import multiprocessing
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store import clock
from content_store.ids import MalformedId, made_at_ms, new_id

LATEST_MS = (1 << 48) - 1


def test_ids_of_one_millisecond_are_in_the_order_of_their_making(fixed_clock: int) -> None:
    made = [new_id() for _ in range(5_000)]
    assert made == sorted(set(made))
    assert {made_at_ms(one) for one in made} == {fixed_clock}


def test_a_small_step_back_of_the_clock_does_not_disturb_the_order(fixed_clock: int) -> None:
    first = new_id()
    with clock.fixed(fixed_clock - 5_000):
        second = new_id()
    assert first < second


def test_ids_of_many_threads_never_meet() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = [one for batch in pool.map(lambda _: [new_id() for _ in range(500)], range(16)) for one in batch]
    assert len(set(made)) == 16 * 500


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="processes are not forked here")
def test_a_forked_process_does_not_continue_its_parents_ids(fixed_clock: int) -> None:
    new_id()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        theirs = pool.map(_random_part, range(2), chunksize=1)
    ours = _random_part(0)
    assert len({ours >> 40, *(part >> 40 for part in theirs)}) >= 2


def _random_part(_: int) -> int:
    return uuid.UUID(new_id()).int & ((1 << 62) - 1)


@given(st.lists(st.integers(0, LATEST_MS), min_size=1, max_size=20).map(lambda times: sorted(set(times))))
def test_ids_carry_the_time_of_their_making_and_sort_by_it(times: list[int]) -> None:
    made = []
    for ts_ms in times:
        with clock.fixed(ts_ms):
            made.append(new_id())
    assert made == sorted(made)


@given(st.integers(0, LATEST_MS))
def test_an_id_is_a_uuid_of_version_7(ts_ms: int) -> None:
    with clock.fixed(ts_ms):
        parsed = uuid.UUID(new_id())
    assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)


@given(st.text(max_size=40))
def test_anything_else_is_no_id(text: str) -> None:
    with pytest.raises(MalformedId):
        made_at_ms(text)


def test_an_id_of_another_version_is_none_of_ours() -> None:
    with pytest.raises(MalformedId, match="version 7"):
        made_at_ms(str(uuid.UUID(int=4, version=4)))
