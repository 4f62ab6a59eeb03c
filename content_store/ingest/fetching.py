"""One document fetched from the web, within limits, from nowhere but where it may come from.

``Fetcher.get`` follows redirects by itself, each judged like a first address: the library beneath, ``http.client``,
knows of no redirects, proxies, credentials or cookies. What comes in is counted by the sockets (``wire``), unpacked
under limits (``decoding``), and given back with what the server said about asking again (``headers``).
"""

from __future__ import annotations

import http.client
import ssl
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from typing import Self

from content_store import clock
from content_store.errors import FetchFailed
from content_store.ingest import addresses, decoding, headers, wire
from content_store.ingest.addresses import Rules, Url
from content_store.ingest.limits import Budget, Limits
from content_store.ingest.wire import Resolve, Wire
from content_store.problems import FetchProblem
from content_store.settings import Settings

PRODUCT = "tianfu-kepu"
"""By this name sites speak of us in robots.txt (RFC 9309 §2.2.1)."""

FEEDS = "application/atom+xml, application/rss+xml, application/feed+json, application/rdf+xml;q=0.9, */*;q=0.5"
PAGES = "text/html, application/xhtml+xml;q=0.9, */*;q=0.1"
"""What is asked for by ``Accept``."""

Gate = Callable[[str], AbstractContextManager[object]]
"""Entered with a host before it is connected to and left afterwards; raises FetchFailed where it must not be."""

