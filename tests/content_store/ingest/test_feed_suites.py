"""The feeds on which other readers were tested: each within a second, nothing that runs, most as expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.feed_suites import ARCHIVE, Outcome, files, outcomes
from tests.support.ci import missing

LEAST = {"feedparser": 0.985, "gofeed": 0.985, "rss-parser": 0.92}
"""Shares of the claims of a suite that must hold; what does not is told in docs/benchmarks/feed_suites.md."""


@pytest.fixture(scope="module")
def rows(datasets: Path) -> list[Outcome]:
    """What became of every file."""
    if not (datasets / ARCHIVE).is_file():
        missing(f"no feed suites: {datasets / ARCHIVE} is not a file")
    return list(outcomes(files(datasets / ARCHIVE)))


def test_every_file_is_read_or_refused_within_a_second(rows: list[Outcome]) -> None:
    assert len(rows) > 2_500
    assert [row.path for row in rows if row.seconds > 1] == []


def test_feeds_are_read_and_what_is_none_is_refused(rows: list[Outcome]) -> None:
    assert [row.path for row in rows if not row.as_expected] == []


def test_nothing_is_left_that_runs(rows: list[Outcome]) -> None:
    assert {row.path: row.harm for row in rows if row.harm} == {}


@pytest.mark.parametrize("suite", LEAST)
def test_what_a_suite_says_of_its_files_is_true_of_ours(rows: list[Outcome], suite: str) -> None:
    held = [good for row in rows if row.path.startswith(f"{suite}/") for claim, good in row.claims if claim.field]
    assert len(held) > 800
    assert sum(held) / len(held) >= LEAST[suite]
