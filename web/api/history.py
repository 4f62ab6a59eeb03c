"""``/api/v1/me/history``: what the citizen who asks has opened and read, and what of it they want forgotten."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from content_store import checks, contents, history
from web import auth
from web.api.endpoint import Endpoint, Output, Query
from web.services import Services

MOST = 200


class HistoryQuery(Query):
    """How many to list at most."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = 50


class HistoryEntry(Output):
    """A content that was opened or read, the last time ``at`` (epoch ms); ``live`` where it can still be read."""

    id: str
    title: str
    at: int
    live: bool


class History(Output):
    """The latest first, each content once."""

    items: list[HistoryEntry]


class Forgotten(Output):
    """Of how many contents something was forgotten that was known before."""

    forgotten: int


def show(services: Services, query: HistoryQuery) -> History:
    """The history of the citizen who asks."""
    with services.database.connect() as connection:
        met = history.latest(connection, auth.need_citizen(), query.limit)
        cards = contents.cards(connection, [entry.content_id for entry in met])
    entries = ((cards[entry.content_id], entry.at) for entry in met if entry.content_id in cards)
    return History(items=[HistoryEntry(id=card.id, title=card.title, at=at, live=card.live) for card, at in entries])


def forget(services: Services, id: str) -> Forgotten:
    """Let what the citizen did with one content speak for them no more. Raises BadRecord for what is no id."""
    return _forget(services, checks.identifier(id, "a content's id"))


def forget_all(services: Services) -> Forgotten:
    """Let nothing that the citizen did until now speak for them any more."""
    return _forget(services, None)


def _forget(services: Services, content_id: str | None) -> Forgotten:
    citizen_id = auth.need_citizen()
    # What a citizen was told is forgotten stays so, whatever becomes of the machine.
    with services.database.begin(durable=True) as connection:
        return Forgotten(forgotten=history.forget(connection, citizen_id, content_id))


_PATH = "/api/v1/me/history"
ENDPOINTS = (
    Endpoint(
        method="GET",
        path=_PATH,
        name="show_history",
        summary="What I opened and read",
        handle=show,
        query=HistoryQuery,
        answer=History,
    ),
    Endpoint(
        method="DELETE",
        path=_PATH,
        name="forget_history",
        summary="Forget what I did until now",
        handle=forget_all,
        answer=Forgotten,
    ),
    Endpoint(
        method="DELETE",
        path=f"{_PATH}/{{id}}",
        name="forget_content",
        summary="Forget what I did with one content",
        handle=forget,
        answer=Forgotten,
    ),
)
