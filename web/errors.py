"""Errors as the world sees them: problem+json (RFC 9457) for programmes, a page in Chinese for people.

What is a mistake of the caller is told; what failed on our side is logged and told in general words only.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, ClassVar

import orjson
from flask import Flask, Response, render_template, request
from werkzeug.exceptions import HTTPException

from content_store import clock, errors, ids
from content_store.errors import KepuError

log = logging.getLogger(__name__)

PROBLEM_TYPE = "application/problem+json"
_FOR_PROGRAMMES = ("/api/", "/healthz", "/readyz", "/metrics")


class RequestError(KepuError):
    """A request that cannot be served as it is; the root of those that only the web knows."""

    code = "bad_request"
    status: ClassVar[int] = 400


class BadJson(RequestError):
    """The body is no JSON text (RFC 8259) in UTF-8, or nested too deeply."""

    code = "bad_json"


class InvalidRequest(RequestError):
    """The body or the query does not have the documented form; ``places`` tells where."""

    code = "invalid_request"
    status = 422

    def __init__(self, message: str, places: Sequence[tuple[str, str]] = (), *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.places = list(places)


class Unauthenticated(RequestError):
    """The credentials are none of ours, or too old."""

    code = "unauthenticated"
    status = 401


class Forbidden(RequestError):
    """The caller is known, and may not do this."""

    code = "forbidden"
    status = 403


class CrossSite(Forbidden):
    """The request was made by the page of another site, or by a form without its token."""

    code = "cross_site"


class NotFound(RequestError):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class MethodNotAllowed(RequestError):
    """The address does not know this method."""

    code = "method_not_allowed"
    status = 405


class RequestTimeout(RequestError):
    """The request did not arrive whole in time."""

    code = "request_timeout"
    status = 408


class TooLarge(RequestError):
    """The body is larger than any that is accepted."""

    code = "too_large"
    status = 413


class WrongMediaType(RequestError):
    """The body is not declared as JSON."""

    code = "wrong_media_type"
    status = 415


class RateLimited(RequestError):
    """Too many requests in too short a time; ``retry_after_s`` says when to come again."""

    code = "rate_limited"
    status = 429

    def __init__(self, message: str, retry_after_s: int, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class Internal(RequestError):
    """Something failed on our side that should not."""

    code = "internal"
    status = 500


_STATUS: dict[type[KepuError], int] = {
    errors.BadCursor: 400,
    errors.BadCredentials: 401,
    errors.BadKey: 401,
    errors.MayNotReview: 403,
    errors.NotAMember: 403,
    errors.NotAllowed: 403,
    errors.NotInvited: 403,
    errors.UnknownAccount: 404,
    errors.UnknownCall: 404,
    errors.UnknownCitizen: 404,
    errors.UnknownContent: 404,
    errors.UnknownCreator: 404,
    errors.UnknownFeed: 404,
    errors.UnknownMessage: 404,
    errors.UnknownPicture: 404,
    errors.UnknownOrganisation: 404,
    errors.UnknownPicture: 404,
    errors.UnknownReview: 404,
    errors.UnknownSession: 404,
    errors.UnknownTerm: 404,
    errors.UnknownUpload: 404,
    errors.UnknownOriginal: 404,
    errors.UnknownVersion: 404,
    errors.AlreadyClaimed: 409,
    errors.CallClosed: 409,
    errors.DuplicateWork: 409,
    errors.NotClaimed: 409,
    errors.ReviewClosed: 409,
    errors.StaleRevision: 409,
    errors.Unreviewed: 409,
    errors.Withdrawn: 410,
    errors.AltMissing: 422,
    errors.BadRecord: 422,
    errors.CriteriaNotMet: 422,
    errors.FetchFailed: 422,
    errors.Quarantined: 422,
    errors.UploadRefused: 422,
    errors.AllowanceUsed: 429,
    errors.SignInDelayed: 429,
    errors.DatabaseError: 503,
    errors.HotStateError: 503,
}
"""What the errors of the lower layers mean to a caller; the others are failures of ours."""

_GENERAL = {
    500: "something failed on our side; it has been logged under the request id",
    503: "the service cannot be rendered at the moment; try again later",
}

_TO_PEOPLE = {
    400: ("请求有误", "请返回上一页再试一次。"),
    401: ("需要重新验证身份", "请刷新页面后再试。"),
    403: ("这个操作没有完成", "页面可能已经过期，请刷新后再试。"),
    404: ("没有找到这个页面", "它可能已经下架，或者地址有误。"),
    410: ("这篇内容已下架", "可以回首页看看别的文章。"),
    405: ("这个操作没有完成", "请返回上一页再试一次。"),
    409: ("有人先了一步", "页面上的内容已经变化，请返回上一页，刷新后再试。"),
    413: ("内容太大", "请缩短内容后再提交。"),
    429: ("操作太快了", "请稍等片刻再试。"),
    500: ("出了点问题", "我们已经记录下来，请稍后再试。"),
    503: ("暂时无法服务", "请稍后再试。"),
}


_NOT_ALLOWED = ("没有权限", "你的账号不能打开这一页或做这个操作。需要的话，请联系本单位的管理员。")


def status_of(kind: type[KepuError]) -> int:
    """The HTTP status that an error of this kind is answered with."""
    if issubclass(kind, RequestError):
        return kind.status
    return next((_STATUS[base] for base in kind.__mro__ if base in _STATUS), 500)


def every_kind(kind: type[KepuError] = KepuError) -> Iterator[type[KepuError]]:
    """``kind`` and all that is below it in the tree."""
    yield kind
    for below in kind.__subclasses__():
        yield from every_kind(below)


def install(app: Flask) -> None:
    """Answer every error of ``app`` in one of the two forms."""
    app.register_error_handler(KepuError, _ours)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(Exception, _unforeseen)


def for_programmes(path: str) -> bool:
    """Whether whoever asks for ``path`` is a programme and no person."""
    return path.startswith(_FOR_PROGRAMMES)


def problem(error: KepuError, request_id: str) -> dict[str, Any]:
    """The members of a problem document."""
    status = status_of(type(error))
    code = Internal.code if status == 500 else error.code
    detail = _GENERAL.get(status, error.message)
    body: dict[str, Any] = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    body |= {"detail": detail, "code": code, "request_id": request_id}
    if status not in _GENERAL and error.hint:
        body["hint"] = error.hint
    if isinstance(error, errors.Withdrawn):
        body |= {"reason": error.reason, "text": error.text, "withdrawn_at": error.withdrawn_at}
    if isinstance(error, InvalidRequest) and error.places:
        body["errors"] = [{"at": at, "message": message} for at, message in error.places]
    return body


def problem_response(error: KepuError, extra: Mapping[str, Any] | None = None) -> Response:
    """``error`` as problem+json, with ``extra`` members."""
    body = problem(error, ids.new_id()) | dict(extra or {})
    response = Response(orjson.dumps(body), body["status"], content_type=PROBLEM_TYPE)
    response.headers["X-Request-ID"] = body["request_id"]
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after_s)
    if body["status"] == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _ours(error: KepuError) -> Response:
    response = problem_response(error) if for_programmes(request.path) else _page(error)
    if response.status_code >= 500:
        log.error(
            "%s %s failed (%s): %s",
            request.method,
            request.path,
            response.headers["X-Request-ID"],
            error,
            exc_info=error,
        )
    return response


def _of_http(error: HTTPException) -> Response:
    """An error that Flask or Werkzeug found, as the error of ours that means the same."""
    kinds = {kind.status: kind for kind in every_kind(RequestError) if issubclass(kind, RequestError)}
    kinds |= {400: RequestError, 403: Forbidden, 422: InvalidRequest}
    response = error.get_response()
    if response.status_code < 400:
        # A redirection, which is no error at all.
        return Response(response.get_data(), response.status_code, response.headers)
    kind = kinds.get(response.status_code, RequestError if response.status_code < 500 else Internal)
    ours = RateLimited("too many requests", 1) if kind is RateLimited else kind(_said(error))
    answer = _ours(ours)
    if "Allow" in response.headers:
        answer.headers["Allow"] = response.headers["Allow"]
    return answer


def _said(error: HTTPException) -> str:
    return error.description or "the request cannot be served"


def _unforeseen(error: Exception) -> Response:
    wrapped = Internal(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return _ours(wrapped)


def _page(error: KepuError) -> Response:
    status = status_of(type(error))
    request_id = ids.new_id()
    title, advice = _TO_PEOPLE.get(status) or _TO_PEOPLE[500 if status >= 500 else 400]
    if isinstance(error, errors.NotAllowed):
        title, advice = _NOT_ALLOWED
    if isinstance(error, errors.Withdrawn):
        advice = f"下架原因：{error.text}（{clock.shown(error.withdrawn_at)}）。{advice}"
    page = render_template("error.html", status=status, title=title, advice=advice, request_id=request_id)
    response = Response(page, status, content_type="text/html; charset=utf-8")
    response.headers["X-Request-ID"] = request_id
    if isinstance(error, RateLimited):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response
