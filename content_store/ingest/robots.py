"""What sites want robots to leave alone: robots.txt (RFC 9309).

It governs what we come upon by ourselves: the pages and pictures that a feed points to. The feed itself is fetched
because its owner asked for it, and is not asked about. Where a page may not be fetched, the feed's own text has to do.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from contextlib import nullcontext
from dataclasses import dataclass

from protego import Protego

from content_store import clock
from content_store.errors import FetchFailed
from content_store.ingest import addresses
from content_store.ingest.fetching import PRODUCT, Fetcher, Gate
from content_store.problems import FetchProblem

MOST_BYTES = 500 * 1024
"""As much of a robots.txt is read (RFC 9309 §2.5 wants no less); what follows is passed over."""

KEPT_MS = clock.DAY_MS
"""So long what a site said is believed (RFC 9309 §2.4)."""

ASKED_AGAIN_MS = 30 * 60_000
"""So long a site that could not say anything is left alone before it is asked again."""

_MOST_SITES = 1_000
_CLOSED = Protego.parse("User-agent: *\nDisallow: /")
_OPEN = Protego.parse("")


@dataclass(frozen=True, slots=True)
class _Known:
    rules: Protego
    until: int


class Robots:
    """What sites said, kept in memory; shared by the threads of a process."""

    def __init__(self, fetcher: Fetcher, most_sites: int = _MOST_SITES) -> None:
        self._fetcher = fetcher
        self._most = most_sites
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def require(self, url: str, gate: Gate = nullcontext) -> None:
        """Raises FetchFailed (``robots``) where the site does not want ``url`` fetched, ``bad_url`` for no URL.

        ``gate`` is the one of ``Fetcher.get``; what it raises passes through.
        """
        wanted = addresses.parse(url)
        if not self._rules(wanted.origin, gate).can_fetch(str(wanted), PRODUCT):
            raise FetchFailed(FetchProblem.ROBOTS, f"the robots.txt of {wanted.origin} keeps {wanted.target} to itself")

    def _rules(self, origin: str, gate: Gate) -> Protego:
        now = clock.now_ms()
        with self._lock:
            known = self._known.get(origin)
            # What is kept for longer than ever was decided on was kept by a clock that has been set since.
            if known is not None and now < known.until <= now + KEPT_MS:
                self._known.move_to_end(origin)
                return known.rules
        found = self._ask(origin, gate, known)
        with self._lock:
            self._known[origin] = found
            self._known.move_to_end(origin)
            while len(self._known) > self._most:
                self._known.popitem(last=False)
        return found.rules

    def _ask(self, origin: str, gate: Gate, before: _Known | None) -> _Known:
        """What the site says now; the meaning of failures is that of RFC 9309 §2.3.1."""
        now = clock.now_ms()
        try:
            found = self._fetcher.get(
                f"{origin}/robots.txt", accept="text/plain, */*;q=0.1", most_bytes=MOST_BYTES, cut=True, gate=gate
            )
        except FetchFailed as error:
            if error.problem is FetchProblem.HOST_BUSY:
                raise
            if error.status is not None and 400 <= error.status < 500 and error.status != 429:
                return _Known(_OPEN, now + KEPT_MS)
            if error.problem in (FetchProblem.TOO_MANY_REDIRECTS, FetchProblem.REDIRECT_LOOP):
                return _Known(_OPEN, now + KEPT_MS)
            # Unreachable: nothing may be fetched, unless the site is known to have allowed it before.
            return _Known(_CLOSED if before is None else before.rules, now + ASKED_AGAIN_MS)
        return _Known(Protego.parse(_text(found.body, cut=found.cut)), now + KEPT_MS)


def _text(body: bytes, *, cut: bool) -> str:
    if cut:
        # The last line may be half of one, and half a rule forbids more than the whole.
        body = body[: max(body.rfind(b"\n"), body.rfind(b"\r")) + 1]
    return body.decode("utf-8-sig", errors="replace")