_CHUNK = 64 * 1024
_PERMANENT = frozenset({301, 308})
_REDIRECTS = _PERMANENT | {302, 303, 307}
_GIVEN = frozenset({200, 203})
_PROBLEMS = {
    401: FetchProblem.FORBIDDEN,
    403: FetchProblem.FORBIDDEN,
    404: FetchProblem.NOT_FOUND,
    410: FetchProblem.GONE,
    429: FetchProblem.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What came of a fetch.

    ``url`` is where it ended; ``moved_to`` where permanent redirects alone lead to, None without any. ``body`` is
    unpacked, and empty where ``not_modified``. ``retry_after_s`` and ``fresh_s`` are seconds; ``wire_bytes`` counts
    everything that came in, redirects too. ``cut`` where the document goes on beyond what was asked for. ``at`` is when
    the answer began, epoch ms.
    """

    url: str
    moved_to: str | None
    status: int
    not_modified: bool
    body: bytes
    content_type: str
    charset: str | None
    etag: str | None
    last_modified: str | None
    retry_after_s: int | None
    fresh_s: int | None
    wire_bytes: int
    cut: bool = False
    at: int = 0


@dataclass(frozen=True, slots=True)
class _Wanted:
    accept: str
    etag: str | None
    last_modified: str | None
    cut: bool

    @property
    def conditional(self) -> bool:
        return bool(self.etag or self.last_modified)


class Fetcher:
    """Fetches documents; one for a process, shared by its threads. ``elapsed`` gives seconds for the deadlines."""

    def __init__(
        self,
        rules: Rules | None = None,
        limits: Limits | None = None,
        *,
        contact: str = "",
        resolve: Resolve = wire.resolve,
        tls: ssl.SSLContext | None = None,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits or Limits()
        self._wire = Wire(rules or Rules(), resolve, tls)
        self._agent = f"{PRODUCT} (+{contact})" if contact else PRODUCT
        self._elapsed = elapsed

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """One that obeys the settings."""
        return cls(Rules.of(settings), Limits.of(settings), contact=settings.fetch_contact)

    def get(
        self,
        url: str,
        *,
        etag: str | None = None,
        last_modified: str | None = None,
        accept: str = FEEDS,
        most_bytes: int | None = None,
        cut: bool = False,
        gate: Gate = nullcontext,
    ) -> Fetched:
        """Fetch ``url``, if it is not the same any more as when it had the validators ``etag`` and ``last_modified``.

        ``most_bytes`` in place of the usual limit; with ``cut`` a longer document is cut there instead of refused.
        ``gate`` is entered for each host on the way. Raises FetchFailed.
        """
        budget = Budget(self._limits.at_most(most_bytes), self._elapsed)
        wanted = _Wanted(accept, etag, last_modified, cut)
        at, moved_to, permanent, met = addresses.parse(url), None, True, set[Url]()
        while True:
            if at in met:
                raise FetchFailed(FetchProblem.REDIRECT_LOOP, f"{url} leads back to {at}")
            if len(met) > budget.limits.redirects:
                raise FetchFailed(
                    FetchProblem.TOO_MANY_REDIRECTS, f"{url} leads on after {budget.limits.redirects} redirects"
                )
            met.add(at)
            with gate(at.host):
                found = self._ask(at, moved_to, wanted, budget)
            if isinstance(found, Fetched):
                return found
            status, then = found
            if at.scheme == "https" and then.scheme == "http":
                raise FetchFailed(FetchProblem.INSECURE_REDIRECT, f"{at} leads to {then}", status=status)
            permanent = permanent and status in _PERMANENT
            at, moved_to = then, str(then) if permanent else moved_to

    def _ask(self, url: Url, moved_to: str | None, wanted: _Wanted, budget: Budget) -> Fetched | tuple[int, Url]:
        """What one server says: the document, or a redirect with its status."""
        budget.allow("head", budget.limits.head_bytes)
        connection = http.client.HTTPConnection(url.host, url.port)
        with closing(self._wire.open(url, budget)) as connection.sock, closing(connection):
            try:
                self._send(connection, url, wanted)
                with closing(connection.getresponse()) as response:
                    return _read(response, url, moved_to, wanted, budget)
            except TimeoutError as error:
                raise budget.too_slow() from error
            except (http.client.HTTPException, ValueError, OSError) as error:
                told = str(error)[:200] or type(error).__name__
                raise FetchFailed(FetchProblem.BROKEN, f"{url.authority} gave no whole answer: {told}") from error

    def _send(self, connection: http.client.HTTPConnection, url: Url, wanted: _Wanted) -> None:
        connection.putrequest("GET", url.target, skip_host=True, skip_accept_encoding=True)
        fields = {
            "Host": url.authority,
            "User-Agent": self._agent,
            "Accept": wanted.accept,
            "Accept-Encoding": decoding.ACCEPTED,
            "If-None-Match": wanted.etag,
            "If-Modified-Since": wanted.last_modified,
            "Connection": "close",
        }
        for name, value in fields.items():
            if value:
                connection.putheader(name, value)
        connection.endheaders()


def _read(
    response: http.client.HTTPResponse, url: Url, moved_to: str | None, wanted: _Wanted, budget: Budget
) -> Fetched | tuple[int, Url]:
    header, now = response.getheader, clock.now_ms()
    status = response.status
    if status in _REDIRECTS and (location := header("Location")):
        return status, addresses.follow(url, location)
    not_modified = status == http.HTTPStatus.NOT_MODIFIED
    retry_after_s = headers.retry_after_s(header, now)
    if status not in _GIVEN and not not_modified:
        raise _refused(url, status, retry_after_s)
    if not_modified and not wanted.conditional:
        raise FetchFailed(FetchProblem.BROKEN, f"{url} answers 304, which was not asked for", status=status)
    body, cut = (b"", False) if not_modified else _body(response, wanted, budget)
    content_type, charset = headers.content_type(header)
    return Fetched(
        url=str(url),
        moved_to=moved_to,
        status=status,
        not_modified=not_modified,
        body=body,
        content_type=content_type,
        charset=charset,
        etag=headers.etag(header),
        last_modified=headers.last_modified(header),
        retry_after_s=retry_after_s,
        fresh_s=headers.fresh_s(header, now),
        wire_bytes=budget.total,
        cut=cut,
        at=now,
    )


def _body(response: http.client.HTTPResponse, wanted: _Wanted, budget: Budget) -> tuple[bytes, bool]:
    """The whole body unpacked, and whether it was cut."""
    budget.allow("document", _slack(budget.limits.wire_bytes) if wanted.cut else budget.limits.wire_bytes)
    body = decoding.Body(", ".join(response.headers.get_all("Content-Encoding") or ()), budget.limits, cut=wanted.cut)
    if not wanted.cut and response.length is not None and response.length > budget.limits.wire_bytes:
        raise FetchFailed(FetchProblem.TOO_LARGE, f"the document says that it has {response.length} bytes")
    while chunk := response.read(_CHUNK):
        body.feed(chunk)
        if body.full:
            return body.finish(), True
    # The library takes the end of the connection for the end of the document, whatever length was told before.
    if response.length:
        raise FetchFailed(FetchProblem.BROKEN, f"the document ends {response.length} bytes before its end")
    return body.finish(), False


def _slack(count: int) -> int:
    """What may come in for a document of ``count`` bytes that is cut: read ahead, framing of chunks."""
    return 2 * count + _CHUNK


def _refused(url: Url, status: int, retry_after_s: int | None) -> FetchFailed:
    other = FetchProblem.SERVER_ERROR if 500 <= status < 600 else FetchProblem.BAD_STATUS
    problem = _PROBLEMS.get(status, other)
    return FetchFailed(problem, f"{url} answers {status}", status=status, retry_after_s=retry_after_s)
