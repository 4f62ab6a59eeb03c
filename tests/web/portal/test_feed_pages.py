"""The feed and the articles as people see them, without JavaScript."""

from __future__ import annotations

import html
import re
import threading
from collections.abc import Callable, Sequence

import pytest
import sqlalchemy as sa
from flask import Flask

from content_store import citizens, contents, events, ledger, locks, schema
from content_store.driver import Driver
from content_store.intake import Caller, Incoming, Intake, Received
from content_store.vocabulary import ContentStatus, EventKind
from tests.support.clockwork import until
from tests.web.conftest import opened
from tests.web.portal.conftest import Browser

_NEXT = re.compile(r'rel="next" href="([^"]+)"')


def stored(app: Flask) -> list[tuple[str, EventKind]]:
    """What was done, impressions left aside."""
    with opened(app).database.connect() as connection:
        everyone = [citizen.id for citizen in citizens.every(connection)]
        found = [event for id in everyone for event in events.history(connection, id)]
    return [(event.content_id, event.kind) for event in found if event.kind is not EventKind.IMPRESSION]


def turned(browser: Browser, path: str) -> list[str]:
    """The articles of all pages, by the links to the next one."""
    found: list[str] = []
    while True:
        text = browser.see(path)
        found += re.findall(r'<h2><a href="/contents/([^"]+)">', text)
        link = _NEXT.search(text)
        if link is None:
            return found
        path = html.unescape(link[1])


def test_the_links_lead_through_the_whole_shelf_each_article_once(browser: Browser, shelf: list[str]) -> None:
    assert sorted(turned(browser, "/")) == sorted(shelf)


def test_a_channel_has_the_articles_of_its_topic_only(browser: Browser, shelf: list[str]) -> None:
    assert sorted(turned(browser, "/?topic=space")) == sorted(shelf[::4])


def test_a_card_tells_title_summary_topic_source_and_reason(browser: Browser) -> None:
    text = browser.see("/?topic=space")
    for told in ("第0篇文章", "第0篇的提要。", "航空航天", "测试科普站", "新近发布"):
        assert told in text


def test_an_opened_article_is_shown_and_off_the_next_page(app: Flask, browser: Browser) -> None:
    opened_one = browser.cards("/")[0]
    text = browser.see(f"/contents/{opened_one}")
    assert "<strong>要紧的事</strong>" in text
    assert text.count('<li class="card">') == 6
    assert opened_one not in turned(browser, "/")
    assert stored(app) == [(opened_one, EventKind.CLICK)]


def test_an_article_opened_twice_a_day_is_one_event(app: Flask, browser: Browser) -> None:
    first = browser.cards("/")[0]
    browser.see(f"/contents/{first}")
    browser.see(f"/contents/{first}")
    assert stored(app) == [(first, EventKind.CLICK)]


def test_an_opening_waits_for_a_lock_and_its_page_does_not(app: Flask, browser: Browser) -> None:
    first = browser.cards("/")[0]
    until(lambda: opened(app).exposures.figures().waiting == 0, "the impressions")
    citizen = browser.client.get("/api/v1/me").get_json()["id"]
    with opened(app).database.begin() as connection:  # the lock of all writers on SQLite
        locks.hold(Driver(connection), [ledger.citizen_lock(citizen)])  # that of this citizen's on PostgreSQL
        assert browser.see(f"/contents/{first}")
        assert stored(app) == []
    until(lambda: stored(app), "the opening")
    assert stored(app) == [(first, EventKind.CLICK)]
    assert first not in turned(browser, "/")


def test_an_opening_that_waits_is_stored_before_the_end(app: Flask, browser: Browser) -> None:
    first = browser.cards("/")[0]
    until(lambda: opened(app).exposures.figures().waiting == 0, "the impressions")
    citizen = browser.client.get("/api/v1/me").get_json()["id"]
    ending = threading.Thread(target=opened(app).openings.close)
    with opened(app).database.begin() as connection:
        locks.hold(Driver(connection), [ledger.citizen_lock(citizen)])
        browser.see(f"/contents/{first}")
        ending.start()
    ending.join()
    assert stored(app) == [(first, EventKind.CLICK)]


