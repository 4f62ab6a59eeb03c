"""``/api/v1/events``: what citizens did, told by pages and other programmes."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, WithJsonSchema

from content_store.checks import LONGEST_ID
from content_store.intake import Caller, Incoming
from content_store.vocabulary import EventKind, Rejection
from web import auth
from web.api.endpoint import Endpoint, Input, Output
from web.services import Services

MOST_EVENTS = 500
"""Events that one request may bring."""

_ID = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
EVENT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Event",
    "description": "What happened. Each is judged by itself: one that is not of this form is rejected with a code, and"
    " fields that are not listed are passed over. For a reading, `id` and `reading_token` come with the content, and"
    " `dwell_ms` and `scroll` count from its beginning.",
    "required": ["id", "kind", "content_id", "at"],
    "properties": {
        "id": _ID,
        "kind": {"enum": [kind.value for kind in EventKind]},
        "content_id": _ID,
        "at": {"type": "integer", "description": "Epoch ms; at most 300 s ahead of the server's clock."},
        "dwell_ms": {"type": ["integer", "null"], "minimum": 0},
        "scroll": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
        "reading_token": {"type": ["string", "null"]},
    },
}


class Events(Input):
    """Events to be taken in, in their order; whatever is in the list is judged one by one."""

    plain = True

    events: list[Annotated[Any, WithJsonSchema(EVENT_SCHEMA)]] = Field(max_length=MOST_EVENTS)


class RejectedEvent(Output):
    """An event that is not stored, by the id it was sent with (empty where that is no text), and why."""

    id: str
    code: Rejection


class EventsAnswer(Output):
    """How many were stored or grew a stored one, how many changed nothing, and which were refused. It is on disk."""

    accepted: int
    duplicate: int
    rejected: list[RejectedEvent]


def receive(services: Services, body: Events) -> EventsAnswer:
    """Store what the citizen did, durably, before answering."""
    if not body.events:
        return EventsAnswer(accepted=0, duplicate=0, rejected=[])
    found = services.intake.receive([Incoming.of(event) for event in body.events], sender(services))
    rejected = [RejectedEvent(id=row.id, code=row.code) for row in found.rejected]
    return EventsAnswer(accepted=found.accepted, duplicate=found.duplicate, rejected=rejected)


def sender(services: Services) -> Caller:
    """The citizen at hand as one who sends events; a visitor who is nobody yet becomes a guest."""
    citizen_id = auth.need_citizen()
    device, network = auth.device_key(services), auth.network_key(services)
    return Caller(citizen_id=citizen_id, make_guest=True, device_key=device, network_key=network)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/api/v1/events",
        name="receive_events",
        summary="Tell what a citizen did",
        handle=receive,
        body=Events,
        answer=EventsAnswer,
    ),
)
