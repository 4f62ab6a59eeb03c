"""Random people do random things, by our modules and past them: nothing unreviewed is ever published."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from content_store import clock, contents
from content_store.db import Connection, Database, open_database
from content_store.errors import KepuError
from content_store.review import (
    correcting,
    deciding,
    publishing,
    quarantining,
    queue,
    records,
    submitting,
    terms,
    versions,
    withdrawing,
)
from content_store.review_words import ROUTE_STEPS, ReturnReason, ReviewState, Route, Severity, Verdict, WithdrawReason
from content_store.settings import load_settings
from content_store.vocabulary import ContentStatus, Topic
from tests.conftest import NOON
from tests.support import review_desk
from tests.support.review_desk import REVIEWERS, SETTINGS, WRITER

EVERYBODY = st.sampled_from([WRITER, *REVIEWERS])
WRITERS = st.sampled_from([WRITER, *REVIEWERS[:2]])
IDS = st.sampled_from(["one", "two"])
TOPICS = st.sampled_from([Topic.SPACE, Topic.DAILY, Topic.HEALTH])
WORDS = st.sampled_from(["甲", "乙", "丙", "神医"])
RAW = st.sampled_from(
    [
        "UPDATE contents SET status = 'published', published_at = 1",
        "UPDATE contents SET status = 'published', published_at = 1, wording = 1",
        "UPDATE contents SET status = 'scheduled', published_at = 1, wording = 2",
        "UPDATE contents SET title = '广告'",
        "UPDATE contents SET wording = (SELECT max(version) FROM content_versions v WHERE v.content_id = contents.id)",
        "UPDATE contents SET status = 'draft'",
        "UPDATE reviews SET state = 'passed', closed_at = 1 WHERE state = 'open'",
        "UPDATE review_steps SET decided_by = claimed_by, decided_at = 1, verdict = 'passed'"
        " WHERE claimed_by IS NOT NULL AND verdict IS NULL",
        "UPDATE review_steps SET claimed_by = 'p0', claimed_at = 1, claimed_until = 2, decided_by = 'p0',"
        " decided_at = 1, verdict = 'passed' WHERE verdict IS NULL",
        "UPDATE quarantines SET lifted_at = 1, lifted_by = 'p0', lift_reason = '无妨' WHERE lifted_at IS NULL",
    ]
)


class Newsroom(RuleBasedStateMachine):
    """Two contents that everybody works on; the clock goes on by an hour with each act."""

    template: ClassVar[Path]

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name) / "records.sqlite3"
        shutil.copyfile(self.template, path)
        self.now = NOON
        self.stopped = clock.fixed(NOON)
        self.stopped.__enter__()
        self.database: Database = open_database(load_settings({"KEPU_DATABASE_URL": f"sqlite:///{path}"}))
        review_desk.staff(self.database)
        with self.database.begin() as connection:
            terms.add(connection, "神医", Severity.QUARANTINE, "待核")
            for id in ("one", "two"):
                review_desk.draft(connection, id, title="甲", topic=Topic.SPACE)

    def teardown(self) -> None:
        self.database.close()
        self.stopped.__exit__(None, None, None)
        self.folder.cleanup()

    def attempt(self, act: object) -> None:
        """Do it in a transaction; what is refused leaves nothing."""
        self.now += 3_600_000
        clock._fixed_ms = self.now
        try:
            with self.database.begin() as connection:
                act(connection)  # type: ignore[operator]
        except (KepuError, sa.exc.IntegrityError):
            pass

    @rule(id=IDS, who=WRITERS, title=WORDS, topic=TOPICS, old=st.booleans())
    def save(self, id: str, who: review_desk.Actor, title: str, topic: Topic, old: bool) -> None:
        def act(connection: Connection) -> None:
            based_on = 1 if old else versions.newest(connection, id).version
            if contents.get(connection, id).status is ContentStatus.PUBLISHED:
                correcting.correct(connection, id, who, based_on=based_on, note="更正", title=title, topic=topic)
            else:
                versions.save(connection, id, who, based_on=based_on, title=title, topic=topic)

        self.attempt(act)

    @rule(id=IDS, who=EVERYBODY, route=st.sampled_from([None, *Route]))
    def submit(self, id: str, who: review_desk.Actor, route: Route | None) -> None:
        def act(connection: Connection) -> None:
            newest = versions.newest(connection, id).version
            submitting.submit(connection, id, who, SETTINGS, version=newest, route=route)

        self.attempt(act)

    @rule(id=IDS, people=st.lists(EVERYBODY, max_size=9), passes=st.integers(0, 12))
    def review(self, id: str, people: list[review_desk.Actor], passes: int) -> None:
        """People come one after the other, each with a claim and a verdict."""
        for number, who in enumerate(people):
            verdict = Verdict.PASSED if number < passes else Verdict.RETURNED
            self.attempt(lambda connection, who=who, verdict=verdict: self.decide(connection, id, who, verdict))

    def decide(self, connection: Connection, id: str, who: review_desk.Actor, verdict: Verdict) -> None:
        review = records.opened(connection, id)
        if review is None or review.current is None:
            return
        step = review.current.step
        queue.claim(connection, review.id, step, who, hours=2)
        if verdict is Verdict.PASSED:
            deciding.approve(connection, review.id, step, who, version=review.version)
        else:
            given = {"version": review.version, "reason": ReturnReason.FACT}
            deciding.send_back(connection, review.id, step, who, **given)  # type: ignore[arg-type]

    @rule(id=IDS)
    def everybody_reviews(self, id: str) -> None:
        for who in REVIEWERS:
            self.attempt(lambda connection, who=who: self.decide(connection, id, who, Verdict.PASSED))

    @rule(id=IDS, who=EVERYBODY)
    def go_the_whole_way(self, id: str, who: review_desk.Actor) -> None:
        self.submit(id, who, None)
        self.everybody_reviews(id)

        def act(connection: Connection) -> None:
            publishing.publish(connection, id, who, version=versions.newest(connection, id).version)

        self.attempt(act)

    @rule(id=IDS, who=EVERYBODY, version=st.integers(1, 5), later=st.booleans())
    def publish(self, id: str, who: review_desk.Actor, version: int, later: bool) -> None:
        at = self.now + 5 * 3_600_000 if later else None
        self.attempt(lambda connection: publishing.publish(connection, id, who, version=version, at=at))

    @rule()
    def what_is_due(self) -> None:
        self.attempt(publishing.publish_due)
        self.attempt(queue.release_lapsed)

    @rule(id=IDS, who=EVERYBODY)
    def lift(self, id: str, who: review_desk.Actor) -> None:
        def act(connection: Connection) -> None:
            quarantining.lift(connection, id, versions.newest(connection, id).version, who, "无妨")

        self.attempt(act)

    @rule(id=IDS, who=EVERYBODY)
    def withdraw_or_begin_anew(self, id: str, who: review_desk.Actor) -> None:
        def act(connection: Connection) -> None:
            if contents.get(connection, id).status is ContentStatus.WITHDRAWN:
                versions.copy(connection, id, who)
            else:
                withdrawing.withdraw(connection, id, who, WithdrawReason.FACT)

        self.attempt(act)

    @rule(statement=RAW, id=IDS)
    def go_past_the_modules(self, statement: str, id: str) -> None:
        self.attempt(lambda connection: connection.execute(sa.text(statement)))

    @invariant()
    def nothing_unreviewed_is_public(self) -> None:
        with self.database.connect() as connection:
            for content in contents.every(connection):
                if content.status in (ContentStatus.PUBLISHED, ContentStatus.SCHEDULED):
                    self.require_reviewed(connection, content)

    @invariant()
    def nobody_takes_two_steps_nor_reviews_their_own_words(self) -> None:
        with self.database.connect() as connection:
            for id in ("one", "two"):
                saved = versions.every(connection, id)
                for review in records.of(connection, id):
                    deciders = [step.decided_by for step in review.steps if step.decided_by]
                    writers = {version.created_by for version in saved if version.version <= review.version}
                    assert len(deciders) == len(set(deciders))
                    assert not writers & set(deciders)

    def require_reviewed(self, connection: Connection, content: contents.Content) -> None:
        assert content.wording
        words = versions.get(connection, content.id, content.wording)
        assert (content.title, content.body, content.topic) == (words.title, words.body, words.topic)
        review = records.passed(connection, content.id, content.wording)
        assert review is not None
        assert review.state is ReviewState.PASSED
        taken = [step.step for step in review.steps if step.verdict is Verdict.PASSED]
        wanted = [step for step in ROUTE_STEPS[review.route] if review.science or step != "science_review"]
        assert taken == wanted
        assert words.topic is not Topic.HEALTH or review.science
        stone = withdrawing.tombstone(connection, content.id)
        assert stone is None or stone.version < content.wording


def test_nothing_unreviewed_is_ever_published_whatever_anybody_does(migrated_sqlite: Path) -> None:
    Newsroom.template = migrated_sqlite
    machine = Newsroom.TestCase
    machine.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
    machine().runTest()
