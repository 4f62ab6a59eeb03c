"""What citizens go through, in a real Chromium on a phone: read, shape, dismiss, switch off, lose the network."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from content_store.vocabulary import Topic
from tests.support.portal_town import BOOKS, ENOUGH_S, SHELVES, shelf_of, title
from tests.web.browser.conftest import DESK, PHONE, Portal, Visitor
from web.cli import main

ENTRIES = "SELECT counted_as, reason FROM ledger_entries WHERE citizen_id = ? AND object_id = ? ORDER BY issued_at"
READINGS = "SELECT id, dwell_ms FROM events WHERE citizen_id = ? AND content_id = ? AND kind = 'read'"


def places(ids: Sequence[str], topic: Topic) -> list[int]:
    """The places of the articles of a topic in a list."""
    return [place for place, id in enumerate(ids) if shelf_of(id) is topic]


def whole_feed(visitor: Visitor) -> list[str]:
    """Every article in the order in which the citizen would get to it."""
    visitor.go()
    visitor.scroll_through()
    return visitor.shown()


def counted(portal: Portal, visitor: Visitor) -> int:
    """The services that count for the citizen."""
    query = "SELECT count(*) FROM ledger_entries WHERE citizen_id = ? AND counted_as IS NOT NULL"
    return int(portal.rows(query, visitor.citizen)[0][0])


def test_a_guest_reads_and_the_feed_is_shaped_and_says_so_until_it_is_switched_off(
    portal: Portal, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    visitor.go()
    before = visitor.shown()
    assert len(before) == 20
    assert not any("因为你读过" in reason for reason in visitor.reasons())

    topic = min(SHELVES, key=lambda topic: len(places(before, topic)))
    visitor.go(f"/?topic={topic}")
    chosen = visitor.shown()[:3]
    for id in chosen:
        visitor.read(id, on=f"/?topic={topic}")
    assert counted(portal, visitor) == 3

    visitor.go()
    shaped = visitor.shown()
    assert not set(chosen) & set(shaped)
    assert places(shaped, topic)[0] == 0
    assert len(places(shaped, topic)) > len(places(before, topic))
    assert re.fullmatch(
        rf"因为你读过《({'|'.join(map(title, chosen))})》（近来有 \d+ 位读者两篇都读了）", visitor.reasons()[0]
    )

    whole = whole_feed(visitor)
    unwanted = next(id for id in whole if shelf_of(id) is not topic)
    visitor.dismiss(unwanted)
    assert "好的，这篇不再出现" in visitor.page.locator("#items li.notice").inner_text()
    lowered = whole_feed(visitor)
    assert sorted(lowered) == sorted(set(whole) - {unwanted})
    assert sum(places(lowered, shelf_of(unwanted))) > sum(places(whole, shelf_of(unwanted)))

    visitor.press("/me", "关闭个性化推荐")
    assert "个性化推荐已关闭" in visitor.page.locator(".notice").inner_text()
    visitor.go()
    assert "个性化推荐没有参与这个列表" in visitor.page.locator(".notice").inner_text()
    assert not [told for told in visitor.reasons() if re.search("因为你读过|你常看的|没看过", told)]

    visitor.press("/me", "打开个性化推荐")
    visitor.go()
    assert not visitor.page.locator(".notice").count()
    assert any("因为你读过" in told for told in visitor.reasons())
    assert places(visitor.shown(), topic)[0] == 0
    assert visitor.complaints == []
    assert visitor.overflow() <= 0


def test_an_article_read_twice_and_told_of_again_and_again_counts_once(
    portal: Portal, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    visitor.go()
    id = visitor.shown()[0]
    for _ in range(2):
        visitor.open_directly(id)
        visitor.stay(ENOUGH_S)
        visitor.scroll_to_end()
        for _ in range(3):
            visitor.stay(2)
            visitor.look_away()
        visitor.go()
        visitor.told_all()

    first, second = dict.fromkeys(visitor.told)
    assert visitor.beacons >= 6
    assert {row[0] for row in portal.rows(READINGS, visitor.citizen, id)} == {first, second}
    assert portal.rows(ENTRIES, visitor.citizen, id) == [("read", None), (None, "already_counted")]
    assert visitor.complaints == []


def test_what_is_dismissed_on_its_own_page_stays_so_when_the_reading_is_told_afterwards(
    portal: Portal, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    visitor.go()
    unwanted = visitor.shown()[0]
    visitor.deaf()
    visitor.open_directly(unwanted)
    visitor.stay(ENOUGH_S)
    visitor.scroll_to_end()
    visitor.context.unroute("**/api/v1/events")
    with visitor.page.expect_navigation():
        visitor.page.locator(".opinion button").click()
    assert "好的，这篇不再出现" in visitor.page.locator(".notice").inner_text()
    visitor.told_all()
    visitor.go()
    assert not any("因为你读过" in told for told in visitor.reasons())
    assert len(portal.rows(READINGS, visitor.citizen, unwanted)) == 1


def test_a_look_of_three_seconds_does_not_count_and_the_ledger_says_why(
    portal: Portal, visit: Callable[..., Visitor], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    visitor = visit()
    visitor.go()
    id = visitor.shown()[0]
    visitor.open(id)
    visitor.stay(3)
    visitor.scroll_to_end()
    visitor.go()
    visitor.told_all()
    (reading,) = portal.rows(READINGS, visitor.citizen, id)
    assert 3_000 <= reading[1] < 15_000
    assert portal.rows(ENTRIES, visitor.citizen, id) == [(None, "too_short")]

    monkeypatch.setenv("KEPU_DATA_DIR", str(portal.settings.data_dir))
    with pytest.raises(SystemExit):
        main(["ledger", "progress"])
    assert re.search(r"too_short 阅读时间太短 +[1-9]", capsys.readouterr().out)


def test_what_was_read_without_a_network_arrives_once_when_it_is_back(
    portal: Portal, visit: Callable[..., Visitor]
) -> None:
    visitor = visit()
    visitor.go()
    id = visitor.shown()[0]
    visitor.open(id)
    citizen = visitor.citizen
    visitor.context.set_offline(True)
    visitor.stay(ENOUGH_S)
    visitor.scroll_to_end()
    visitor.stay(ENOUGH_S)
    assert portal.rows(READINGS, citizen, id)[0][1] < 10_000
    visitor.context.set_offline(False)
    visitor.told_all()
    (reading,) = portal.rows(READINGS, citizen, id)
    assert reading[1] >= ENOUGH_S * 1000
    assert portal.rows(ENTRIES, citizen, id) == [("read", None)]
    assert [told for told in visitor.complaints if "ERR_INTERNET_DISCONNECTED" not in told] == []


@pytest.mark.parametrize("path", ["/", "/me", "/how"])
def test_what_could_not_be_told_is_told_from_whatever_page_is_opened_next(
    portal: Portal, visit: Callable[..., Visitor], path: str
) -> None:
    visitor = visit()
    visitor.go()
    id = visitor.shown()[0]
    visitor.open(id)
    visitor.deaf()
    visitor.page.evaluate("navigator.sendBeacon = () => false")
    visitor.stay(ENOUGH_S)
    visitor.scroll_to_end()
    visitor.stay(1)
    visitor.go("/how?elsewhere")
    assert portal.rows(ENTRIES, visitor.citizen, id) == [(None, "too_short")]
    visitor.context.unroute("**/api/v1/events")
    visitor.go(path)
    visitor.told_all()
    assert portal.rows(ENTRIES, visitor.citizen, id) == [("read", None)]


def test_scrolling_reaches_every_article_once(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.go()
    first = visitor.shown()
    visitor.scroll_through()
    shown = visitor.shown()
    assert shown[:20] == first
    assert sorted(shown) == [f"a{shelf}{book:02d}" for shelf in range(len(SHELVES)) for book in range(BOOKS)]
    assert visitor.complaints == []


def test_everything_can_be_done_without_javascript(portal: Portal, visit: Callable[..., Visitor]) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.go()
    pages = [visitor.shown()]
    while (link := visitor.page.locator("a[rel=next]")).count():
        link.click()
        pages.append(visitor.shown())
    assert sorted(id for page in pages for id in page) == sorted(
        f"a{shelf}{book:02d}" for shelf in range(len(SHELVES)) for book in range(BOOKS)
    )
    visitor.go()
    opened = visitor.shown()[0]
    visitor.page.locator(f'#items a[href="/contents/{opened}"]').click()
    assert visitor.page.locator("article .body").inner_text()
    visitor.go()
    unwanted = visitor.shown()[0]
    visitor.dismiss(unwanted)
    assert "好的，这篇不再出现" in visitor.page.locator(".notice").inner_text()
    assert not {opened, unwanted} & set(visitor.shown())
    visitor.page.get_by_role("link", name="能源", exact=True).first.click()
    assert {shelf_of(id) for id in visitor.shown()} == {Topic.ENERGY}
    visitor.press("/me", "关闭个性化推荐")
    assert "个性化推荐已关闭" in visitor.page.locator(".notice").inner_text()
    visitor.press("/me", "打开个性化推荐")
    assert "个性化推荐已打开" in visitor.page.locator(".notice").inner_text()
    assert visitor.complaints == []


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_no_page_is_wider_than_the_window_or_complains(visit: Callable[..., Visitor], viewport: dict[str, Any]) -> None:
    visitor = visit(viewport=viewport)
    visitor.go()
    for look in ("关怀版", "标准版"):
        for path in ("/", "/?topic=energy", "/contents/a100", "/me", "/how"):
            visitor.go(path)
            assert visitor.overflow() <= 0, (look, path)
        visitor.press("/", look)
    assert visitor.complaints == []
