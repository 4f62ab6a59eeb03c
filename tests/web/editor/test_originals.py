"""来源原文: what a source said, as a file that no browser shows by itself."""

from __future__ import annotations

import re

from content_store.ingest import keeping
from content_store.ingest.fetching import Fetched
from content_store.ingest.parsed import ParsedItem
from tests.web.conftest import opened
from tests.web.editor.conftest import Newsroom

PAGE = "/staff/contents/onion"
SAID = "<script>alert(1)</script><p>切洋葱</p>".encode("gb18030")
ANSWER = Fetched(
    url="https://example.org/feed?a=<b>",
    moved_to=None,
    status=200,
    not_modified=False,
    body=SAID,
    content_type="text/html",
    charset="gb18030",
    etag=None,
    last_modified=None,
    retry_after_s=None,
    fresh_s=None,
    wire_bytes=1,
    at=1_735_704_000_000,
)


def keep(newsroom: Newsroom, id: str, *answers: Fetched) -> None:
    with opened(newsroom.app).database.begin() as connection:
        for answer in answers:
            keeping.keep(connection, "feed", answer, {}, [(ParsedItem(guid="1"), id)])


def test_the_page_of_a_content_leads_to_what_its_source_said(newsroom: Newsroom) -> None:
    newsroom.write()
    assert "来源原文" not in newsroom.sit("li").see(PAGE)
    keep(newsroom, "onion", ANSWER)
    li = newsroom.sit("li")
    page = li.see(PAGE)
    assert "2025-01-01 12:00 抓取" in page and "https://example.org/feed?a=&lt;b&gt;" in page
    [link] = re.findall(r'href="([^"]+/original\?number=\d+)"', page)
    answer = li.client.get(link)
    assert (answer.status_code, answer.data) == (200, SAID)


def test_no_browser_takes_it_for_a_page(newsroom: Newsroom) -> None:
    newsroom.write()
    keep(newsroom, "onion", ANSWER)
    headers = newsroom.sit("li").client.get(f"{PAGE}/original").headers
    assert headers["Content-Type"] == "text/plain"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert re.fullmatch(r'attachment; filename="original-\d+\.txt"', headers["Content-Disposition"])
    assert headers["Cache-Control"] == "no-store"


def test_it_is_for_those_who_may_see_the_content_and_only_of_that_content(newsroom: Newsroom) -> None:
    newsroom.write()
    newsroom.write("tea", title="泡茶")
    keep(newsroom, "tea", ANSWER)
    li = newsroom.sit("li")
    assert li.client.get("/staff/contents/tea/original?number=1").status_code == 200
    for path in (f"{PAGE}/original", f"{PAGE}/original?number=1", "/staff/contents/tea/original?number=x"):
        assert li.client.get(path).status_code == 404
    for login in ("outsider", "wang"):
        assert newsroom.sit(login).client.get("/staff/contents/tea/original").status_code == 403
    assert newsroom.app.test_client().get("/staff/contents/tea/original").status_code in (302, 303)
