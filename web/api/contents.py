"""``/api/v1/contents``: what there is to read, with the token that lets a reading count, and what is near it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from content_store import checks, contents, credits, reading_tokens
from content_store.errors import BadRecord, UnknownContent, Withdrawn
from content_store.review import withdrawing
from content_store.review_words import AiUse, ContentOrigin, ReviewStep
from content_store.vocabulary import Topic
from web import auth
from web.api import feed_page
from web.api.endpoint import Endpoint, Output, Query
from web.api.feed_page import ListedContent
from web.auth import Via
from web.services import Services

MOST_RELATED = 20


class ReviewedBy(Output):
    """Who let the words pass which step (``label`` in Chinese), and when (epoch ms)."""

    step: ReviewStep
    label: str
    name: str
    at: int


class CorrectionNote(Output):
    """What was corrected, and when (epoch ms)."""

    at: int
    note: str


class ContentAnswer(Output):
    """A content that may be read now.

    ``origin`` is the road by which it came; of what was imported and not corrected since nothing was reviewed here, and
    neither licence nor AI-use statement is known. ``ai_label`` must be shown with the words where it is not null.
    ``wording`` counts the wordings that were saved, ``corrections`` has the newest first. ``reading_id`` is to be the
    id of the events of this reading and ``reading_token`` to go with them; both are null for another programme that
    does not say for whom it acts.
    """

    id: str
    version: int
    title: str
    summary: str | None
    body: str | None
    topic: Topic | None
    tags: list[str]
    place: str | None
    source: str | None
    author: str | None
    url: str | None
    published_at: int | None
    reading_id: str | None
    reading_token: str | None
    origin: ContentOrigin
    wording: int | None
    licence: str | None
    ai_use: AiUse | None
    ai_label: str | None
    reviewers: list[ReviewedBy]
    corrections: list[CorrectionNote]


def show(services: Services, id: str) -> ContentAnswer:
    """The content with this id, if it may reach citizens.

    Raises UnknownContent where it may not, Withdrawn where it once did.
    """
    try:
        checks.identifier(id, "a content's id")
    except BadRecord as error:
        raise UnknownContent("no content has such an id") from error
    with services.database.connect() as connection:
        withdrawing.refuse_withdrawn(connection, id)
        found = contents.get_live(connection, id)
        beside = credits.of(connection, found)
    token = _token(services, id)
    return ContentAnswer(
        id=found.id,
        version=found.version,
        title=found.title,
        summary=found.summary,
        body=found.body,
        topic=found.topic,
        tags=list(found.tags),
        place=found.place,
        source=found.source,
        author=found.author,
        url=found.url,
        published_at=found.published_at,
        reading_id=reading_tokens.reading_id(token) if token else None,
        reading_token=token,
        origin=found.origin,
        wording=found.wording,
        licence=beside.licence,
        ai_use=beside.ai_use,
        ai_label=(beside.ai_use.label or None) if beside.ai_use else None,
        reviewers=[ReviewedBy(step=step, label=step.label, name=name, at=at) for step, name, at in beside.reviewers],
        corrections=[CorrectionNote(at=at, note=note) for at, note in beside.corrections],
    )


def _token(services: Services, content_id: str) -> str | None:
    if auth.caller().via is Via.SERVICE and auth.caller().citizen_id is None:
        return None
    return reading_tokens.issue(services.keys.reading, citizen_id=auth.need_citizen(), content_id=content_id)


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
        path="/api/v1/contents/{id}",
        name="show_content",
        summary="A content, with a token for its reading",
        handle=show,
        answer=ContentAnswer,
        fails=(UnknownContent, Withdrawn),
    ),
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
