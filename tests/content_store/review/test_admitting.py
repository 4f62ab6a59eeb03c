"""Works that people bring in: what is there already is a source of that, whoever submits it, and no second item."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa

from content_store import audit, contents, schema
from content_store.db import Connection, Database
from content_store.errors import DuplicateWork, NotAllowed
from content_store.ingest import originals, sources
from content_store.ingest.originals import Found, Verdict, Work
from content_store.review import admitting, correcting, publishing, records, submitting, trail, versions, withdrawing
from content_store.review.trail import Actor
from content_store.review.versions import Words
from content_store.review_words import AiUse, ContentOrigin, ReviewState, WithdrawReason
from content_store.vocabulary import ContentStatus, SourceKind, SourceRole, Topic
from tests.support import copies, review_desk
from tests.support.clockwork import until
from tests.support.review_desk import CHIEF, REVIEWERS, SETTINGS, WRITER, pass_all, published, submit
from tests.support.works import work

OTHER = REVIEWERS[0]
"""Somebody else who writes."""
DRAWN = random.Random(5)
WRITE = copies.Writer(DRAWN)
TEXT, ANOTHER = WRITE.text(700), WRITE.text(700)
EDITED = copies.edit(TEXT, DRAWN)
INGEST = trail.programme("ingest")


def bring(connection: Connection, id: str, text: str, who: Actor = OTHER) -> None:
    """A draft that is a work of somebody."""
    told = Words(title=f"第 {id} 篇", body=text, topic=Topic.LIFE_SCI, ai_use=AiUse.NONE, source="创作联盟")
    versions.create(connection, who, ContentOrigin.UPLOAD, id=id, author_id=who.account_id, **told)


def send(database: Database, id: str, who: Actor = OTHER, *, version: int = 1, distinct: str = "") -> None:
    submitting.send(database, id, lambda _: who, SETTINGS, version=version, distinct=distinct)


def roles(connection: Connection, id: str) -> list[tuple[SourceRole, SourceKind, str | None]]:
    """The sources that a content has now."""
    found = sources.of(connection, [id])[id]
    return [(one.role, one.kind, one.account_id) for one in found if one.ended_at is None]


ORIGINAL = (SourceRole.ORIGINAL, SourceKind.UPLOAD, WRITER.account_id)
COPY = (SourceRole.COPY, SourceKind.UPLOAD, OTHER.account_id)


def test_a_copy_that_another_account_submits_is_a_source_and_no_second_item(desk: Database) -> None:
    with desk.begin() as connection:
        bring(connection, "first", TEXT, WRITER)
        bring(connection, "second", copies.add_boilerplate(EDITED, DRAWN))
    send(desk, "first", WRITER)
    for _ in range(2):
        with pytest.raises(DuplicateWork) as refused:
            send(desk, "second")
    assert (refused.value.content_id, refused.value.title) == ("first", "第 first 篇")
    assert refused.value.status is ContentStatus.IN_REVIEW
    with desk.connect() as connection:
        assert roles(connection, "first") == [ORIGINAL, COPY]
        assert contents.get(connection, "second").status is ContentStatus.DRAFT
        assert records.of(connection, "second") == []
        twin = admitting.twin_of(connection, "second")
        assert twin is not None and (twin.content_id, twin.author_id) == ("first", WRITER.account_id)
        assert audited(connection, "content.join") == [("first", {"copy": "second", "version": 1})]
        assert audit.verify(connection).flaws == ()


def audited(connection: Connection, action: str) -> list[tuple[str, dict[str, object]]]:
    rows = connection.execute(sa.select(schema.audit_log).where(schema.audit_log.c.action == action))
    return [(row.object_id, json.loads(row.after)) for row in rows]


def test_of_two_who_submit_one_text_at_once_one_is_reviewed(desk: Database) -> None:
    with desk.begin() as connection:
        bring(connection, "first", TEXT, WRITER)
        bring(connection, "second", TEXT)
    with ThreadPoolExecutor(1) as pool:
        with desk.begin() as connection:
            submitting.submit(connection, "first", WRITER, SETTINGS, version=1)
            later = pool.submit(send, desk, "second")
            if desk.dialect == "postgresql":
                until(lambda: waits(desk), "the second to wait for the first")
        with pytest.raises(DuplicateWork):
            later.result()
    with desk.connect() as connection:
        assert [len(records.of(connection, id)) for id in ("first", "second")] == [1, 0]


def waits(database: Database) -> bool:
    """Whether a transaction waits for a lock."""
    with database.connect() as connection:
        return bool(connection.execute(sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def test_a_copy_of_a_withdrawn_work_is_refused_by_every_road(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection, body=TEXT)
        withdrawing.withdraw(connection, "panda", CHIEF, WithdrawReason.FACT)
        bring(connection, "second", EDITED)
        found = admitting.look(connection, "second", OTHER)
        assert found is not None and found.status is ContentStatus.WITHDRAWN
    with pytest.raises(DuplicateWork) as refused:
        send(desk, "second")
    assert refused.value.status is ContentStatus.WITHDRAWN


@pytest.mark.parametrize("reason", [WithdrawReason.AUTHOR, WithdrawReason.DUPLICATE])
def test_what_went_for_no_fault_of_its_words_keeps_nobody_out(desk: Database, reason: WithdrawReason) -> None:
    with desk.begin() as connection:
        if reason is WithdrawReason.DUPLICATE:
            published(connection, "first", body=TEXT)
        else:
            bring(connection, "first", TEXT, WRITER)
            submit(connection, "first")
        withdrawing.withdraw(connection, "first", CHIEF if reason is WithdrawReason.DUPLICATE else WRITER, reason)
        bring(connection, "second", TEXT, WRITER)
    send(desk, "second", WRITER)


def test_one_s_own_work_is_no_copy_of_itself_however_often_it_is_submitted(desk: Database) -> None:
    with desk.begin() as connection:
        bring(connection, "mine", TEXT, WRITER)
        review = submit(connection, "mine")
        submitting.recall(connection, review.id, WRITER)
        submit(connection, "mine")
        saved = versions.save(connection, "mine", WRITER, based_on=1, body=EDITED).version
        submit(connection, "mine")
        assert roles(connection, "mine") == [ORIGINAL]
        [[match]] = originals.find(connection, [("", EDITED)])
        assert (match.content_id, match.likeness.similarity, saved.version) == ("mine", 1.0, 2)


def test_a_draft_keeps_nobody_out_until_it_is_submitted(desk: Database) -> None:
    with desk.begin() as connection:
        bring(connection, "first", TEXT, WRITER)
        assert admitting.look(connection, "first", WRITER) is None
        bring(connection, "second", TEXT)
    send(desk, "second")
    with desk.begin() as connection:
        found = admitting.look(connection, "first", WRITER)
        assert found is not None and found.content_id == "second"


def test_a_copy_that_is_rewritten_is_a_work_of_its_own(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection, body=TEXT)
        bring(connection, "second", TEXT)
    with pytest.raises(DuplicateWork):
        send(desk, "second")
    with desk.begin() as connection:
        versions.save(connection, "second", OTHER, based_on=1, body=ANOTHER)
    send(desk, "second", version=2)
    with desk.connect() as connection:
        assert roles(connection, "panda") == [(SourceRole.ORIGINAL, SourceKind.UPLOAD, WRITER.account_id)]
        assert roles(connection, "second") == [(SourceRole.ORIGINAL, SourceKind.UPLOAD, OTHER.account_id)]
        assert admitting.twin_of(connection, "second") is None


def test_who_may_publish_lets_a_work_pass_as_none_and_says_why(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection, body=TEXT)
        bring(connection, "second", EDITED, WRITER)
        connection.execute(sa.delete(schema.grants).where(schema.grants.c.account_id == OTHER.account_id))
    with pytest.raises(DuplicateWork):
        send(desk, "second", CHIEF)
    with pytest.raises(NotAllowed):
        send(desk, "second", OTHER, distinct="是新作")
    send(desk, "second", CHIEF, distinct=" 是另一年的观测 ")
    with desk.connect() as connection:
        [*_, (id, told)] = audited(connection, "content.submit")
        assert (id, told["like"], told["distinct"]) == ("second", "panda", "不是重复：是另一年的观测")
        assert admitting.copies(connection, ["panda", "second"]) == {}
    with desk.begin() as connection:  # from now on its words are its own
        review = records.opened(connection, "second")
        assert review is not None
        submitting.recall(connection, review.id, WRITER)
        submit(connection, "second")


def fed(connection: Connection, *works: Work) -> list[Found]:
    """What a feed of OTHER brings, as drafts with versions."""

    def create(new: Mapping[int, str]) -> None:
        for at, id in new.items():
            told = Words(title=works[at].title, body=works[at].text, topic=Topic.LIFE_SCI, ai_use=AiUse.NONE)
            versions.create(connection, INGEST, ContentOrigin.FEED, id=id, author_id=OTHER.account_id, **told)

    return originals.find_or_add(connection, works, create)


def test_what_a_feed_brought_is_no_copy_of_itself_and_its_edited_words_are_found(desk: Database) -> None:
    with desk.begin() as connection:
        [found] = fed(connection, work("天空", TEXT, "feed", "1"))
        id, told = found.content_id, EDITED + "\n" + WRITE.text(200)
        versions.save(connection, id, CHIEF, based_on=1, body=told)
        review = submitting.submit(connection, id, CHIEF, SETTINGS, version=2)
        pass_all(connection, review, [one for one in REVIEWERS if one not in (OTHER, CHIEF)])
        publishing.publish(connection, id, CHIEF, version=2)
        assert roles(connection, id) == [(SourceRole.ORIGINAL, SourceKind.FEED, None)]
        [again] = fed(connection, work("转载", told, "other", "x"))
        assert (again.verdict, again.content_id, again.similarity) == (Verdict.COPY, id, 1.0)


def test_what_is_out_can_be_corrected_even_into_a_copy_and_is_one_then(desk: Database) -> None:
    with desk.begin() as connection:
        published(connection, "first", body=TEXT)
        published(connection, "second", body=ANOTHER)
        correcting.correct(connection, "second", WRITER, based_on=1, note="换文", body=TEXT)
        assert submit(connection, "second").state is ReviewState.OPEN
        assert admitting.copies(connection, ["first", "second"]) == {"second": "first"}


@pytest.mark.parametrize("what", ["changed", "copy"])
def test_whoever_stores_a_feed_holds_no_log_while_it_waits_for_an_editor(
    postgresql_database: Database, what: str
) -> None:
    """The editor has a content and is about to write to the log; the feed brings a new work and one of that content."""
    desk = postgresql_database
    review_desk.staff(desk)
    with desk.begin() as connection:
        [found] = fed(connection, work("天空", TEXT, "feed", "1"))
    entry = work("天空", EDITED, "feed", "1") if what == "changed" else work("天空", EDITED, "other", "x")

    def store(brought: Sequence[Work]) -> list[Verdict]:
        with desk.begin() as connection:
            made = fed(connection, *brought)
            versions.hold(connection, found.content_id)
            return [one.verdict for one in made]

    with ThreadPoolExecutor(1) as pool:
        with desk.begin() as connection:
            versions.hold(connection, found.content_id)
            stored = pool.submit(store, [work("新作", ANOTHER, "feed", "2"), entry])
            until(lambda: waits(desk), "the feed to wait for the editor")
            trail.record(connection, CHIEF, "look", "content", found.content_id)
        assert stored.result() == [Verdict.NEW, Verdict(what)]