def test_what_pages_tell_is_judged_by_the_intake(app: Flask, browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[tuple[str, str, str | None]] = []
    receive = Intake.receive

    def watched(intake: Intake, rows: Sequence[Incoming], caller: Caller, now_ms: int | None = None) -> Received:
        taken.extend((row.kind, row.content_id, caller.network_key) for row in rows)
        return receive(intake, rows, caller, now_ms)

    monkeypatch.setattr(Intake, "receive", watched)
    first, second = browser.cards("/")[:2]
    browser.see(f"/contents/{first}")
    browser.send("/not-interested", on="/", content=second)
    assert [row[:2] for row in taken] == [("click", first), ("not_interested", second)]
    assert all(row[2] for row in taken)
    with opened(app).database.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(schema.ledger_entries)).scalar_one() == 0


def test_who_only_passes_by_leaves_nothing(app: Flask, browser: Browser) -> None:
    browser.see("/contents/a000")
    browser.client.get("/contents/a001", headers={"Sec-Purpose": "prefetch"})
    browser.client.head("/contents/a002")
    assert stored(app) == []


def test_an_article_that_is_dismissed_is_gone_and_the_page_says_so(app: Flask, browser: Browser) -> None:
    unwanted = browser.cards("/?topic=space")[0]
    answer = browser.send("/not-interested", on="/", content=unwanted, topic="space")
    assert (answer.status_code, answer.location) == (303, "/?topic=space&notice=dismissed")
    assert "好的，这篇不再出现" in browser.see(answer.location)
    assert unwanted not in turned(browser, "/")
    assert stored(app) == [(unwanted, EventKind.NOT_INTERESTED)]


def test_a_form_without_its_token_changes_nothing(app: Flask, browser: Browser) -> None:
    browser.see("/")
    answer = browser.client.post("/not-interested", data={"content": "a000"})
    assert answer.status_code == 403
    assert "text/html" in answer.content_type
    assert stored(app) == []


@pytest.mark.parametrize(
    "path", ["/contents/nothing", "/contents/draft", "/contents/later", "/contents/%00", "/?topic=ufo"]
)
def test_what_may_not_be_shown_is_not_found(app: Flask, browser: Browser, path: str) -> None:
    with opened(app).database.begin() as connection:
        contents.create(connection, id="draft", title="草稿")
        contents.create(
            connection, id="later", title="明天见", status=ContentStatus.PUBLISHED, published_at=4_000_000_000_000
        )
    assert browser.client.get(path).status_code == 404


def test_a_spoilt_cursor_leads_to_the_beginning(browser: Browser) -> None:
    answer = browser.client.get("/?topic=space&cursor=nonsense")
    assert (answer.status_code, answer.location) == (303, "/?topic=space")


@pytest.mark.parametrize("path", ["/", "/contents/a000", "/me", "/how"])
def test_every_page_has_a_strict_policy_and_nothing_inline(browser: Browser, path: str) -> None:
    answer = browser.client.get(path)
    policy, text = answer.headers["Content-Security-Policy"], answer.get_data(as_text=True)
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)
    for source in re.findall(r'(?:src|href)="(/static/[^"]+)"', text):
        assert browser.client.get(source).status_code == 200


def test_the_elder_mode_stays_until_it_is_switched_back(browser: Browser) -> None:
    assert 'class="elder"' not in browser.see("/")
    answer = browser.send("/view", on="/how", view="elder", back="/how")
    assert (answer.status_code, answer.location) == (303, "/how")
    assert all('class="elder"' in browser.see(path) for path in ("/", "/me", "/contents/a000"))
    browser.send("/view", view="usual", back="/")
    assert 'class="elder"' not in browser.see("/")


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "", "/a\r\nX: y"])
def test_a_form_leads_back_to_our_own_pages_only(browser: Browser, back: str) -> None:
    assert browser.send("/view", view="elder", back=back).location == "/"


def test_every_page_says_so_where_the_readers_are_simulated(make_app: Callable[..., Flask]) -> None:
    plain = make_app()
    with opened(plain).database.begin() as connection:
        citizens.ensure(connection, ["sim-0001", "sim-0002"])
    assert "模拟" not in plain.test_client().get("/").get_data(as_text=True)
    simulated = make_app()
    for path in ("/", "/me", "/progress"):
        assert "读者和阅读都是模拟的" in simulated.test_client().get(path).get_data(as_text=True)
