"""How quick the queue is suggested for, beside many published contents: ``python -m bench.suggesting``.

Prints, for SQLite and for a private PostgreSQL server where there is one, suggestions stored a second by the lists of
words, and the time to find that nothing waits.
"""

from __future__ import annotations

import argparse
import time

from sqlalchemy import insert
from threadpoolctl import threadpool_limits

from bench.databases import KINDS, empty_database
from content_store import schema, suggestions
from content_store.db import Database, open_database
from content_store.review import trail, versions
from content_store.review_words import ContentOrigin
from content_store.schema_review import content_versions
from content_store.settings import load_settings
from recsys.classifying import Classifier
from recsys.suggesting import fill
from web.demo.articles import demo_articles

BATCH = 10_000


def furnish(database: Database, published: int, waiting: int) -> None:
    """Store imported contents with a version each, and drafts with the demo's articles again and again."""
    with database.begin() as connection:
        for start in range(0, published, BATCH):
            ids = [f"p{at:08}" for at in range(start, min(start + BATCH, published))]
            told = {"version": 1, "title": "t", "tags": [], "created_at": 1}
            contents = [told | {"id": id, "status": "published", "origin": "import"} for id in ids]
            connection.execute(insert(schema.contents), contents)
            words = [told | {"content_id": id, "body": "地震" * 200, "length": 400} for id in ids]
            connection.execute(insert(content_versions), words)
    articles = demo_articles()
    with database.begin() as connection:
        for at in range(waiting):
            one = articles[at % len(articles)]
            versions.create(
                connection,
                trail.programme("bench"),
                ContentOrigin.FEED,
                id=f"q{at:08}",
                title=one.title,
                summary=one.summary,
                body=one.body,
            )
    with database.begin() as connection:
        connection.exec_driver_sql("ANALYZE")


def measure(url: str, published: int, waiting: int) -> None:
    """Print the row of a database."""
    database = open_database(load_settings({"KEPU_DATABASE_URL": url}))
    try:
        furnish(database, published, waiting)
        classifier = Classifier()
        start = time.perf_counter()
        filled = fill(database, classifier)
        rate = filled.stored / (time.perf_counter() - start)
        with database.connect() as connection:
            start = time.perf_counter()
            assert not suggestions.lacking(connection, 200)
        idle = 1_000 * (time.perf_counter() - start)
        print(f"| {url.partition(':')[0]} | {filled.stored:,} | {filled.unsure:,} | {rate:,.0f} | {idle:.0f} ms |")
    finally:
        database.close()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--published", type=int, default=100_000)
    parser.add_argument("--waiting", type=int, default=2_000)
    given = parser.parse_args()
    with threadpool_limits(1):
        for kind in KINDS:
            with empty_database(kind) as url:
                measure(url, given.published, given.waiting)


if __name__ == "__main__":
    main()
