"""``/api/v1/me/inbox``: what we have to tell the citizen who asks."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from content_store import checks, inbox
from content_store.errors import UnknownMessage
from content_store.review_words import InboxKind
from web import auth
from web.api.endpoint import Endpoint, Output, Query
from web.services import Services

MOST = 200


class InboxQuery(Query):
    """How many to list at most."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


class InboxMessage(Output):
    """A message, about ``content_id`` where given; ``read_at`` is null until it was read. Instants are epoch ms."""

    id: str
    kind: InboxKind
    title: str
    body: str
    content_id: str | None
    created_at: int
    read_at: int | None
    expires_at: int | None


class Inbox(Output):
    """The newest first, and how many of all are unread."""

    items: list[InboxMessage]
    unread: int


def show(services: Services, query: InboxQuery) -> Inbox:
    """The inbox of the citizen who asks."""
    citizen = auth.need_citizen()
    with services.database.connect() as connection:
        found, unread = inbox.of(connection, citizen, query.limit), inbox.unread(connection, citizen)
    return Inbox(items=[_told(message) for message in found], unread=unread)


def mark_read(services: Services, id: str) -> Inbox:
    """The citizen who asks has read a message; the inbox afterwards. Raises UnknownMessage, BadRecord for no id."""
    checks.identifier(id, "a message's id")
    with services.database.begin() as connection:
        inbox.mark_read(connection, auth.need_citizen(), id)
    return show(services, InboxQuery())


def mark_all_read(services: Services) -> Inbox:
    """The citizen who asks has read everything; the inbox afterwards."""
    with services.database.begin() as connection:
        inbox.mark_all_read(connection, auth.need_citizen())
    return show(services, InboxQuery())


def _told(message: inbox.Message) -> InboxMessage:
    return InboxMessage(**{name: getattr(message, name) for name in InboxMessage.model_fields})


_PATH = "/api/v1/me/inbox"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_PATH,
        name="show_inbox",
        summary="What there is to tell me",
        handle=show,
        query=InboxQuery,
        answer=Inbox,
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/read",
        name="read_inbox",
        summary="I have read everything",
        handle=mark_all_read,
        answer=Inbox,
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/{{id}}/read",
        name="read_message",
        summary="I have read a message",
        handle=mark_read,
        answer=Inbox,
        fails=(UnknownMessage,),
    ),
)
