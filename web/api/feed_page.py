"""A page of the feed with its titles and sentences, as the API answers it and the portal shows it."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import orjson

from content_store import clock
from content_store.contents import Card
from content_store.errors import DatabaseError, DatabaseRefused
from content_store.exposure_log import Placed
from content_store.exposures import Showing
from content_store.vocabulary import Topic
from recsys.feed import Ask, Entry, Page, Why
from recsys.reasons import ReasonCode
from recsys.sentences import sentence
from web import auth
from web.api.endpoint import Output
from web.services import Services

log = logging.getLogger(__name__)


@dataclass(slots=True)
class ListedContent:
    """A content in a list; ``published_at`` is epoch ms, null where nobody knows it."""

    id: str
    title: str
    summary: str | None
    topic: Topic | None
    source: str | None
    published_at: int | None

    @classmethod
    def of(cls, card: Card) -> Self:
        """What ``card`` shows."""
        return cls(card.id, card.title, card.summary, card.topic, card.source, card.published_at)


@dataclass(slots=True)
class FeedReason:
    """Why an item is here: a stable code, the sentence for people, the contents that it names."""

    code: ReasonCode
    text: str
    refs: Sequence[str]


@dataclass(slots=True)
class FeedItem(ListedContent):
    """``position`` counts from 0 over all pages; ``propensity`` is the probability of this item there, above 0 to 1."""

    reason: FeedReason
    position: int
    propensity: float


class FeedPage(Output):
    """``cursor`` asks for the next page, null after the last; ``snapshot`` names the models, null without any."""

    items: list[FeedItem]
    cursor: str | None
    snapshot: str | None
    personalised: bool

    def encoded(self) -> bytes:
        """As JSON; what pydantic would write, in a third of the time."""
        return orjson.dumps(self.__dict__)


def compose(services: Services, ask: Ask) -> FeedPage:
    """The page that ``ask`` asks for; what it shows is logged soon.

    While the records are out of reach it is a page of contents whose titles were read before, and the last one. Raises
    BadCursor, and DatabaseError where there are none of these, or the records refuse what is asked.
    """
    begun = time.perf_counter()
    try:
        with services.database.reading() as connection:
            page = services.recommender.feed.page(ask, connection)
            cards = services.cards.of(connection, _named(page), page.changed)
    except DatabaseRefused:
        raise
    except DatabaseError as error:
        log.warning("a page is made without the records: %s", error.message)
        cards = services.cards.kept()
        page = services.recommender.feed.page_without_records(ask, cards)
        if not page.entries:
            raise
    # Withdrawn within the last second: the feed does not know yet, the records do.
    items = [_item(entry, cards) for entry in page.entries if entry.id in cards and cards[entry.id].live]
    if auth.seen_by_someone():
        showing = Showing(ask.citizen, clock.now_ms(), page.slate, page.snapshot)
        services.exposures.put(showing, [Placed(item.id, item.position, item.propensity) for item in items])
    for name in page.fallbacks:
        services.metrics.feed_fallbacks.labels(name).inc()
    place = "first" if ask.cursor is None else "later"
    services.metrics.feed_seconds.labels(place).observe(time.perf_counter() - begun)
    # Nothing is checked, for it is our own.
    return FeedPage.model_construct(
        items=items, cursor=page.cursor, snapshot=page.snapshot, personalised=page.personalised
    )


def _named(page: Page) -> set[str]:
    """The contents that ``page`` shows, and those that its reasons name."""
    return {id for entry in page.entries for id in (entry.id, *entry.why.refs)}


def related(services: Services, id: str, citizen: str, limit: int) -> list[ListedContent]:
    """Up to ``limit`` live contents near the content ``id`` that ``citizen`` has not met. Raises DatabaseError."""
    near = services.recommender.feed.related(id, citizen, limit)
    if not near:
        return []
    with services.database.connect() as connection:
        cards = services.cards.of(connection, near)
    return [ListedContent.of(cards[found]) for found in near if found in cards and cards[found].live]


def _item(entry: Entry, cards: Mapping[str, Card]) -> FeedItem:
    id, why, position, propensity = entry
    named = [cards.get(ref) for ref in why.refs]
    titles = [card.title for card in named if card is not None and card.live]
    if len(titles) < len(named):
        # What it names is gone, perhaps because nobody should read its title.
        why, titles = Why(ReasonCode.CATALOGUE), []
    reason = FeedReason(why.code, sentence(why.code, titles=titles, count=why.count, region=why.region), why.refs)
    _, title, summary, topic, source, published_at, _ = cards[id]
    return FeedItem(id, title, summary, topic, source, published_at, reason, position, propensity)
