"""What is made ahead comes in its order, and a failure in its turn."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from content_store.transfer.ahead import ahead


def test_items_come_in_their_order() -> None:
    with ahead(iter(range(50))) as items:
        assert list(items) == list(range(50))


def test_the_next_item_is_made_while_one_is_used_and_no_more_than_that() -> None:
    made: list[int] = []
    second = threading.Event()

    def make() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            if number == 1:
                second.set()
            yield number

    with ahead(make()) as items:
        assert next(items) == 0
        assert second.wait(30)
    assert made == [0, 1]


def test_a_failure_comes_after_the_items_before_it() -> None:
    def make() -> Iterator[int]:
        yield 0
        yield 1
        raise ValueError("broken")

    used: list[int] = []
    with ahead(make()) as items, pytest.raises(ValueError, match="broken"):
        used.extend(iter(lambda: next(items), None))
    assert used == [0, 1]


def test_nothing_is_being_made_once_it_was_left() -> None:
    making = threading.Event()

    def make() -> Iterator[int]:
        yield 0
        making.set()
        yield 1

    with pytest.raises(KeyboardInterrupt), ahead(make()) as items:
        next(items)
        making.wait(30)
        raise KeyboardInterrupt
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]
