"""``/api/v1/me``: what is known of the citizen who asks, and what they say about themselves."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from content_store import citizens
from content_store.citizens import Citizen
from content_store.errors import UnknownCitizen
from content_store.vocabulary import CitizenKind, Prefecture, Topic
from web import auth
from web.api.endpoint import Endpoint, Input, Output
from web.services import Services


class Me(Output):
    """A citizen as they see themselves; ``id`` is null for a visitor who is nobody yet."""

    id: str | None
    kind: CitizenKind
    personalised: bool
    interests: list[Topic]
    prefecture: Prefecture | None
    minor: bool


class MeChanges(Input):
    """What shall change; what is left out stays. ``interests`` replaces all of them, a null prefecture forgets it."""

    personalised: bool = Field(default_factory=lambda: True)
    interests: list[Topic] = Field(default_factory=list, max_length=len(Topic))
    prefecture: Prefecture | None = Field(default_factory=lambda: None)

    def told(self) -> dict[str, Any]:
        """What was given, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class CitizenToken(Output):
    """A token for ``Authorization: Bearer``, for clients that keep no cookies; ``expires_at`` is epoch ms."""

    citizen_id: str
    token: str
    expires_at: int


def show(services: Services) -> Me:
    """The citizen who asks."""
    id = auth.caller().citizen_id
    if id is None:
        return _guest(None)
    with services.database.connect() as connection:
        try:
            return _me(citizens.get(connection, id))
        except UnknownCitizen:
            # Known by a cookie only: nothing of theirs was worth storing yet.
            return _guest(id)


def change(services: Services, body: MeChanges) -> Me:
    """Change what the citizen says, and answer as it is then."""
    id = auth.need_citizen()
    with services.database.begin() as connection:
        citizens.ensure(connection, [id])
        return _me(citizens.update(connection, id, **body.told()))


def token(services: Services) -> CitizenToken:
    """A token for the citizen who asks."""
    id = auth.need_citizen()
    made, expires_at = auth.citizen_token(services, id)
    return CitizenToken(citizen_id=id, token=made, expires_at=expires_at)


def _guest(id: str | None) -> Me:
    return Me(id=id, kind=CitizenKind.GUEST, personalised=True, interests=[], prefecture=None, minor=False)


def _me(citizen: Citizen) -> Me:
    return Me(
        id=citizen.id,
        kind=citizen.kind,
        personalised=citizen.personalised,
        interests=sorted(citizen.interests),
        prefecture=citizen.prefecture,
        minor=citizen.minor,
    )


_PATH = "/api/v1/me"
ENDPOINTS = (
    Endpoint(method="GET", path=_PATH, name="show_me", summary="Who I am here", handle=show, answer=Me),
    Endpoint(
        method="PATCH",
        path=_PATH,
        name="change_me",
        summary="Change what I say about myself",
        handle=change,
        body=MeChanges,
        answer=Me,
    ),
    Endpoint(
        method="POST",
        path=f"{_PATH}/token",
        name="make_citizen_token",
        summary="A token for a client that keeps no cookies",
        handle=token,
        answer=CitizenToken,
        status=201,
    ),
)
