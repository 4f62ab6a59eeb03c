"""What models are made of, read from the records: events, articles, and whom and what the law keeps out of profiles."""

from __future__ import annotations

from content_store import contents, history
from content_store.db import Database
from content_store.event_stream import read_columns
from content_store.profiling import uninferred_contents, unprofiled_citizens
from recsys.features.articles import Article, articles
from recsys.features.dataset import Dataset, Rules
from recsys.features.interest import InterestConfig


def read_dataset(database: Database, as_of: int, config: InterestConfig) -> Dataset:
    """The dataset of everything recorded that happened before ``as_of`` (epoch ms), under today's rules of the law.

    Impressions are left out: they teach nothing, and are most of the log.
    """
    with database.connect() as connection:
        rules = Rules(unprofiled_citizens(connection), uninferred_contents(connection), history.forgotten(connection))
        events = read_columns(connection, until_ms=as_of, contacts=True)
        return Dataset.build(events, as_of=as_of, rules=rules, config=config)


def read_articles(database: Database) -> dict[str, Article]:
    """All contents as models see them, by id."""
    with database.connect() as connection:
        return articles(contents.every(connection))
