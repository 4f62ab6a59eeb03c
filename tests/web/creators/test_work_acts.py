"""What authors do with their works beside the words: answering reviewers, beginning anew what is over."""

from __future__ import annotations

from content_store import contents
from content_store.review import comments, records, trail, withdrawing
from content_store.review.records import Review
from content_store.review_words import WithdrawReason
from content_store.vocabulary import ContentStatus
from tests.web.creators.conftest import Town
from tests.web.creators.test_works import WORKS, make, reviewer, save
from tests.web.editor.conftest import text_of


def submitted(members: Town) -> tuple[str, Review]:
    """A work of the writer in review."""
    id = make(members.writer)
    assert save(members.writer, id, then="submit").status_code == 303
    with members.begin() as connection:
        [review] = records.of(connection, id)
    return id, review


def test_an_author_answers_what_a_reviewer_said_below_it(members: Town) -> None:
    id, review = submitted(members)
    page, editor = f"{WORKS}/{id}", reviewer(members)
    with members.begin() as connection:
        first = comments.add(connection, review.id, editor, "祖先是谁？")
        comments.add(connection, review.id, editor, "图在哪里？")
    answer = members.writer.send(f"{page}/comments", on=page, review=review.id, parent=first, text="始熊猫。")
    assert answer.headers["Location"] == f"{page}?notice=answered#said"
    with members.begin() as connection:
        talk = comments.threaded(comments.of(connection, review.id))
    assert [(one.text, depth) for one, depth in talk] == [("祖先是谁？", 0), ("始熊猫。", 1), ("图在哪里？", 0)]
    assert talk[1][0].account_id == members.ids["writer"]
    shown = text_of(members.writer.see(page))
    assert shown.index("祖先是谁") < shown.index("始熊猫。") < shown.index("图在哪里")


def test_an_answer_is_refused_in_words_and_kept_where_it_says_nothing_or_answers_nothing(members: Town) -> None:
    id, review = submitted(members)
    page = f"{WORKS}/{id}"
    for text, parent, why in (
        ("", "", "请先写下要说的话"),
        ("好" * 2001, "", "最多 2000 个字"),
        ("好", "x", "没有发出"),
    ):
        answer = members.writer.send(f"{page}/comments", on=page, review=review.id, parent=parent, text=text)
        assert answer.status_code == 422
        assert why in answer.text or parent
    other, theirs = make(members.other), f"{WORKS}/{id}/comments"
    assert members.other.send(theirs, on=WORKS, review=review.id, text="好").status_code == 404
    foreign = members.other.send(f"{WORKS}/{other}/comments", on=WORKS, review=review.id, text="好")
    assert foreign.status_code == 422
    with members.begin() as connection:
        assert comments.of(connection, review.id) == []


def test_a_work_that_is_over_is_begun_anew_as_a_draft(members: Town) -> None:
    id = make(members.writer)
    page = f"{WORKS}/{id}"
    refused = members.writer.send(f"{page}/copy", on=page)
    assert refused.status_code == 409
    assert "不用重新起草" in refused.text
    with members.begin() as connection:
        me = trail.account(connection, members.ids["writer"])
        withdrawing.withdraw(connection, id, me, WithdrawReason.OUTDATED, "数据旧了")
    assert "数据旧了" in members.writer.see(page)
    assert members.other.send(f"{page}/copy", on=WORKS).status_code == 404
    answer = members.writer.send(f"{page}/copy", on=page)
    assert answer.headers["Location"] == f"{page}?notice=copied"
    with members.begin() as connection:
        status = contents.get(connection, id).status
    assert status is ContentStatus.DRAFT
    assert save(members.writer, id, based_on=2, title="再来一次", then="submit").status_code == 303
