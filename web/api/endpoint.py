"""An endpoint in one place: its address, the models that validate and document it, its errors and its handler.

From the same rows the app gets its routes and the OpenAPI document its operations, so that neither can say what the
other does not do.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import orjson
from flask import Flask, Response, request
from pydantic import BaseModel, ConfigDict, ValidationError

from content_store.errors import BadKey, BadRecord, DatabaseError, KepuError, NotAllowed
from web import access
from web.access import Needs, Open, Where
from web.errors import (
    BadJson,
    CrossSite,
    Forbidden,
    Internal,
    InvalidRequest,
    NotFound,
    RateLimited,
    TooLarge,
    Unauthenticated,
    WrongMediaType,
)
from web.lean import Plain
from web.services import current

M = TypeVar("M", bound=BaseModel)
B = TypeVar("B", bound="Input")

MOST_ERRORS = 20
"""Places that are told of a request that does not have the documented form."""


class Input(BaseModel):
    """What a caller sends: types as JSON has them, and no field that is not documented.

    An unknown field is refused and not passed over: whoever writes ``dwell`` for ``dwell_ms`` shall hear of it.
    """

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    plain: ClassVar[bool] = False
    """Whether all fields are of JSON's own types, so that what was read once need not be read again."""


class Query(BaseModel):
    """What a caller asks for in the address; numbers are read from their texts, unknown parameters refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Output(BaseModel):
    """What is answered; fields may be added later, so callers pass over those they do not know."""

    model_config = ConfigDict(frozen=True)

    def encoded(self) -> bytes | str:
        """As JSON."""
        return self.model_dump_json()


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method of one address.

    ``path`` is as in OpenAPI, ``{name}`` standing for a part that may have slashes in it. ``handle`` is called with
    the parts of the path by name, and with ``query`` and ``body`` where these have a model; what it returns is answered
    with ``status``. ``fails`` are the errors of the tree that it may raise beside those of every endpoint. ``name`` is
    the operation's and the route's. Where ``personal`` is False nobody is asked who they are. ``needs`` says who may
    ask for it, ``where`` in which organisation (``web/access.py``).
    """

    method: str
    path: str
    name: str
    summary: str
    handle: Callable[..., Output]
    answer: type[Output]
    status: int = 200
    query: type[Query] | None = None
    body: type[Input] | None = None
    fails: tuple[type[KepuError], ...] = ()
    personal: bool = True
    needs: Needs = Open.EVERYONE
    where: Where | None = None

    @property
    def rule(self) -> str:
        """The path as Flask writes it."""
        return re.sub(r"\{(\w+)\}", r"<path:\1>", self.path)

    @property
    def parts(self) -> list[str]:
        """The names in the path."""
        return re.findall(r"\{(\w+)\}", self.path)

    def every_failure(self) -> set[type[KepuError]]:
        """All errors that this endpoint may answer with."""
        kinds: set[type[KepuError]] = {Internal, *self.fails}
        if self.personal:
            kinds |= {Unauthenticated, BadKey, Forbidden, BadRecord, RateLimited, DatabaseError}
            if self.method != "GET":
                kinds.add(CrossSite)
        if self.needs is not Open.EVERYONE:
            kinds |= {NotAllowed, Unauthenticated, Forbidden}
        if self.parts:
            kinds.add(NotFound)  # a part with a line break in it
        if self.query:
            kinds.add(InvalidRequest)
        if self.body:
            kinds |= {BadJson, InvalidRequest, TooLarge, WrongMediaType}
        return kinds


def add(app: Flask, endpoint: Endpoint) -> None:
    """Make ``endpoint`` a route of ``app``."""

    def view(**parts: str) -> Response:
        given: dict[str, Any] = dict(parts)
        if endpoint.query:
            given["query"] = read_query(endpoint.query)
        if endpoint.body:
            given["body"] = read_body(endpoint.body)
        answer = endpoint.handle(current(), **given)
        return Plain(answer.encoded(), endpoint.status, "application/json")

    # Flask would answer OPTIONS by itself, which no document tells.
    app.add_url_rule(endpoint.rule, endpoint.name, view, methods=[endpoint.method], provide_automatic_options=False)
    access.declare(app, endpoint.name, endpoint.needs, endpoint.where)


def read_query(model: type[M]) -> M:
    """The query of the request at hand. Raises InvalidRequest."""
    repeated = [(name, "given more than once") for name, values in request.args.lists() if len(values) > 1]
    if repeated:
        raise InvalidRequest("the query is not as documented", [(f"query.{name}", what) for name, what in repeated])
    try:
        return model.model_validate(request.args.to_dict())
    except ValidationError as error:
        raise InvalidRequest("the query is not as documented", _places("query", error)) from None


def read_body(model: type[B]) -> B:
    """The body of the request at hand. Raises WrongMediaType, TooLarge (by Werkzeug), BadJson or InvalidRequest."""
    if request.mimetype != "application/json":
        raise WrongMediaType("the body must be JSON", hint="send Content-Type: application/json")
    data = request.get_data(cache=False)
    try:
        # The stricter of the two readers comes first: it takes neither NaN nor what is no UTF-8.
        read = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise BadJson(f"the body is not JSON: {error.msg}") from None
    if model.plain:
        # What is wrong is told below, in the words for JSON.
        with suppress(ValidationError):
            return model.model_validate(read)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise BadJson("the body is nested too deeply, or has a number that is too long") from None
        raise InvalidRequest("the body is not as documented", _places("body", error)) from None


def _places(root: str, error: ValidationError) -> list[tuple[str, str]]:
    """Where and why, without the values: they are the caller's, and may be long."""
    told = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_ERRORS]
    return [(".".join([root, *map(str, found["loc"])]), found["msg"]) for found in told]
