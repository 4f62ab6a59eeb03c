"""What somebody at the desk sees of a review."""

from __future__ import annotations

import pytest

from content_store.db import Database
from content_store.errors import NotAllowed, UnknownReview
from content_store.review import comments, correcting, queue, trail
from content_store.review import desk as desk_of
from content_store.review_words import ReviewStep, Severity
from tests.support.review_desk import BODY, REVIEWERS, WRITER, draft, published, put_term, submit

FIRST = ReviewStep.FIRST_REVIEW


def test_a_first_version_is_compared_with_nothing_and_all_that_was_said_is_there(desk: Database) -> None:
    with desk.begin() as connection:
        put_term(connection, "纤维素", Severity.NOTICE, "专有名词")
        draft(connection)
        review = submit(connection)
        comments.add(connection, review.id, REVIEWERS[0], "来源？")
        queue.claim(connection, review.id, FIRST, REVIEWERS[0], hours=1)
        seen = desk_of.case(connection, review.id, REVIEWERS[0])
    assert (seen.compared, seen.pieces, seen.correction) == (None, {}, None)
    assert seen.version.body == BODY
    assert {hit.term.term for hit in seen.hits} == {"纤维素"}
    assert [comment.text for comment in seen.comments] == ["来源？"]
    assert (seen.names["p0"], seen.names["p1"], seen.takes) == ("王作者", "李初审", True)
    acts = [entry.action for entry in seen.told]
    assert acts == ["review.claim", "review.comment", "content.submit", "content.create"]


def test_a_correction_is_compared_with_the_words_that_are_out(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection)
        first = BODY.replace("十二", "十三")
        correcting.correct(connection, "panda", WRITER, based_on=1, note="时长有误", body=first)
        correcting.correct(
            connection, "panda", WRITER, based_on=2, note="时长有误", body=BODY.replace("十二", "十四"), tags=["竹子"]
        )
        seen = desk_of.case(connection, submit(connection).id, WRITER)
    assert seen.compared is not None
    assert (seen.compared.version, seen.version.version, seen.takes) == (1, 3, False)
    assert seen.correction is not None
    assert seen.correction.note == "时长有误"
    assert seen.pieces.keys() == {"body", "tags"}
    changed = [(piece.kind, piece.text) for piece in seen.pieces["body"] if piece.kind != "same"]
    assert set(changed) == {("removed", "二"), ("added", "四")}
    assert [(piece.kind, piece.text) for piece in seen.pieces["tags"]] == [("added", "竹子")]


def test_a_review_is_seen_by_those_who_see_the_queue_and_by_its_writers(desk: Database) -> None:
    with desk.begin() as connection:
        draft(connection)
        review = submit(connection)
        with pytest.raises(NotAllowed):
            desk_of.case(connection, review.id, trail.Actor("stranger", "路人"))
        with pytest.raises(UnknownReview):
            desk_of.case(connection, "none", WRITER)
