"""``/api/v1/feed``: what a citizen may like to read next, page by page."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from content_store.errors import BadCursor
from content_store.vocabulary import Topic
from recsys.feed import LONGEST, Ask
from web import auth
from web.api.endpoint import Endpoint, Query
from web.api.feed_page import FeedPage, compose
from web.services import Services


class FeedQuery(Query):
    """``topic`` narrows a feed from its first page on; with a ``cursor`` the topic of that page goes on."""

    limit: Annotated[int, Field(ge=1, le=LONGEST)] = 20
    cursor: str | None = None
    topic: Topic | None = None


def show(services: Services, query: FeedQuery) -> FeedPage:
    """A page of the feed of the citizen who asks."""
    return compose(services, Ask(auth.need_citizen(), query.limit, query.cursor, query.topic))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/feed",
        name="show_feed",
        summary="A page of my feed",
        handle=show,
        query=FeedQuery,
        answer=FeedPage,
        fails=(BadCursor,),
    ),
)
