"""``kepu ingest --file``: a feed is shown, nothing is stored; ``kepu ingest original``: what a source said."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from content_store import clock, contents
from content_store.alliance import creators
from content_store.alliance.admission import Application
from content_store.db import Database
from content_store.ingest import feeds, keeping
from content_store.ingest.fetching import Fetched
from content_store.ingest.pacing import Bounds
from content_store.ingest.parsed import ParsedItem
from content_store.problems import FetchProblem
from content_store.settings import load_settings
from content_store.vocabulary import Topic
from tests.support.hostile import Hostile, page
from tests.support.staff import ROOT, found_organisations, somebody
from web import cli

FEED = """<rss version="2.0"><channel><title>科普</title><link>https://kp.example/</link><item><title>熊猫</title>
<link>/p/1</link><pubDate>Wed, 01 May 2024 12:00:00 +0800</pubDate>
<description>&lt;p>正文&lt;script>x&lt;/script></description>
</item></channel></rss>"""

ANSWER = Fetched(
    url="https://kp.example/feed",
    moved_to=None,
    status=200,
    not_modified=False,
    body=FEED.encode("gb18030"),
    content_type="text/xml",
    charset=None,
    etag=None,
    last_modified=None,
    retry_after_s=None,
    fresh_s=None,
    wire_bytes=1,
    at=1_735_704_000_000,
)


@pytest.fixture(autouse=True)
def _settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KEPU_DATA_DIR", str(tmp_path / "data"))


def run(*arguments: str) -> int:
    """Run ``kepu`` here; returns its exit code."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    """A feed in GB18030 that declares nothing."""
    path = tmp_path / "feed.xml"
    path.write_bytes(FEED.encode("gb18030"))
    return path


def test_items_are_printed_as_json_and_nothing_is_stored(
    feed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("ingest", "--file", str(feed), "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["title"], told["encoding"], told["whole"]) == ("科普", "gb18030", True)
    assert [(item["title"], item["url"], item["html"], item["published"]) for item in told["items"]] == [
        ("熊猫", "https://kp.example/p/1", "<p>正文</p>", 1_714_536_000_000)
    ]
    assert (told["items"][0]["reading_minutes"], told["items"][0]["teaser"]) == (1, True)
    assert not (tmp_path / "data").exists()


def test_without_json_there_is_a_line_for_each_item(feed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ingest", "--file", str(feed)) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["科普  https://kp.example/", "rss20, gb18030, 1 items"]
    assert lines[2].split() == ["2024-05-01", "12:00", "熊猫", "teaser", "https://kp.example/p/1"]


def test_the_standard_input_is_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FEED.encode())))
    assert run("ingest", "--file", "-", "--json", "--url", "https://other.example/feed") == 0
    assert json.loads(capsys.readouterr().out)["items"][0]["title"] == "熊猫"


@pytest.mark.parametrize("data", [b"", b"<html></html>", b"{}", b"\x00\x01\x02"])
def test_a_bad_file_is_told_on_the_error_stream_alone(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad"
    path.write_bytes(data)
    assert run("ingest", "--file", str(path), "--json") == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("error: ")
    assert len(told.err.splitlines()) == 2


def test_a_file_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ingest", "--file", str(tmp_path / "none.xml")) == 2
    assert "cannot be read" in capsys.readouterr().err


@pytest.fixture
def content(database: Database, database_url: str, monkeypatch: pytest.MonkeyPatch, fixed_clock: int) -> Iterator[str]:
    """A content of which a feed is kept."""
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
    with database.begin() as connection:
        contents.merge(connection, [{"id": "panda", "title": "熊猫", "body": "正文"}, {"id": "tea", "title": "茶"}])
        keeping.keep(connection, "feed", ANSWER, {}, [(ParsedItem(guid="1"), "panda")])
    yield "panda"
    clock.set_offset(0)


def test_what_a_source_said_is_listed_and_saved_byte_for_byte(
    content: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert run("ingest", "original", content) == 0
    told = capfdbinary.readouterr().out.decode().split()
    assert told == ["1", "2025-01-01", "12:00", "feed", str(len(ANSWER.body)), "bytes", "text/xml", ANSWER.url]
    assert run("ingest", "original", content, "--number", "1", "--out", str(tmp_path / "kept")) == 0
    assert (tmp_path / "kept").read_bytes() == ANSWER.body
    assert run("ingest", "original", content, "--out", "-") == 0
    assert capfdbinary.readouterr().out == ANSWER.body


def test_feeds_that_are_left_alone_are_told_with_the_reason(
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cheap_passwords: None,
) -> None:
    monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
    with database.begin() as connection:
        found_organisations(connection)
        id = somebody(connection, "li").id
        creators.apply(connection, id, Application(expertise=(Topic.LIFE_SCI,)))
        feeds.subscribe(
            connection, ANSWER.url, account_id=id, organisation_id=ROOT, licence="CC BY", bounds=Bounds(1_000, 1_000)
        )
    assert run("ingest") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{ANSWER.url}  not fetched: its creator is not admitted yet, and works are taken of members only",
        "no feed was due; 1 of no members now, not fetched",
    ]


def test_where_nothing_is_kept_that_is_told(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ingest", "original", "tea") == 0
    assert capsys.readouterr().out == "nothing that was fetched is kept of it\n"
    assert run("ingest", "original", "tea", "--out", str(tmp_path / "kept")) == 2
    assert run("ingest", "original", content, "--number", "2") == 2
    assert run("ingest", "original", "nobody") == 2
    assert run("ingest", "original", content, "--out", str(tmp_path / "no" / "kept")) == 2
    assert "cannot be written" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()


def test_fetching_tells_of_each_feed_as_it_goes_and_sums_up(
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cheap_passwords: None,
    fixed_clock: int,
) -> None:
    answers = {"/good": b"", "/bad": page(b"<html></html>"), "/gone": page(b"", status="410 Gone")}
    missing = page(b"", status="404 Not Found")
    whole = FEED.replace("https://kp.example", "").replace(
        "正文", "熊猫吃竹子，竹子里的养分很少，它只好吃上一整天。" * 12
    )
    answers["/good"] = page(whole.encode())
    with Hostile(lambda request: answers.get(request.split(b" ")[1].decode(), missing)) as server:
        urls = [server.url(path, host="localhost") for path in answers]
        monkeypatch.setenv("KEPU_DATABASE_URL", database_url)
        monkeypatch.setenv("KEPU_FETCH_NAMED_HOSTS", f"localhost:{server.port}")
        with database.begin() as connection:
            found_organisations(connection)
            told = {"account_id": somebody(connection, "li").id, "organisation_id": ROOT, "licence": "CC BY 4.0"}
            for url in urls:
                feeds.subscribe(connection, url, bounds=Bounds.of(load_settings({})), **told)
        assert run("ingest") == 1
    *lines, last = capsys.readouterr().out.splitlines()
    assert sorted(line.split("  ")[0] for line in lines) == sorted(urls)
    by_path = {line.split("  ")[0].rpartition("/")[2]: line.split("  ", 1)[1] for line in lines}
    assert by_path == {
        "good": "科普: 1 new",
        "bad": FetchProblem.BAD_FEED.label,
        "gone": FetchProblem.GONE.label,
    }
    assert last == "3 feeds: 1 new, 0 copy, 0 changed, 0 unchanged, 2 feeds failed"


def test_what_is_for_a_file_is_refused_without_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ingest", "--json") == 2
    assert "kepu ingest --file PATH" in capsys.readouterr().err
