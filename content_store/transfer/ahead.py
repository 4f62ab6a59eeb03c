"""The next batch is made while the one before it is being stored."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")


@contextmanager
def ahead(items: Iterator[Item]) -> Iterator[Iterator[Item]]:
    """``items`` in their order, one of them made ahead in a thread of its own.

    What making an item raises is raised in its turn, after the items before it. At the end nothing is being made.
    """
    with ThreadPoolExecutor(1, "ahead") as maker:
        yield _each(maker, items)


def _each(maker: ThreadPoolExecutor, items: Iterator[Item]) -> Iterator[Item]:
    end: Any = object()
    following = maker.submit(next, items, end)
    while (item := following.result()) is not end:
        following = maker.submit(next, items, end)
        yield item
