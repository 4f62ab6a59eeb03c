"""``/api/v1/contents``: single contents and what is near them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from content_store import checks, contents
from content_store.errors import UnknownContent
from web import auth
from web.api import feed_page
from web.api.endpoint import Endpoint, Output, Query
from web.api.feed_page import ListedContent
from web.services import Services

MOST_RELATED = 20


class RelatedQuery(Query):
    """How many to list at most."""

    limit: Annotated[int, Field(ge=1, le=MOST_RELATED)] = 6


class RelatedContents(Output):
    """The nearest first."""

    items: list[ListedContent]


def related(services: Services, id: str, query: RelatedQuery) -> RelatedContents:
    """What is near a content. Raises UnknownContent where none that may be shown has this id, BadRecord for no id."""
    checks.identifier(id, "a content's id")
    with services.database.connect() as connection:
        card = contents.cards(connection, [id]).get(id)
    if card is None or not card.live:
        raise UnknownContent(f"no content that may be shown has the id {id}")
    return RelatedContents(items=feed_page.related(services, id, auth.need_citizen(), query.limit))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/v1/contents/{id}/related",
        name="list_related",
        summary="What is near a content",
        handle=related,
        query=RelatedQuery,
        answer=RelatedContents,
        fails=(UnknownContent,),
    ),
)
