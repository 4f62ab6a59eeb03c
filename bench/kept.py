"""What it takes to keep what sources said: bytes for 10,000 items, and time. ``python -m bench.kept``

Feeds of 20 items are made of the real articles of ``zh_tech_articles`` below ``KEPU_DATASETS``, as HTML: with their
whole texts, or with a taste of each, and its page kept beside it, the article in 40 KB of frame. So many items are new
at each fetch; the rest of the document is what was there before. Everything is stored through ``keeping.keep`` in
SQLite; bytes are those of the documents, without keys and links (some 400 an item), time is CPU.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from html import escape

import pyarrow.parquet as pq
import sqlalchemy as sa

from content_store import contents, schema
from content_store.db import Database, open_database
from content_store.ingest import keeping
from content_store.ingest.fetching import Fetched
from content_store.ingest.parsed import ParsedItem
from content_store.settings import load_settings
from tests.support.datasets import datasets_or_skip

_LENGTH = 20
"""Items of a feed at a time."""
_FRAME = 40_000
_NEW = (1, 3, 20)


def main() -> None:
    """Print the table."""
    table = pq.read_table(datasets_or_skip() / "data" / "zh_tech_articles.parquet", columns=["title", "markdown"])
    articles = [(row["title"], row["markdown"]) for row in table.to_pylist()]
    print("| what the feed has | new at each fetch | MiB for 10,000 items | of it pages | CPU ms an item |")
    print("|---|---:|---:|---:|---:|")
    for full in (True, False):
        for new in _NEW:
            _measure(articles, full, new)


def _measure(articles: list[tuple[str, str]], full: bool, new: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(load_settings({"KEPU_DATABASE_URL": f"sqlite:///{folder}/records.sqlite3"}))
        try:
            with database.begin() as connection:
                rows = [{"id": str(number), "title": title} for number, (title, _) in enumerate(articles)]
                contents.merge(connection, rows)
            items, seconds = 0, 0.0
            for feed, pages, brought in _fetches(articles, full, new):
                with database.begin() as connection:
                    begun = time.process_time()
                    keeping.keep(connection, "feed", feed, pages, brought)
                    seconds += time.process_time() - begun
                items += len(brought)
            _tell(database, full, new, items, seconds)
        finally:
            database.close()


def _tell(database: Database, full: bool, new: int, items: int, seconds: float) -> None:
    files, rows = schema.fetched_files, schema.fetched_originals
    with database.connect() as connection:
        whole = connection.execute(sa.select(sa.func.sum(sa.func.length(files.c.data)))).scalar_one()
        pages = connection.execute(
            sa.select(sa.func.coalesce(sa.func.sum(sa.func.length(files.c.data)), 0)).where(
                sa.exists().where(rows.c.digest == files.c.digest, rows.c.part == "page")
            )
        ).scalar_one()
    mib = 10_000 / items / 2**20
    kind = "whole texts" if full else "a taste, with pages"
    print(f"| {kind} | {new} | {whole * mib:,.0f} | {pages * mib:,.0f} | {seconds * 1000 / items:.2f} |", flush=True)


def _fetches(
    articles: list[tuple[str, str]], full: bool, new: int
) -> Iterator[tuple[Fetched, dict[tuple[str, str], Fetched], list[tuple[ParsedItem, str]]]]:
    """One feed over time: its document, the pages, and the new items with the ids of their contents."""
    frame = _frame()
    for last in range(_LENGTH, len(articles) + 1, new):
        shown = range(last - _LENGTH, last)
        feed = _answer("/feed", "".join(_entry(at, *articles[at], full) for at in shown))
        brought = [(ParsedItem(guid=str(at), link=f"/{at}"), str(at)) for at in shown[-new:]]
        pages = (
            {} if full else {item.key: _answer(item.link, frame + _html(articles[int(id)][1])) for item, id in brought}
        )
        yield feed, pages, brought


def _entry(at: int, title: str, text: str, full: bool) -> str:
    told = _html(text if full else text[:150])
    return f"<item><guid>{at}</guid><title>{escape(title)}</title><description>{escape(told)}</description></item>"


def _html(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n") if part.strip())


def _frame() -> str:
    """Menus, styles and scripts of a page: the same names again and again, with numbers of its own."""
    drawn = random.Random(1)
    text = ""
    while len(text) < _FRAME:
        number = drawn.randrange(10**6)
        text += (
            f'<li class="nav-item-{number % 40}"><a href="/column/{number}.html" title="栏目{number}">栏目</a></li>\n'
        )
    return text


def _answer(url: str, body: str) -> Fetched:
    return Fetched(
        url=f"https://kp.example{url}",
        moved_to=None,
        status=200,
        not_modified=False,
        body=body.encode(),
        content_type="text/html",
        charset="utf-8",
        etag=None,
        last_modified=None,
        retry_after_s=None,
        fresh_s=None,
        wire_bytes=0,
    )


if __name__ == "__main__":
    main()
