"""Imports: what the columns mean, what is refused, and that a further run adds nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from content_store import changes, citizens, clock, contents, events
from content_store.db import Database
from content_store.errors import DatabaseError, ImportFileError
from content_store.event_follower import EventFollower
from content_store.events import StoredEvent
from content_store.transfer import event_store, reading
from content_store.transfer.importing import Imported, Options, What, import_file
from content_store.vocabulary import CitizenKind, ContentStatus, EventKind, Prefecture, Topic

MS = 1_506_826_800_026
CREATE = Options(create_missing=True)


@pytest.fixture
def bring(database: Database, tmp_path: Path) -> Callable[..., Imported]:
    """``bring(rows, name=…, what=…, options=…)`` writes the rows (dicts or text) to a file and imports it."""

    def run(
        rows: list[dict[str, Any]] | str, name: str = "log.jsonl", what: What = "events", options: Options = CREATE
    ) -> Imported:
        path = tmp_path / name
        if isinstance(rows, str):
            path.write_text(rows, "utf-8")
        else:
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return import_file(database, what, path, options)

    return run


def _history(database: Database, citizen: str = "1") -> list[StoredEvent]:
    with database.connect() as connection:
        return events.history(connection, citizen)


def _rejects(done: Imported) -> list[tuple[int, str]]:
    assert done.rejects is not None
    lines = [json.loads(line) for line in done.rejects.read_text("utf-8").splitlines()]
    return [(line["line"], line["reason"]) for line in lines]


def _counts(done: Imported) -> tuple[int, int, int]:
    return done.accepted, done.duplicate, done.rejected


def row(**given: Any) -> dict[str, Any]:
    return {"user": 1, "item": 10, "ts": MS} | given


def test_every_column_of_an_event_is_kept(database: Database, bring: Callable[..., Imported], fixed_clock: int) -> None:
    whole = row(id="e1", event="LIKE", region="SP", session=7, device="手机", country="BR", dwell_ms=900, scroll=0.5)
    assert _counts(bring([whole])) == (1, 0, 0)
    (stored,) = _history(database)
    assert stored == StoredEvent(
        seq=stored.seq,
        id="e1",
        citizen_id="1",
        content_id="10",
        kind=EventKind.LIKE,
        at=MS,
        received_at=fixed_clock,
        dwell_ms=900,
        scroll=0.5,
        region="SP",
        device="手机",
        country="BR",
        session="7",
    )


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("VIEW", EventKind.READ),
        ("LIKE", EventKind.LIKE),
        ("BOOKMARK", EventKind.SAVE),
        ("COMMENT CREATED", EventKind.COMMENT),
        ("comment_created", EventKind.COMMENT),
        ("FOLLOW", EventKind.FOLLOW),
        ("not_interested", EventKind.NOT_INTERESTED),
        ("Not Interested", EventKind.NOT_INTERESTED),
        *((kind.value, kind) for kind in EventKind),
    ],
)
def test_the_words_of_other_logs_are_understood(
    database: Database, bring: Callable[..., Imported], word: str, kind: EventKind
) -> None:
    bring([row(event=word)])
    assert [event.kind for event in _history(database)] == [kind]


def test_without_an_event_column_every_row_is_a_read(database: Database, bring: Callable[..., Imported]) -> None:
    bring(f"user,item,ts\n1,10,{MS}\n1,11,{MS}\n", "log.csv")
    assert [event.kind for event in _history(database)] == [EventKind.READ] * 2


def test_a_further_run_adds_nothing_and_equal_rows_stay_apart(
    database: Database, bring: Callable[..., Imported]
) -> None:
    rows = [row(), row(), row(item=11), row()]
    assert _counts(bring(rows)) == (4, 0, 0)
    assert _counts(bring(rows)) == (0, 4, 0)
    assert _counts(bring([*rows, row()])) == (1, 4, 0)
    assert len(_history(database)) == 5


def test_the_same_log_in_another_format_adds_nothing(
    database: Database, bring: Callable[..., Imported], tmp_path: Path
) -> None:
    frame = pd.DataFrame(
        {"user": [1, 2, 1], "item": [10, 10, 11], "ts": [MS, MS + 1, MS], "region": ["SP", None, "川"]}
    )
    frame["session"] = pd.array([7, None, 8], "Int64")
    frame.to_parquet(tmp_path / "log.parquet")
    frame.astype({"session": "float64", "ts": "float64"}).to_parquet(tmp_path / "floats.parquet")
    frame.assign(ts=pd.to_datetime(frame["ts"], unit="ms")).to_parquet(tmp_path / "times.parquet")
    frame.astype({"region": "category"}).to_parquet(tmp_path / "categories.parquet")
    frame.to_csv(tmp_path / "log.csv", index=False)
    frame.astype({"session": "float64"}).to_csv(tmp_path / "floats.csv", index=False)
    frame.to_csv(tmp_path / "chinese.csv", index=False, encoding="gb18030")
    frame.to_json(tmp_path / "log.jsonl", orient="records", lines=True)
    paths = sorted(path for path in tmp_path.iterdir() if path.suffix in reading.READERS)
    found = {path.name: _counts(import_file(database, "events", path, CREATE)) for path in paths}
    first = sorted(found)[0]
    assert found == {name: (3, 0, 0) if name == first else (0, 3, 0) for name in found}


def test_rows_that_cannot_be_used_are_written_down_with_line_and_reason(
    database: Database, bring: Callable[..., Imported], fixed_clock: int
) -> None:
    rows: list[dict[str, Any]] = [
        {},
        {"user": None},
        {"item": "NaN"},
        {"ts": MS // 1000},
        {"event": "STARE"},
        {"dwell_ms": -5},
        {"scroll": 85},
        {"user": True},
        {"item": "猫" * 201},
        {"ts": clock.now_ms() + 301_000},
        {"item": "a\x00b"},
        {"event": None},
        {"ts": clock.now_ms() + 100_000},
    ]
    done = bring([row(event="VIEW") | changed for changed in rows])
    assert _counts(done) == (2, 0, 11)
    reasons = dict(_rejects(done))
    assert reasons[2] == "user is missing"
    assert reasons[3] == "item is missing"
    assert "looks like seconds" in reasons[4]
    assert reasons[5] == "event 'STARE' is no kind of event"
    assert reasons[6] == "dwell_ms -5 is negative"
    assert "divide percentages" in reasons[7]
    assert reasons[8] == "user has a control character or is no plain value"
    assert reasons[9] == "item has more than 200 characters"
    assert "is in the future" in reasons[10]
    assert "control character" in reasons[11]
    assert reasons[12] == "event is missing"


def test_a_reject_holds_the_row_as_it_was(database: Database, tmp_path: Path) -> None:
    table = pa.table({"user": pa.array([1.5, 2.0]), "item": [10, 11], "ts": [MS, MS], "region": ["SP", "川"]})
    pq.write_table(table, tmp_path / "log.parquet")
    done = import_file(database, "events", tmp_path / "log.parquet", CREATE)
    assert done.rejects == tmp_path / "log.parquet.rejects.jsonl"
    line = json.loads(done.rejects.read_text("utf-8"))
    assert line["line"] == 1
    assert line["row"] == {"user": 1.5, "item": 10, "ts": MS, "region": "SP"}
    assert _counts(done) == (1, 0, 1)


def test_the_rejects_of_an_earlier_run_are_replaced(bring: Callable[..., Imported]) -> None:
    first = bring([row(user=None), row(user=None)])
    assert len(_rejects(first)) == 2
    second = bring([row(), row(user=None)])
    assert len(_rejects(second)) == 1
    third = bring([row()])
    assert third.rejects is None
    assert second.rejects is not None and not second.rejects.exists()
    assert [path.name for path in second.rejects.parent.glob(".*")] == []


def test_rows_on_unknown_items_are_refused_until_the_items_are_there(
    database: Database, bring: Callable[..., Imported]
) -> None:
    with database.begin() as connection:
        contents.create(connection, id="10", title="known")
    rows = [row(), row(item=11), row(), row(item=11), row(item=11)]
    refused = bring(rows, options=Options())
    assert _counts(refused) == (2, 0, 3)
    assert refused.unknown_items == 3
    assert _rejects(refused) == [(2, "unknown item '11'"), (4, "unknown item '11'"), (5, "unknown item '11'")]
    made = bring(rows)
    assert _counts(made) == (3, 2, 0)
    assert made.created_contents == 1
    with database.connect() as connection:
        assert [(content.id, content.title) for content in contents.live(connection)] == [("11", "11")]


def test_users_of_refused_rows_are_not_made(database: Database, bring: Callable[..., Imported]) -> None:
    bring([row(user="lost", item="nothing")], options=Options())
    with database.connect() as connection:
        assert citizens.count(connection) == 0


def test_unknown_users_become_guests_and_known_ones_stay(database: Database, bring: Callable[..., Imported]) -> None:
    with database.begin() as connection:
        citizens.create(connection, id="1", kind=CitizenKind.REGISTERED)
    assert bring([row(), row(user=2)]).created_citizens == 1
    with database.connect() as connection:
        assert citizens.get(connection, "1").kind is CitizenKind.REGISTERED
        assert citizens.get(connection, "2").kind is CitizenKind.GUEST


def test_a_reading_with_an_id_grows_and_otherwise_is_a_duplicate(
    database: Database, bring: Callable[..., Imported]
) -> None:
    rows = [row(id="r", dwell_ms=5), row(id="r", dwell_ms=9), row(id="r", dwell_ms=7), row(id=None)]
    assert _counts(bring(rows)) == (3, 1, 0)
    assert _counts(bring([row(id="r", dwell_ms=20), row(id="r", dwell_ms=9)])) == (1, 1, 0)
    assert sorted(event.dwell_ms or 0 for event in _history(database)) == [0, 20]


def test_the_newest_row_is_moved_to_now_and_the_others_with_it(
    database: Database, bring: Callable[..., Imported], fixed_clock: int
) -> None:
    shift = Options(create_missing=True, shift_to_now=True)
    rows = [row(ts=MS), row(ts=MS + 5000), row(ts=MS // 1000), row(ts=MS + 3000)]
    done = bring(rows, options=shift)
    assert done.shift_ms == fixed_clock - MS - 5000
    assert [event.at for event in _history(database)] == [fixed_clock, fixed_clock - 2000, fixed_clock - 5000]


def test_a_log_from_the_future_can_be_moved_to_now(
    database: Database, bring: Callable[..., Imported], fixed_clock: int
) -> None:
    done = bring([row(ts=fixed_clock + 10**10)], options=Options(create_missing=True, shift_to_now=True))
    assert (done.shift_ms, [event.at for event in _history(database)]) == (-(10**10), [fixed_clock])


def test_a_moved_log_is_continued_with_the_move_of_its_first_run(
    database: Database, bring: Callable[..., Imported], fixed_clock: int
) -> None:
    shift = Options(create_missing=True, shift_to_now=True)
    bring([row(ts=MS)], options=shift)
    with clock.fixed(fixed_clock + 60_000):
        again = bring([row(ts=MS), row(ts=MS - 1000)], options=shift)
    assert _counts(again) == (1, 1, 0)
    assert [event.at for event in _history(database)] == [fixed_clock, fixed_clock - 1000]


@pytest.mark.parametrize("name", ["log.csv", "log.jsonl", "log.parquet"])
def test_a_file_without_a_needed_column_names_it_and_what_was_found(
    database: Database, tmp_path: Path, name: str
) -> None:
    frame = pd.DataFrame({"user": [1], "Item": [10], "time": [MS]})
    path = tmp_path / name
    {
        ".csv": lambda: frame.to_csv(path, index=False),
        ".jsonl": lambda: frame.to_json(path, orient="records", lines=True),
        ".parquet": lambda: frame.to_parquet(path),
    }[path.suffix]()
    with pytest.raises(ImportFileError, match=r"lacks the columns item, ts; found: Item, time, user"):
        import_file(database, "events", path)


def test_unknown_columns_are_named_and_do_no_harm(bring: Callable[..., Imported]) -> None:
    done = bring([row(mood="good"), row(ts=MS + 1, weather=3)])
    assert done.unknown_columns == ["mood", "weather"]
    assert _counts(done) == (2, 0, 0)


def test_batches_of_any_size_store_the_same(database: Database, bring: Callable[..., Imported]) -> None:
    rows = [row(user=number % 3, item=number % 4) for number in range(20)]
    first = bring(rows, options=Options(create_missing=True, batch_rows=3))
    assert _counts(first) == (20, 0, 0)
    assert _counts(bring(rows, options=Options(create_missing=True, batch_rows=7))) == (0, 20, 0)
    assert (first.created_citizens, first.created_contents) == (3, 4)


def test_the_log_keeps_the_order_of_the_file(database: Database, bring: Callable[..., Imported]) -> None:
    rows = [row(user=number * 7 % 11, item=number % 5, ts=MS - number) for number in range(250)]
    bring(rows, options=Options(create_missing=True, batch_rows=230))
    with database.connect() as connection:
        (found,) = events.read_columns(connection)
    assert found.at.tolist() == [one["ts"] for one in rows]
    assert found.citizen.tolist() == [str(one["user"]) for one in rows]


def test_new_grown_and_unchanged_rows_of_a_batch_are_told_apart(
    database: Database, bring: Callable[..., Imported]
) -> None:
    known = [row(id=f"known{number}", user=number, dwell_ms=100, scroll=0.5) for number in range(150)]
    assert _counts(bring(known)) == (150, 0, 0)
    longer = [one | {"dwell_ms": 200} for one in known[:20]]
    further = [one | {"dwell_ms": 50, "scroll": 0.9} for one in known[20:30]]
    of_another = [one | {"user": "another", "dwell_ms": 900} for one in known[30:35]]
    bare = [{name: one[name] for name in ("id", "user", "item", "ts")} for one in known[35:]]
    new = [row(id=f"new{number}", user=number) for number in range(140)]
    mixed = [*new[:70], *longer, *bare, *further, *of_another, *new[70:]]
    assert _counts(bring(mixed)) == (140 + 20 + 10, 5 + 115, 0)
    stored = {one.id: (one.dwell_ms, one.scroll) for user in (0, 20, 30, 40) for one in _history(database, str(user))}
    assert stored["known0"] == (200, 0.5)
    assert stored["known20"] == (100, 0.9)
    assert stored["known30"] == stored["known40"] == (100, 0.5)
    assert stored["new0"] == (None, None)


def test_followers_learn_of_what_was_imported(database: Database, bring: Callable[..., Imported]) -> None:
    follower = EventFollower()
    with database.connect() as connection:
        cursor = changes.now(connection)
    bring([row(user=number % 3, item=number % 4, ts=MS + number) for number in range(20)])
    with database.connect() as connection:
        followed = [at for found in follower.poll(connection) for at in found.at.tolist()]
        assert followed == [MS + number for number in range(20)]
        assert changes.since(connection, cursor).contents == {"0", "1", "2", "3"}
    bring([row(user=number % 3, item=number % 4, ts=MS + number) for number in range(21)])
    with database.connect() as connection:
        assert [found.at.tolist() for found in follower.poll(connection)] == [[MS + 20]]


def test_an_interruption_leaves_whole_batches_and_a_further_run_goes_on(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,ts\n" + "".join(f"{number},10,{MS}\n" for number in range(25)), "utf-8")

    def stop(done: Imported, *_: object) -> None:
        if done.rows == 20:
            raise KeyboardInterrupt

    options = Options(create_missing=True, batch_rows=10)
    done = import_file(database, "events", path, options, watch=stop)
    assert (done.interrupted, done.accepted) == (True, 20)
    with database.connect() as connection:
        assert events.count(connection) == 20
    again = import_file(database, "events", path, options)
    assert (again.interrupted, again.accepted, again.duplicate) == (False, 5, 20)


def test_a_batch_that_fails_leaves_nothing_and_is_told_with_what_is_stored(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.csv"
    path.write_text("user,item,ts\n" + "".join(f"{number},10,{MS}\n" for number in range(20)), "utf-8")
    store, calls = event_store.store, []

    def fail_later(connection: Any, table: pa.Table) -> Any:
        calls.append(len(table))
        done = store(connection, table)
        if len(calls) == 2:
            connection.exec_driver_sql("SELECT * FROM no_such_table")
        return done

    monkeypatch.setattr(event_store, "store", fail_later)
    with pytest.raises(DatabaseError, match="storing failed after 10 rows"):
        import_file(database, "events", path, Options(create_missing=True, batch_rows=10))
    with database.connect() as connection:
        assert events.count(connection) == 10
        assert citizens.count(connection) == 10


def test_contents_are_stored_published_with_all_they_tell(
    database: Database, bring: Callable[..., Imported], fixed_clock: int
) -> None:
    told = {
        "title": "熊猫",
        "topic": "生命科学",
        "tags": ["竹子", "熊猫"],
        "published_at": "2024-08-26",
        "body": "一\n二",
    }
    assert _counts(bring([{"id": 7} | told], what="contents", options=Options())) == (1, 0, 0)
    with database.connect() as connection:
        found = contents.get(connection, "7")
    assert (found.version, found.status, found.created_at) == (1, ContentStatus.PUBLISHED, fixed_clock)
    assert (found.topic, found.tags, found.body) == (Topic.LIFE_SCI, ("竹子", "熊猫"), "一\n二")
    assert found.published_at == clock.start_of_day_ms(clock.day_of(1_724_630_400_000))


def test_contents_told_again_are_duplicates_and_told_otherwise_new_versions(
    database: Database, bring: Callable[..., Imported]
) -> None:
    def tell(*rows: dict[str, Any]) -> tuple[int, int, int]:
        done = bring(list(rows), what="contents", options=Options())
        return done.accepted, done.changed, done.duplicate

    assert tell({"id": "a", "title": "A", "source": "s"}, {"id": "b", "title": "B"}) == (2, 0, 0)
    assert tell({"id": "a", "title": "A", "source": None}, {"id": "b", "title": "B"}) == (0, 0, 2)
    assert tell({"id": "a", "title": "AA"}, {"id": "a", "title": "AAA"}, {"id": "a", "title": "AAA"}) == (0, 2, 1)
    with database.connect() as connection:
        found = contents.get(connection, "a")
    assert (found.title, found.version, found.source) == ("AAA", 3, "s")


def test_a_content_made_from_events_gets_its_title_later(database: Database, bring: Callable[..., Imported]) -> None:
    bring([row()])
    bring('item,title,tags\n10,题目,"甲，乙;丙"\n', "items.csv", "contents", Options())
    with database.connect() as connection:
        found = contents.get(connection, "10")
    assert (found.title, found.tags, found.version) == ("题目", ("甲", "乙", "丙"), 2)


def test_contents_need_a_title_unless_missing_ones_may_be_made(
    database: Database, bring: Callable[..., Imported]
) -> None:
    with pytest.raises(ImportFileError, match="lacks the column title; found: category, item"):
        bring([{"item": 3, "category": 1}], what="contents", options=Options())
    assert _counts(bring([{"item": 3, "category": 1}], what="contents")) == (1, 0, 0)
    with database.connect() as connection:
        assert contents.get(connection, "3").title == "3"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"title": None}, "title is missing"),
        ({"title": "  "}, "the title is blank"),
        ({"topic": "ufo"}, "'ufo' is no topic"),
        ({"status": "lost"}, "'lost' is no status"),
        ({"published_at": 1_724_630_400}, "looks like seconds"),
        ({"tags": [1]}, "tags is not a list of words"),
        ({"tags": {"a": 1}}, "tags"),
        ({"version": 0}, "the version 0 is below 1"),
        ({"body": "a\x00"}, "NUL"),
    ],
    ids=str,
)
def test_a_content_that_cannot_be_stored_is_refused_and_its_neighbours_are(
    bring: Callable[..., Imported], given: dict[str, Any], reason: str
) -> None:
    good = {"id": "good", "title": "t"}
    done = bring([good, {"id": "bad", "title": "t"} | given], what="contents", options=Options())
    assert _counts(done) == (1, 0, 1)
    ((line, found),) = _rejects(done)
    assert line == 2
    assert reason in found


def test_contents_are_moved_to_now_once(database: Database, bring: Callable[..., Imported], fixed_clock: int) -> None:
    rows = [{"id": "a", "title": "A", "published_at": MS}, {"id": "b", "title": "B", "published_at": MS + 1000}]
    shift = Options(shift_to_now=True)
    assert bring(rows, what="contents", options=shift).accepted == 2
    with clock.fixed(fixed_clock + 60_000):
        assert bring(rows, what="contents", options=shift).duplicate == 2
    with database.connect() as connection:
        assert contents.get(connection, "b").published_at == fixed_clock


def test_citizens_are_registered_with_what_they_declared(database: Database, bring: Callable[..., Imported]) -> None:
    text = "id,prefecture,birth_year,interests\n1,绵阳市,1950,农业;space\n2,,,\n3,火星,,\n4,,1,\n5,,,ufo\n"
    done = bring(text, "people.csv", "citizens")
    assert _counts(done) == (2, 0, 3)
    assert [line for line, _ in _rejects(done)] == [4, 5, 6]
    with database.connect() as connection:
        first = citizens.get(connection, "1")
        assert (first.prefecture, first.birth_year) == (Prefecture.MIANYANG, 1950)
        assert first.interests == {Topic.AGRICULTURE, Topic.SPACE}
        assert citizens.get(connection, "2").kind is CitizenKind.REGISTERED
    again = bring(text, "people.csv", "citizens")
    assert (again.accepted, again.changed, again.duplicate) == (0, 0, 2)


def test_a_guest_known_by_events_is_registered_by_a_file_of_citizens(
    database: Database, bring: Callable[..., Imported]
) -> None:
    bring([row()])
    done = bring([{"id": 1, "interests": ["space"]}], what="citizens")
    assert (done.accepted, done.changed) == (0, 1)
    changed = bring([{"id": 1, "interests": ["农业"], "personalised": False}], what="citizens")
    assert changed.changed == 1
    with database.connect() as connection:
        found = citizens.get(connection, "1")
    assert (found.kind, found.personalised) == (CitizenKind.REGISTERED, False)
    assert found.interests == {Topic.AGRICULTURE}


def test_a_real_reading_log_is_stored_once_and_whole(database: Database, datasets: Path, tmp_path: Path) -> None:
    source = datasets / "data" / "deskdrop_first70.parquet"
    frame = pd.read_parquet(source)
    path = tmp_path / source.name
    path.symlink_to(source.resolve())
    assert _counts(import_file(database, "events", path, CREATE)) == (len(frame), 0, 0)
    assert _counts(import_file(database, "events", path, CREATE)) == (0, len(frame), 0)
    ours = {"VIEW": "read", "LIKE": "like", "BOOKMARK": "save", "COMMENT CREATED": "comment", "FOLLOW": "follow"}
    expected = frame["event"].map(ours).value_counts().to_dict()
    with database.connect() as connection:
        assert events.count_by_kind(connection) == expected
        assert events.newest_at(connection) == frame["ts"].max()
        assert citizens.count(connection) == frame["user"].nunique()
        assert contents.count(connection) == frame["item"].nunique()
        (columns,) = events.read_columns(connection)
    assert columns.region.tolist() == frame["region"].astype(object).where(frame["region"].notna(), None).tolist()
