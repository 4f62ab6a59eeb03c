"""Quality items: which published contents count, and why the others do not."""

from __future__ import annotations

from typing import Any

import pytest

from content_store import clock, contents, quality
from content_store.db import Database
from content_store.errors import UnknownRule
from content_store.quality import CURRENT, Item, shortfall
from content_store.review import correcting, publishing, withdrawing
from content_store.review_words import THREE_REVIEWS, QualityGap, ReviewStep, WithdrawReason
from content_store.vocabulary import ContentStatus, Topic
from tests.support import review_desk
from tests.support.review_desk import CHIEF, REVIEWERS, WRITER, pass_all, published, submit

DAY = clock.DAY_MS
GOOD: dict[str, Any] = {
    "id": "a",
    "steps": frozenset(THREE_REVIEWS),
    "licence": "CC BY 4.0",
    "source": "省科技馆",
    "duplicate": False,
    "length": 300,
    "published_at": 0,
    "withdrawn_at": None,
}


def long(id: str) -> str:
    """A body of more than 300 characters that no other content has."""
    return "".join(review_desk.body(f"{id} {part}") for part in range(4))


@pytest.fixture
def desk(database: Database, fixed_clock: int) -> Database:
    review_desk.staff(database)
    return database


@pytest.mark.parametrize(
    ("differs", "gap"),
    [
        ({}, None),
        ({"steps": frozenset({ReviewStep.FIRST_REVIEW, ReviewStep.FINAL_REVIEW})}, QualityGap.NOT_REVIEWED),
        ({"licence": None}, QualityGap.NO_LICENCE),
        ({"source": ""}, QualityGap.NO_SOURCE),
        ({"length": 299}, QualityGap.TOO_SHORT),
        ({"duplicate": True}, QualityGap.DUPLICATE),
        ({"withdrawn_at": 30 * DAY - 1}, QualityGap.WITHDRAWN),
        ({"withdrawn_at": 30 * DAY}, None),
    ],
    # Sets have no order of their own, and every process must find the same tests.
    ids=lambda value: ",".join(value) or "nothing" if isinstance(value, dict) else str(value),
)
def test_the_first_rule_asks_for_all_of_it(differs: dict[str, Any], gap: QualityGap | None) -> None:
    assert shortfall(quality.rule(1), Item(**GOOD | differs)) == gap


def test_rules_are_known_by_their_version() -> None:
    assert quality.rule(CURRENT.version) is CURRENT
    with pytest.raises(UnknownRule, match="no rule 99"):
        quality.rule(99)


def test_what_was_published_in_the_window_is_counted_with_reasons_for_the_rest(
    desk: Database, fixed_clock: int
) -> None:
    since, before = fixed_clock, fixed_clock + DAY
    with desk.begin() as connection:
        for id in ("good", "copy", "gone", "minor"):
            published(connection, id, body=long(id))
        published(connection, "short")
        published(connection, "unlicensed", body=long("unlicensed"), licence=None)
        published(connection, "quick", body=long("quick"), topic=Topic.DAILY)
        contents.create(connection, id="old", title="t", status=ContentStatus.PUBLISHED, published_at=fixed_clock)
        contents.create(connection, id="before", title="t", status=ContentStatus.PUBLISHED, published_at=since - 1)
        review_desk.draft(connection, "draft", body=long("draft"))
        # A copy is not reviewed as a work of its own; but what is out may be corrected into one.
        correcting.correct(connection, "copy", WRITER, based_on=1, note="换了全文", body=long("good"))
        pass_all(connection, submit(connection, "copy"))
        publishing.publish(connection, "copy", CHIEF, version=2)
        correcting.correct(connection, "minor", WRITER, based_on=1, note="错字", title="熊猫为什么吃竹子")
        pass_all(connection, submit(connection, "minor"), REVIEWERS[:2])
        publishing.publish(connection, "minor", CHIEF, version=2)
    with clock.fixed(fixed_clock + 9 * DAY), desk.begin() as connection:
        withdrawing.withdraw(connection, "gone", CHIEF, WithdrawReason.FACT)
        found = quality.count(connection, since, before)
        assert (found.items, found.young) == (2, 2)  # the good one, and the one with a minor change
        assert found.gaps == {
            QualityGap.NOT_REVIEWED: 2,
            QualityGap.WITHDRAWN: 1,
            QualityGap.NO_LICENCE: 1,
            QualityGap.TOO_SHORT: 1,
            QualityGap.DUPLICATE: 1,
        }
        assert quality.count(connection, before, before + DAY).items == 0
    with clock.fixed(fixed_clock + 40 * DAY), desk.begin() as connection:
        withdrawing.withdraw(connection, "good", CHIEF, WithdrawReason.OUTDATED)
        assert quality.count(connection, since, before)[:2] == (2, 0)  # it had lasted
