"""Suggestions at the terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from content_store import clock, suggestions
from content_store.db import Database
from content_store.vocabulary import Topic
from tests.support import review_desk
from web import cli

TEXT = "石棉县的果农说，今年黄果柑亩产比去年高，病虫害少。"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path / "data"))


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and what was printed."""
    with pytest.raises(SystemExit) as ended:
        cli.main(["classify", *arguments])
    clock.set_offset(0)
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.out + printed.err


def test_a_text_is_told_its_topic_its_place_and_what_speaks_for_them(capsys: pytest.CaptureFixture[str]) -> None:
    code, told = run(capsys, "--text", TEXT, "--title", "雅安石棉黄果柑迎来丰收")
    topic, place, model = told.splitlines()
    assert code == 0
    assert topic.startswith("机器建议主题：农业，把握")
    assert "果农" in topic
    assert place.startswith("机器建议地区：石棉县，把握")
    assert model == "model: lists"


def test_a_file_with_markup_is_told_as_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "item.html"
    file.write_text(f"<p>{TEXT}</p>", "utf-8")
    code, told = run(capsys, str(file), "--json")
    found = json.loads(told)
    assert code == 0
    assert (found["topic"], found["prefecture"], found["county"]) == ("agriculture", "511800", "511824")
    assert found["places"] == [{"code": "511824", "name": "石棉县", "count": 1, "confidence": 0.9}]
    assert 0 < found["confidence"] <= 1
    assert "果农" in found["words"]
    assert found["sentence"].startswith("机器建议主题：农业")


def test_an_unsure_text_has_no_topic_in_json_but_tells_the_likeliest(capsys: pytest.CaptureFixture[str]) -> None:
    found = json.loads(run(capsys, "--text", "约上朋友，带上水果和雨伞。", "--json")[1])
    assert (found["topic"], found["likeliest"], found["prefecture"]) == (None, "nutrition_food", None)
    assert found["sentence"].startswith("机器没有把握")


@pytest.mark.parametrize("arguments", [(), ("--text", "a", __file__)])
def test_either_a_file_or_a_text_is_needed(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    code, told = run(capsys, *arguments)
    assert code == 2
    assert "give either FILE or --text" in told


def test_the_queue_is_worked_through_from_the_terminal(
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    fixed_clock: int,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
    review_desk.staff(database)
    with database.begin() as connection:
        review_desk.draft(connection, "fruit", title="丰收", body=TEXT, topic=None)
    code, told = run(capsys, "--learn", "--queue")
    assert (code, told.splitlines()) == (
        0,
        [
            "0 reviewed contents, 100 are needed: the lists of words are used",
            "suggested for 1, of which 0 without a topic: not sure enough",
            "topics so far: 0 taken, 0 changed, 0 left blank",
        ],
    )
    with database.connect() as connection:
        found = suggestions.get(connection, "fruit", 1)
    assert found is not None
    assert found.topic is Topic.AGRICULTURE
