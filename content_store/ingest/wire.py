"""Connections to checked addresses that obey a budget.

A name is resolved once; each address that it stands for is judged, and it is one of those very addresses that is
connected to, by its number. A second answer of the name server (DNS rebinding) is never asked for. Host header and
certificate remain those of the name. No proxy takes part, whatever the environment says: it would connect elsewhere.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from content_store.errors import FetchFailed
from content_store.ingest.addresses import Rules, Url
from content_store.ingest.limits import Budget
from content_store.problems import FetchProblem

Resolve = Callable[[str, int], list[str]]
"""The numeric IP addresses of a host and a port, best first. Raises OSError."""

_MOST_ADDRESSES = 4
_RESOLVER_THREADS = threading.BoundedSemaphore(64)


def resolve(host: str, port: int) -> list[str]:
    """What the machine's resolver says."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Wire:
    """Opens connections within ``rules``; one for all fetches of a process, shared by its threads."""

    def __init__(self, rules: Rules, resolve: Resolve = resolve, tls: ssl.SSLContext | None = None) -> None:
        self._rules = rules
        self._resolve = resolve
        self._tls = tls or ssl.create_default_context()
        self._tls.sslsocket_class = _BudgetedTls

    def open(self, url: Url, budget: Budget) -> socket.socket:
        """A connection to the server of ``url``, encrypted where its scheme says so, that spends ``budget``.

        Raises FetchFailed (``refused_port``, ``refused_address``, ``dns``, ``connect``, ``tls``, ``too_slow``).
        """
        self._rules.require_port(url)
        reason: OSError | None = None
        for address in self._permitted(url, self._addresses(url, budget)):
            try:
                opened = _connect(address, url.port, budget)
            except OSError as error:
                reason = error
                continue
            try:
                return self._encrypt(opened, url, budget) if url.scheme == "https" else opened
            except BaseException:
                opened.close()
                raise
        if isinstance(reason, TimeoutError):
            raise budget.too_slow() from reason
        raise FetchFailed(FetchProblem.CONNECT, f"{url.authority} cannot be connected to: {reason}") from reason

    def _addresses(self, url: Url, budget: Budget) -> list[str]:
        """What the host stands for; asked in a thread, as a resolver knows no deadline."""
        answer: list[Any] = []

        def ask() -> None:
            try:
                answer.append(self._resolve(url.host, url.port))
            except (OSError, UnicodeError) as error:
                answer.append(error)
            finally:
                _RESOLVER_THREADS.release()

        # Threads that wait for a name server which never answers are not gathered without end.
        if not _RESOLVER_THREADS.acquire(timeout=budget.seconds(budget.limits.connect_s)):
            raise budget.too_slow()
        thread = threading.Thread(target=ask, name="resolver", daemon=True)
        thread.start()
        thread.join(budget.seconds(budget.limits.connect_s))
        if not answer:
            raise FetchFailed(FetchProblem.DNS, f"{url.host}: the name server does not answer in time")
        if isinstance(answer[0], Exception):
            raise FetchFailed(FetchProblem.DNS, f"{url.host} stands for no address: {answer[0]}") from answer[0]
        return list(dict.fromkeys(answer[0]))

    def _permitted(self, url: Url, addresses: list[str]) -> list[str]:
        judged = [(address, self._rules.refusal(url, address)) for address in addresses]
        permitted = [address for address, refusal in judged if refusal is None]
        if not permitted:
            told = "; ".join(f"{address} is {refusal}" for address, refusal in judged[:_MOST_ADDRESSES])
            raise FetchFailed(FetchProblem.REFUSED_ADDRESS, f"{url.host}: {told or 'stands for no address'}")
        return permitted[:_MOST_ADDRESSES]

    def _encrypt(self, plain: socket.socket, url: Url, budget: Budget) -> socket.socket:
        plain.settimeout(budget.seconds(budget.limits.connect_s))
        try:
            encrypted = self._tls.wrap_socket(plain, server_hostname=url.host)
        except TimeoutError as error:
            raise budget.too_slow() from error
        except (OSError, ValueError) as error:
            reason = getattr(error, "verify_message", "") or getattr(error, "reason", "") or error
            raise FetchFailed(FetchProblem.TLS, f"{url.authority}: no trusted connection: {reason}") from error
        assert isinstance(encrypted, _BudgetedTls)
        encrypted.budget = budget
        return encrypted


def _connect(address: str, port: int, budget: Budget) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    opened = _BudgetedSocket(family, socket.SOCK_STREAM)
    try:
        opened.settimeout(budget.seconds(budget.limits.connect_s))
        opened.connect((address, port))
        opened.budget = budget
    except BaseException:
        opened.close()
        raise
    return opened


class _Budgeted:
    """What both kinds of socket do when bytes come in; until it has a budget, a socket is like any other."""

    budget: Budget | None = None

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        budget = self.budget
        receive: Any = super().recv_into  # type: ignore[misc]
        if budget is None:
            return int(receive(buffer, nbytes or 0, flags))
        settimeout: Any = super().settimeout  # type: ignore[misc]
        settimeout(budget.seconds(budget.limits.silence_s))
        try:
            count = int(receive(buffer, nbytes or 0, flags))
        except TimeoutError as error:
            raise budget.too_slow() from error
        budget.spend(count)
        return count


class _BudgetedSocket(_Budgeted, socket.socket):
    """A plain connection."""


class _BudgetedTls(_Budgeted, ssl.SSLSocket):
    """An encrypted one."""
