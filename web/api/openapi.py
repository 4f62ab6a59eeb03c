"""The OpenAPI 3.1 document, made from the endpoints."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from content_store.checks import LONGEST_ID
from content_store.errors import KepuError
from web.api.endpoint import Endpoint, Output
from web.auth import CITIZEN_HEADER, CITIZEN_PATTERN, COOKIE, LONGEST_CITIZEN_HEADER
from web.errors import PROBLEM_TYPE, status_of

_REF = "#/components/schemas/{model}"


class ProblemPlace(Output):
    """A place in the request, and what is wrong there."""

    at: str
    message: str


class Problem(Output):
    """An error (RFC 9457); ``code`` is stable, the texts are not. The last three tell why something was withdrawn."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    hint: str | None = None
    errors: list[ProblemPlace] | None = None
    reason: str | None = None
    text: str | None = None
    withdrawn_at: int | None = None


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The document over ``endpoints``."""
    paths: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for endpoint in endpoints:
        paths[endpoint.path][endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "天府科普 API",
            "version": version("tianfu-kepu"),
            "description": "Instants are epoch milliseconds (UTC). Errors are problem documents with a stable `code`."
            " Fields may be added to answers; unknown fields in requests are refused.",
        },
        "paths": dict(paths),
        "components": {"schemas": _schemas(endpoints), "securitySchemes": _SECURITY, "parameters": _PARAMETERS},
    }


_SECURITY = {
    "cookie": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "A citizen; set with the first need."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "A citizen's token or a service token."},
}
_PARAMETERS = {
    "Citizen": {
        "name": CITIZEN_HEADER,
        "in": "header",
        "description": "The citizen for whom the bearer of a service token acts, percent-encoded; made where new.",
        "schema": {"type": "string", "maxLength": LONGEST_CITIZEN_HEADER, "pattern": CITIZEN_PATTERN},
    }
}


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint), *_query_parameters(endpoint)],
        "responses": {str(endpoint.status): _answer(endpoint)} | dict(_failures(endpoint.every_failure())),
    }
    if endpoint.personal:
        operation["parameters"].append({"$ref": "#/components/parameters/Citizen"})
        operation["security"] = [{}, {"cookie": []}, {"bearer": []}]
    if endpoint.body:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(endpoint.body)}}}
    return operation


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
    return [{"name": name, "in": "path", "required": True, "schema": schema} for name in endpoint.parts]


def _query_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    schema = endpoint.query.model_json_schema(ref_template=_REF)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": told}
        for name, told in schema.get("properties", {}).items()
    ]


def _answer(endpoint: Endpoint) -> dict[str, Any]:
    content = {"application/json": {"schema": _ref(endpoint.answer)}}
    return {"description": HTTPStatus(endpoint.status).phrase, "content": content}


def _failures(kinds: Iterable[type[KepuError]]) -> Iterable[tuple[str, dict[str, Any]]]:
    by_status: defaultdict[int, list[type[KepuError]]] = defaultdict(list)
    for kind in sorted(kinds, key=lambda kind: kind.code):
        by_status[status_of(kind)].append(kind)
    for status, found in sorted(by_status.items()):
        told = [f"`{kind.code}`: {_first_line(kind.__doc__)}" for kind in found]
        answer: dict[str, Any] = {
            "description": " · ".join(told),
            "content": {PROBLEM_TYPE: {"schema": _ref(Problem)}},
        }
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            answer["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
        yield str(status), answer


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for endpoint in endpoints:
        wanted.append((endpoint.answer, "serialization"))
        wanted += [(model, "validation") for model in (endpoint.body, endpoint.query) if model is not None]
    _, schema = models_json_schema(list(dict.fromkeys(wanted)), ref_template=_REF)
    found: dict[str, Any] = schema["$defs"]
    queries = {endpoint.query.__name__ for endpoint in endpoints if endpoint.query}
    return {name: told for name, told in found.items() if name not in queries}


def _first_line(text: str | None) -> str:
    return (text or "").partition("\n")[0]
