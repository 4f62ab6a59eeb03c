"""Copies of real articles and abstracts are found, and different ones on the same subject kept apart."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from content_store.db import Database
from content_store.ingest import originals
from content_store.ingest.similarity import Relation
from tests.support import copies
from tests.support.works import take_in, work

NUMBER = 120
"""Texts of each kind; ``python -m bench.dedup`` takes all."""


@pytest.fixture(scope="module")
def texts(datasets: Path) -> list[copies.Work]:
    drawn = random.Random(1)
    articles, abstracts = copies.articles(datasets), copies.abstracts(datasets)
    short = [each for each in abstracts if 150 <= len(each.text) <= 300]
    subject = [each for each in abstracts if each.group == "计算机科学与技术"]
    found = [*drawn.sample(articles, NUMBER), *drawn.sample(short, NUMBER), *subject]
    return list({each.text[:40]: each for each in found}.values())


@pytest.mark.parametrize("edits", [list(copies.EDITS)[:5]])
def test_copies_are_found_and_no_others(sqlite_database: Database, texts: list[copies.Work], edits: list[str]) -> None:
    with sqlite_database.begin(bulk=True) as connection:
        stored = take_in(connection, *(work(each.title, each.text, guid=str(at)) for at, each in enumerate(texts)))
        assert sum(found.verdict is not originals.Verdict.NEW for found in stored) <= len(texts) // 100
        for name in edits:
            drawn = random.Random(name)
            asked = [("转载", copies.EDITS[name](each.text, drawn)) for each in texts]
            right = wrong = 0
            for matches, found in zip(originals.find(connection, asked), stored, strict=True):
                same = [match.content_id for match in matches if match.relation is Relation.SAME]
                right += same[:1] == [found.content_id]
                wrong += bool(same) and same[0] != found.content_id
            assert right / len(texts) >= 0.97, name
            assert wrong / len(texts) <= 0.01, name
