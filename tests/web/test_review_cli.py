"""Reviews and the term list at the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from content_store import clock, contents
from content_store.db import Database
from content_store.review import records
from content_store.review_words import ReviewStep
from content_store.vocabulary import ContentStatus
from tests.support import review_desk
from tests.support.review_desk import REVIEWERS
from web import cli


@pytest.fixture
def desk(
    database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, fixed_clock: int
) -> Iterator[Database]:
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
    review_desk.staff(database)
    yield database
    clock.set_offset(0)


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and what was printed."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.out + printed.err


def test_a_content_goes_its_way_from_the_queue_to_its_tombstone(
    desk: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection)
        review = review_desk.submit(connection)
    code, told = run(capsys, "review", "queue", "--step", "first_review", "--org", "省")
    assert (code, told) == (0, "nothing waits\n")
    code, told = run(capsys, "review", "queue", "--as", "p1")
    assert (code, told.split("  ")[:4]) == (0, [review.id, "first_review", "初审", "panda v1"])
    for number, step in enumerate(review.steps, 1):
        at = [review.id, step.step.value, "--as", f"p{number}"]
        assert run(capsys, "review", "claim", *at)[0] == 0
        assert run(capsys, "review", "pass", *at, "--version", "1")[0] == 0
    code, told = run(capsys, "review", "show", review.id)
    assert "third_proof 三校  passed" in told
    assert run(capsys, "review", "publish", "panda", "--version", "1", "--as", "p9", "--at", "2025-01-02")[0] == 0
    code, told = run(capsys, "review", "publish", "panda", "--version", "1", "--as", "p9")
    assert (code, told) == (0, "panda v1 is published at 2025-01-01 12:00\n")
    code, told = run(capsys, "review", "withdraw", "panda", "--as", "p9", "--reason", "fact", "--note", "数字有误")
    assert (code, told) == (0, "panda is withdrawn: 内容有误：数字有误\n")
    with desk.connect() as connection:
        assert contents.get(connection, "panda").status is ContentStatus.WITHDRAWN


def test_a_step_is_sent_back_and_mistakes_are_told(desk: Database, capsys: pytest.CaptureFixture[str]) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection)
        review = review_desk.take(connection, review_desk.submit(connection), REVIEWERS[0])
    at = [review.id, ReviewStep.SECOND_REVIEW.value, "--as"]
    assert "took another step" in run(capsys, "review", "claim", *at, "p1")[1]
    assert "wrote some of these words" in run(capsys, "review", "claim", *at, "p0")[1]
    assert run(capsys, "review", "claim", *at, "nobody")[1].startswith("error: nobody signs in as 'nobody'")
    run(capsys, "review", "claim", *at, "p2")
    code, told = run(capsys, "review", "return", *at, "p2", "--version", "1", "--reason", "fact", "--note", "查无出处")
    assert (code, told.strip()) == (0, f"review {review.id} of panda v1: 已退回")
    assert "not passed every step" in run(capsys, "review", "publish", "panda", "--version", "1", "--as", "p9")[1]
    with desk.connect() as connection:
        assert records.get(connection, review.id).steps[1].note == "查无出处"


def test_the_term_list_is_kept_and_texts_are_checked(
    desk: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with desk.begin() as connection:
        review_desk.draft(connection, title="神 医的故事")
        contents.create(connection, id="old", title="老神医", status=ContentStatus.PUBLISHED)
    assert run(capsys, "terms", "list")[1].startswith("no terms yet")
    code, told = run(capsys, "terms", "add", "神医", "仙丹", "--reason", "待核")
    assert (code, told) == (0, "2 on the list\nheld back: panda\npublished with 神医: old\n")
    assert run(capsys, "terms", "add", "VIP", "--severity", "notice", "--reason", "留意")[0] == 0
    assert run(capsys, "terms", "list")[1] == (
        "VIP  notice 提示  留意\n仙丹  quarantine 隔离  待核\n神医  quarantine 隔离  待核\n"
    )
    text = tmp_path / "text.txt"
    text.write_text("这位神医给了一张vip卡", "utf-8")
    code, told = run(capsys, "terms", "check", str(text))
    assert (code, [line.split("  ")[2] for line in told.splitlines()]) == (1, ["神医", "VIP"])
    assert run(capsys, "terms", "check") == (1, "panda version 1 is held back for 神医\npublished with 神医: old\n")
    assert run(capsys, "terms", "remove", "神医")[0] == 0
    assert run(capsys, "terms", "remove", "神医")[0] == 2
    assert run(capsys, "terms", "check", str(text))[0] == 0


def test_arguments_that_are_no_text_and_files_that_cannot_be_read_are_told(
    desk: Database, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for words in (("review", "show"), ("terms", "remove"), ("audit", "list", "--actor"), ("keys", "revoke")):
        code, told = run(capsys, *words, "a\udcffb")
        assert (code, told.splitlines()[0]) == (2, "error: an argument is no text: it has bytes that are no UTF-8")
    (tmp_path / "gbk.txt").write_bytes("神医".encode("gbk"))
    for name, reason in (("none.txt", "No such file or directory"), ("gbk.txt", "it is no UTF-8")):
        code, told = run(capsys, "terms", "check", str(tmp_path / name))
        assert (code, told.splitlines()[0].partition("read: ")[2]) == (2, reason)
