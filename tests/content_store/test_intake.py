"""The intake: every event judged alone, stored once, durable, and counted in the same transaction."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
import sqlalchemy as sa

from content_store import citizens, contents, events, intake_rows, ledger, schema
from content_store.db import Database
from content_store.errors import DatabaseConflict, DatabaseError, UnknownCitizen
from content_store.intake import Caller, Incoming, Intake, Received
from content_store.intake_writing import Call, Writing
from content_store.reading_tokens import LIFETIME_MS
from content_store.vocabulary import ContentStatus, EventKind, Exclusion, Rejection
from tests.support.readers import ENOUGH_MS, KEY, LONG, articles, people, read, sent, token

AT = 1_735_704_000_000
LILEI = Caller(citizen_id="李雷")
HAN = Caller(citizen_id="韩梅梅")
LIKE = Incoming("e1", "like", "熊猫", AT)


class _Queue(list[Call]):
    """A queue that tells of every call that lines up in it."""

    def __init__(self) -> None:
        super().__init__()
        self.lined_up = threading.Semaphore(0)

    def append(self, call: Call) -> None:
        super().append(call)
        self.lined_up.release()

    def wait_for(self, calls: int) -> None:
        for _ in range(calls):
            assert self.lined_up.acquire(timeout=60)


@pytest.fixture
def intake(database: Database) -> Iterator[Intake]:
    """An intake whose database knows two citizens and two articles."""
    people(database)
    articles(database, ["熊猫", "火箭"])
    yield Intake(database, KEY)


def _all(database: Database, citizen: str = "李雷") -> list[events.StoredEvent]:
    with database.connect() as connection:
        return events.history(connection, citizen)


def _verdict(database: Database, id: str) -> str:
    with database.connect() as connection:
        found = ledger.verdicts(connection, [id]).get(id)
    return "no entry" if found is None else found.reason or "counted"


def _codes(received: Received) -> list[str]:
    return [rejected.code for rejected in received.rejected]


def test_an_event_is_stored_with_all_that_is_known_of_it(intake: Intake, database: Database) -> None:
    caller = Caller(citizen_id="李雷", region="川", device="手机", country="CN", session="s 1")
    row = Incoming("e1", "save", "熊猫", AT - 5, dwell_ms=7, scroll=1)
    assert intake.receive([row], caller, AT) == Received(1, 0, [])
    (stored,) = _all(database)
    assert (stored.id, stored.kind, stored.content_id, stored.at) == ("e1", EventKind.SAVE, "熊猫", AT - 5)
    assert (stored.received_at, stored.dwell_ms, stored.scroll) == (AT, 7, 1.0)
    assert (stored.region, stored.device, stored.country, stored.session) == ("川", "手机", "CN", "s 1")


def test_without_a_time_of_its_own_a_call_came_now(intake: Intake, database: Database, fixed_clock: int) -> None:
    intake.receive([Incoming("e1", "like", "熊猫", fixed_clock + 300_000)], LILEI)
    assert [stored.received_at for stored in _all(database)] == [fixed_clock]


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ({"id": None}, Rejection.BAD_ID),
        ({"id": 7}, Rejection.BAD_ID),
        ({"id": ""}, Rejection.BAD_ID),
        ({"id": "x" * 201}, Rejection.BAD_ID),
        ({"id": "a\nb"}, Rejection.BAD_ID),
        ({"id": "\ud800"}, Rejection.BAD_ID),
        ({"kind": "stare"}, Rejection.UNKNOWN_KIND),
        ({"kind": ["read"]}, Rejection.UNKNOWN_KIND),
        ({"kind": None}, Rejection.UNKNOWN_KIND),
        ({"content_id": "nothing"}, Rejection.UNKNOWN_CONTENT),
        ({"content_id": {"a": 1}}, Rejection.UNKNOWN_CONTENT),
        ({"content_id": "a\x00"}, Rejection.UNKNOWN_CONTENT),
        ({"at": None}, Rejection.BAD_TIME),
        ({"at": "2025"}, Rejection.BAD_TIME),
        ({"at": 1.5}, Rejection.BAD_TIME),
        ({"at": True}, Rejection.BAD_TIME),
        ({"at": -1}, Rejection.BAD_TIME),
        ({"at": AT // 1000}, Rejection.BAD_TIME),
        ({"at": AT + 300_001}, Rejection.IN_THE_FUTURE),
        ({"at": 10**30}, Rejection.IN_THE_FUTURE),
        ({"dwell_ms": -1}, Rejection.BAD_DWELL),
        ({"dwell_ms": 10**30}, Rejection.BAD_DWELL),
        ({"dwell_ms": 1.0}, Rejection.BAD_DWELL),
        ({"dwell_ms": "9"}, Rejection.BAD_DWELL),
        ({"scroll": 1.01}, Rejection.BAD_SCROLL),
        ({"scroll": -0.1}, Rejection.BAD_SCROLL),
        ({"scroll": float("nan")}, Rejection.BAD_SCROLL),
        ({"scroll": True}, Rejection.BAD_SCROLL),
    ],
    ids=str,
)
def test_a_bad_event_is_rejected_with_its_code_and_keeps_no_other_out(
    intake: Intake, database: Database, bad: dict[str, Any], code: Rejection
) -> None:
    good = [LIKE, LIKE._replace(id="e2")]
    wrong = LIKE._replace(**({"id": "wrong"} | bad))
    received = intake.receive([good[0], wrong, good[1]], LILEI, AT)
    shown = wrong.id if isinstance(wrong.id, str) else ""
    assert received == Received(2, 0, [(shown, code)])  # type: ignore[list-item]
    assert {stored.id for stored in _all(database)} == {"e1", "e2"}


def test_a_sender_whose_clock_runs_a_little_ahead_is_believed(intake: Intake) -> None:
    assert intake.receive([LIKE._replace(at=AT + 300_000)], LILEI, AT).accepted == 1


@pytest.mark.parametrize("value", [None, 5, "x", [1], {}, {"id": "e1", "mood": "good"}], ids=str)
def test_a_json_value_of_any_shape_is_an_event_that_lacks_things(intake: Intake, value: object) -> None:
    received = intake.receive([Incoming.of(value)], LILEI, AT)
    assert len(received.rejected) == 1


def test_a_json_object_is_taken_by_its_names() -> None:
    row = {
        "scroll": 0.5,
        "id": "e1",
        "kind": "read",
        "content_id": "熊猫",
        "at": AT,
        "dwell_ms": 1,
        "reading_token": "t",
    }
    assert Incoming.of(row) == Incoming("e1", "read", "熊猫", AT, 1, 0.5, "t")


def test_the_rejected_are_told_in_the_order_of_the_call(intake: Intake) -> None:
    intake.receive([LIKE._replace(id="theirs")], HAN, AT)
    rows = [LIKE._replace(id="a", at=0), LIKE._replace(id="theirs"), LIKE._replace(id="b", content_id="?"), Incoming()]
    received = intake.receive(rows, LILEI, AT)
    assert [rejected.id for rejected in received.rejected] == ["a", "theirs", "b", ""]
    assert _codes(received) == ["bad_time", "not_yours", "unknown_content", "bad_id"]


def test_a_call_without_events_is_answered(intake: Intake, database: Database) -> None:
    assert intake.receive([], LILEI, AT) == Received(0, 0, [])
    assert intake.receive([], Caller(citizen_id="nobody"), AT) == Received(0, 0, [])


def test_events_of_a_citizen_who_does_not_exist_are_refused_as_a_whole(intake: Intake, database: Database) -> None:
    with pytest.raises(UnknownCitizen, match="nobody"):
        intake.receive([LIKE], Caller(citizen_id="nobody"), AT)
    with database.connect() as connection:
        assert events.count(connection) == 0


def test_a_visitor_of_whom_nothing_was_stored_yet_becomes_a_guest_with_their_first_event(
    intake: Intake, database: Database
) -> None:
    visitor = Caller(citizen_id="新游客", make_guest=True)
    assert intake.receive([LIKE._replace(at=0)], visitor, AT).accepted == 0
    with database.connect() as connection:
        assert citizens.known(connection, ["新游客"]) == set()
    for id in ("e1", "e2"):
        assert intake.receive([LIKE._replace(id=id)], visitor, AT).accepted == 1
    with database.connect() as connection:
        assert citizens.get(connection, "新游客").kind == "guest"
    intake.receive([LIKE._replace(id="e3")], Caller(citizen_id="李雷", make_guest=True), AT)
    with database.connect() as connection:
        assert citizens.get(connection, "李雷").kind == "registered"


def test_a_repeat_changes_nothing_and_a_growing_one_makes_the_reading_grow(intake: Intake, database: Database) -> None:
    row = Incoming("r", "read", "熊猫", AT, 500, 0.5)
    assert intake.receive([row], LILEI, AT) == Received(1, 0, [])
    assert intake.receive([row, row._replace(dwell_ms=400, scroll=None)], LILEI, AT) == Received(0, 2, [])
    assert intake.receive([row._replace(dwell_ms=900), row._replace(scroll=0.9)], LILEI, AT) == Received(2, 0, [])
    (stored,) = _all(database)
    assert (stored.dwell_ms, stored.scroll, stored.at) == (900, 0.9, AT)


def test_repeats_within_a_call_act_in_their_order(intake: Intake, database: Database) -> None:
    rows = [Incoming("r", "read", "熊猫", AT, dwell) for dwell in (500, 400, 600, 600, 700)]
    assert intake.receive(rows, LILEI, AT) == Received(3, 2, [])
    assert [stored.dwell_ms for stored in _all(database)] == [700]


def test_an_id_of_somebody_elses_event_is_rejected_and_theirs_stays_as_it_was(
    intake: Intake, database: Database
) -> None:
    row = Incoming("r", "read", "熊猫", AT, 500)
    intake.receive([row], HAN, AT)
    assert _codes(intake.receive([row._replace(dwell_ms=900)], LILEI, AT)) == ["not_yours"]
    assert _all(database) == []
    assert [stored.dwell_ms for stored in _all(database, "韩梅梅")] == [500]


@pytest.mark.parametrize("other", [{"kind": "click"}, {"content_id": "火箭"}], ids=str)
def test_an_id_is_good_for_one_event(intake: Intake, database: Database, other: dict[str, str]) -> None:
    row = Incoming("r", "read", "熊猫", AT, 500)
    received = intake.receive([row, row._replace(dwell_ms=900, **other)], LILEI, AT)
    assert (received.accepted, _codes(received)) == (1, ["other_event"])
    assert _codes(intake.receive([row._replace(**other)], LILEI, AT)) == ["other_event"]
    assert [stored.dwell_ms for stored in _all(database)] == [500]


def test_a_whole_reading_with_its_token_counts(intake: Intake, database: Database) -> None:
    given = token("李雷", "熊猫", AT)
    row = sent(given, "熊猫", AT + ENOUGH_MS)
    intake.receive([row], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == "counted"


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        ({"dwell_ms": 3_000}, Exclusion.TOO_SHORT),
        ({"dwell_ms": None}, Exclusion.TOO_SHORT),
        ({"scroll": 0.4}, Exclusion.NOT_SCROLLED),
        ({"reading_token": None}, Exclusion.NO_TOKEN),
        ({"reading_token": "forged"}, Exclusion.BAD_TOKEN),
        ({"reading_token": 5}, Exclusion.BAD_TOKEN),
        ({"id": "another"}, Exclusion.FOREIGN_TOKEN),
        ({"content_id": "火箭"}, Exclusion.FOREIGN_TOKEN),
    ],
    ids=str,
)
def test_what_does_not_count_is_stored_all_the_same_and_says_why(
    intake: Intake, database: Database, change: dict[str, Any], verdict: Exclusion
) -> None:
    row = sent(token("李雷", "熊猫", AT), "熊猫", AT)._replace(**change)
    assert intake.receive([row], LILEI, AT + ENOUGH_MS).accepted == 1
    assert _verdict(database, row.id) == verdict


def test_the_token_of_another_citizen_proves_nothing(intake: Intake, database: Database) -> None:
    row = sent(token("韩梅梅", "熊猫", AT), "熊猫", AT)
    intake.receive([row], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == Exclusion.FOREIGN_TOKEN


def test_a_reading_counts_from_the_sending_on_in_which_it_has_become_long_enough(
    intake: Intake, database: Database
) -> None:
    given = token("李雷", "熊猫", AT)
    for seconds, verdict in ((3, "too_short"), (20, "too_short"), (30, "counted"), (90, "counted")):
        row = sent(given, "熊猫", AT, dwell_ms=seconds * 1000)
        assert intake.receive([row], LILEI, AT + seconds * 1000).accepted == 1
        assert _verdict(database, row.id) == verdict
    with database.connect() as connection:
        assert sum(found.counted_as is not None for found in ledger.verdicts(connection, [row.id]).values()) == 1


def test_a_page_cannot_have_been_read_for_longer_than_it_has_been_out(intake: Intake, database: Database) -> None:
    row = sent(token("李雷", "熊猫", AT), "熊猫", AT, dwell_ms=600_000)
    intake.receive([row], LILEI, AT + 5_000)
    assert _verdict(database, row.id) == Exclusion.TOO_SHORT
    # The same once more is a duplicate of the event, and by then our own clock bears it out.
    assert intake.receive([row], LILEI, AT + ENOUGH_MS).duplicate == 1
    assert _verdict(database, row.id) == "counted"


def test_a_click_counts_when_it_comes_with_a_token_and_is_no_entry_without(intake: Intake, database: Database) -> None:
    click = Incoming("c", "click", "熊猫", AT)
    intake.receive([click], LILEI, AT)
    assert _verdict(database, "c") == "no entry"
    given = token("李雷", "熊猫", AT)
    bare = sent(None, "熊猫", AT, id=sent(given, "熊猫", AT).id, kind="click", dwell_ms=1)
    intake.receive([bare], LILEI, AT)
    assert _verdict(database, bare.id) == "no entry"
    intake.receive([sent(given, "熊猫", AT, kind="click")], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, bare.id) == "counted"


def test_the_token_need_not_come_with_every_sending(intake: Intake, database: Database) -> None:
    given = token("李雷", "熊猫", AT)
    first = sent(given, "熊猫", AT, dwell_ms=1_000)
    intake.receive([first], LILEI, AT + 1_000)
    intake.receive([first._replace(dwell_ms=40_000, reading_token=None)], LILEI, AT + 40_000)
    assert _verdict(database, first.id) == "counted"


def test_other_events_are_no_entries_whatever_comes_with_them(intake: Intake, database: Database) -> None:
    given = token("李雷", "熊猫", AT)
    row = sent(given, "熊猫", AT, kind="like")
    intake.receive([row], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == "no entry"


def test_a_reading_of_long_ago_is_stored_and_no_longer_counts(intake: Intake, database: Database) -> None:
    given = token("李雷", "熊猫", AT)
    intake.receive([sent(given, "熊猫", AT, dwell_ms=1_000)], LILEI, AT + 1_000)
    late = AT + LIFETIME_MS + 1
    row = sent(given, "熊猫", AT)
    assert intake.receive([row], LILEI, late).accepted == 1
    assert _verdict(database, row.id) == Exclusion.TOO_SHORT
    other = sent(token("李雷", "火箭", AT), "火箭", AT)
    intake.receive([other], LILEI, late)
    assert _verdict(database, other.id) == Exclusion.TOKEN_EXPIRED


def test_an_article_that_was_taken_back_no_longer_counts_and_one_that_returns_does(
    intake: Intake, database: Database
) -> None:
    given = token("李雷", "熊猫", AT)
    row = sent(given, "熊猫", AT)
    with database.begin() as connection:
        contents.set_status(connection, "熊猫", ContentStatus.WITHDRAWN)
    intake.receive([row], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == Exclusion.NOT_PUBLISHED
    with database.begin() as connection:
        for status in (ContentStatus.DRAFT, ContentStatus.IN_REVIEW, ContentStatus.PUBLISHED):
            contents.set_status(connection, "熊猫", status)
    intake.receive([row], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == "not_published"
    with database.begin() as connection:
        contents.update(connection, "熊猫", published_at=AT)
    intake.receive([row], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == "counted"


def test_the_length_asked_for_is_that_of_the_body_as_it_is_now(intake: Intake, database: Database) -> None:
    assert read(intake, "李雷", "熊猫", AT).accepted == 1
    with database.begin() as connection:
        contents.update(connection, "熊猫", body=LONG * 3)
    row = sent(token("韩梅梅", "熊猫", AT), "熊猫", AT)
    intake.receive([row], HAN, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == Exclusion.TOO_SHORT


def test_a_reading_of_ones_own_work_does_not_count(intake: Intake, database: Database) -> None:
    articles(database, ["我的文章"], author="李雷")
    row = sent(token("李雷", "我的文章", AT), "我的文章", AT)
    intake.receive([row], LILEI, AT + ENOUGH_MS)
    assert _verdict(database, row.id) == Exclusion.OWN_CONTENT


def test_a_reading_belongs_to_the_day_on_which_it_began_whatever_the_sender_says(
    intake: Intake, database: Database
) -> None:
    midnight = 1_735_747_200_000  # 2025-01-02 in Shanghai
    before, after = (
        sent(token("李雷", content, midnight + shift), content, 1_600_000_000_000)
        for content, shift in (("熊猫", -1_000), ("火箭", 1_000))
    )
    intake.receive([before, after], LILEI, midnight + ENOUGH_MS + 1_000)
    with database.connect() as connection:
        found = ledger.verdicts(connection, [before.id, after.id])
    assert [found[row.id].day for row in (before, after)] == ["2025-01-01", "2025-01-02"]
    assert [found[row.id].reason for row in (before, after)] == [None, None]


def test_an_imported_reading_is_no_entry_and_may_become_one_by_a_token(intake: Intake, database: Database) -> None:
    given = token("李雷", "熊猫", AT)
    row = sent(given, "熊猫", AT)
    imported = events.Event(id=row.id, citizen_id="李雷", content_id="熊猫", kind=EventKind.READ, at=AT, dwell_ms=10**6)
    with database.begin() as connection:
        events.append(connection, [imported])
    assert _verdict(database, row.id) == "no entry"
    assert intake.receive([row], LILEI, AT + ENOUGH_MS).accepted == 1
    assert _verdict(database, row.id) == "counted"


def test_calls_that_wait_share_a_transaction_and_each_gets_its_own_answer(
    intake: Intake, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, go = threading.Event(), threading.Event()
    groups: list[int] = []
    begin = Writing.__init__

    def slow(self: Writing, connection: Any, readables: Any, calls: Any) -> None:
        groups.append(len(calls))
        busy.set()
        assert go.wait(60)
        begin(self, connection, readables, calls)

    monkeypatch.setattr(Writing, "__init__", slow)
    people(database, registered=[], guests=["游客"])
    intake._queue = queue = _Queue()
    callers = [LILEI, HAN, Caller(citizen_id="nobody"), Caller(citizen_id="游客")]
    with ThreadPoolExecutor(6) as pool:
        first = pool.submit(intake.receive, [LIKE._replace(id="first")], LILEI, AT)
        assert busy.wait(60)
        rows = [LIKE._replace(id="same"), LIKE._replace(id="bad", at=0)]
        rest = [pool.submit(intake.receive, rows, caller, AT) for caller in callers]
        queue.wait_for(5)
        go.set()
        assert first.result(60).accepted == 1
        with pytest.raises(UnknownCitizen):
            rest[2].result(60)
        answers = [future.result(60) for future in (rest[0], rest[1], rest[3])]
    assert groups == [1, 4]
    assert [answer.accepted for answer in answers].count(1) == 1
    assert sorted(map(_codes, answers)) == [["bad_time"], ["not_yours", "bad_time"], ["not_yours", "bad_time"]]


def test_who_is_stored_waits_for_no_later_transaction(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go = threading.Semaphore(0), threading.Semaphore(0)
    groups: list[int] = []
    begin = Writing.__init__

    def slow(self: Writing, connection: Any, readables: Any, calls: Any) -> None:
        groups.append(len(calls))
        begun.release()
        assert go.acquire(timeout=60)
        begin(self, connection, readables, calls)

    monkeypatch.setattr(Writing, "__init__", slow)
    intake._queue = queue = _Queue()
    with ThreadPoolExecutor(5) as pool:

        def call(id: str) -> Future[Received]:
            sent = pool.submit(intake.receive, [LIKE._replace(id=id)], LILEI, AT)
            queue.wait_for(1)
            return sent

        first = call("1")
        assert begun.acquire(timeout=60)
        together = [call(id) for id in "234"]
        go.release()
        assert first.result(60).accepted == 1
        assert begun.acquire(timeout=60)
        later = call("5")
        go.release()
        assert begun.acquire(timeout=60)
        assert [stored.result(60).accepted for stored in together] == [1, 1, 1]
        assert not later.done()
        go.release()
        assert later.result(60).accepted == 1
    assert groups == [1, 3, 1]


def test_a_thread_that_is_interrupted_leaves_the_others_theirs(
    intake: Intake, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, busy, go, turns = Writing.__init__, threading.Event(), threading.Event(), []

    def interrupted(self: Writing, connection: Any, readables: Any, calls: Any) -> None:
        turns.append(len(calls))
        if len(turns) == 1:
            busy.set()
            assert go.wait(60)
            raise KeyboardInterrupt
        begin(self, connection, readables, calls)

    monkeypatch.setattr(Writing, "__init__", interrupted)
    intake._queue = queue = _Queue()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(intake.receive, [LIKE._replace(id="first")], LILEI, AT)
        assert busy.wait(60)
        rest = [pool.submit(intake.receive, [LIKE._replace(id=id)], LILEI, AT) for id in ("second", "third")]
        queue.wait_for(3)
        go.set()
        with pytest.raises(KeyboardInterrupt):
            first.result(60)
        assert [stored.result(60).accepted for stored in rest] == [1, 1]
    assert sorted(stored.id for stored in _all(database)) == ["second", "third"]
    assert intake.receive([LIKE], LILEI, AT).accepted == 1


def test_a_call_that_cannot_be_stored_fails_alone(
    intake: Intake, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    people(database, registered=["坏人"])
    intake._queue = queue = _Queue()
    busy, go = threading.Event(), threading.Event()
    begin, write = Writing.__init__, Writing.write

    def slow(self: Writing, connection: Any, readables: Any, calls: Any) -> None:
        busy.set()
        assert go.wait(60)
        begin(self, connection, readables, calls)

    def refusing(self: Writing, rule: Any) -> None:
        if "坏人" in self._kinds:
            raise OverflowError("a number that no database takes")
        write(self, rule)

    monkeypatch.setattr(Writing, "__init__", slow)
    monkeypatch.setattr(Writing, "write", refusing)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(intake.receive, [LIKE._replace(id="first")], LILEI, AT)
        assert busy.wait(60)
        callers = ("坏人", "韩梅梅")
        rest = [pool.submit(intake.receive, [LIKE._replace(id=id)], Caller(citizen_id=id), AT) for id in callers]
        queue.wait_for(3)
        go.set()
        assert (first.result(60).accepted, rest[1].result(60).accepted) == (1, 1)
        with pytest.raises(OverflowError):
            rest[0].result(60)
    assert intake.receive([LIKE], LILEI, AT).accepted == 1
    assert {stored.id for stored in _all(database)} == {"first", "e1"}
    assert _all(database, "坏人") == []


def test_a_database_that_fails_is_an_error_of_ours_and_the_next_call_goes_on(
    intake: Intake, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(self: Writing, rule: Any) -> None:
        self._driver.rows("SELECT 1 FROM no_such_table")

    with monkeypatch.context() as broken, pytest.raises(DatabaseError, match="no_such_table"):
        broken.setattr(Writing, "write", failing)
        intake.receive([LIKE], LILEI, AT)
    assert _all(database) == []
    assert intake.receive([LIKE], LILEI, AT).accepted == 1


def test_a_transaction_that_another_process_got_in_the_way_of_is_begun_again(
    intake: Intake, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, failures = Writing.write, [1, 2]

    def losing(self: Writing, rule: Any) -> None:
        write(self, rule)
        if failures:
            failures.pop()
            raise DatabaseConflict("lost")

    monkeypatch.setattr(Writing, "write", losing)
    row = sent(token("李雷", "熊猫", AT), "熊猫", AT)
    assert intake.receive([row, Incoming()], LILEI, AT + ENOUGH_MS).accepted == 1
    assert _verdict(database, row.id) == "counted"
    failures += [1, 2, 3]
    with pytest.raises(DatabaseConflict):
        intake.receive([LIKE], LILEI, AT)


def test_an_event_that_an_import_stores_at_the_same_time_is_stored_once(postgresql_database: Database) -> None:
    database = postgresql_database
    people(database)
    articles(database, ["熊猫"])
    held = events.Event(id="e1", citizen_id="李雷", content_id="熊猫", kind=EventKind.LIKE, at=AT)
    with ThreadPoolExecutor(1) as pool:
        with database.begin() as connection:
            events.append(connection, [held])
            waiting = pool.submit(Intake(database, KEY).receive, [LIKE, LIKE._replace(id="e2")], LILEI, AT)
            with database.connect() as other:
                blocked = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
                while not other.scalar(blocked):
                    other.rollback()
        assert waiting.result(60) == Received(1, 1, [])
    assert sorted(stored.id for stored in _all(database)) == ["e1", "e2"]


def test_what_was_acknowledged_is_on_disk(sqlite_database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    database = sqlite_database
    people(database)
    articles(database, ["熊猫"])
    found: list[object] = []
    write = Writing.write

    def looking(self: Writing, rule: Any) -> None:
        found.append(self._connection.exec_driver_sql("PRAGMA synchronous").scalar())
        write(self, rule)

    monkeypatch.setattr(Writing, "write", looking)
    Intake(database, KEY).receive([LIKE], LILEI, AT)
    with database.begin() as connection:
        found.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    with database.begin(durable=True) as connection:
        found.append(connection.exec_driver_sql("PRAGMA synchronous").scalar())
    assert found == [2, 1, 2]


def test_the_limits_of_a_row_are_those_that_the_database_can_hold() -> None:
    assert intake_rows.LONGEST_DWELL_MS < 2**63
    assert schema.events.c.dwell_ms.type.python_type is int


def test_guests_become_known_as_guests(database: Database, intake: Intake) -> None:
    people(database, registered=[], guests=["游客"])
    read(intake, "游客", "熊猫", AT, device="d", network="n")
    read(intake, "李雷", "熊猫", AT, device="d", network="n")
    with database.connect() as connection:
        found = connection.execute(sa.select(schema.ledger_entries)).mappings().all()
        assert citizens.get(connection, "游客").kind == "guest"
    assert {(row["citizen_id"], row["guest"], row["device_key"], row["network_key"]) for row in found} == {
        ("游客", True, "d", "n"),
        ("李雷", False, "d", "n"),
    }
