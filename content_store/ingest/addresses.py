"""Which addresses of the web may be fetched from.

``parse`` reads the text of a URL strictly, so that nothing after it can read the same text otherwise; ``Rules`` says
which ports and which IP addresses may be connected to. The latter is asked at connect time about the very address that
is connected to: what a name stood for earlier proves nothing.

The networks are those of the IANA registries of special-purpose addresses (RFC 6890 and its successors), written out
because the tables of ``ipaddress`` differ between versions of Python.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import NamedTuple, Self
from urllib.parse import quote, urljoin, urlsplit

import idna

from content_store.errors import FetchFailed
from content_store.problems import FetchProblem
from content_store.settings import Settings

LONGEST_URL = 2_048
"""Characters that a URL may have."""

PORTS = {"http": 80, "https": 443}
"""The schemes that are spoken, with their own ports."""

_LONGEST_HOST = 253
_FORBIDDEN = re.compile("[\x00-\x20\x7f-\xa0\\\\\u2028\u2029\ufeff\ud800-\udfff]")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
# What inet_aton takes for a number: a host that ends in one is an address, whatever its other labels are.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_BRACKETED = re.compile(r"\[[0-9A-Fa-f:.%]*:[^\[\]]*\](:[0-9]*)?", re.ASCII)
_KEPT = "!#$%&'()*+,/:;=?@[]~"


class Url(NamedTuple):
    """A URL in parts: a normalised host (an IPv6 address without brackets), and path with query as they are sent."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def authority(self) -> str:
        """Host and port as the header ``Host`` has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        """The whole URL, the same for all its spellings."""
        return self.origin + self.target


def parse(text: str) -> Url:
    """The URL that ``text`` is; its fragment is left out, signs outside of ASCII are encoded.

    Raises FetchFailed (``bad_url``) for anything but an absolute http or https URL with a well-formed host, and for
    one with a user's name or password.
    """
    if not text or len(text) > LONGEST_URL or _FORBIDDEN.search(text):
        raise _bad(text, f"it is no text of 1 to {LONGEST_URL} characters without spaces and control characters")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _bad(text, str(error)) from error
    if parts.scheme not in PORTS:
        raise _bad(text, "only http and https are spoken")
    if "@" in parts.netloc:
        raise _bad(text, "it names a user")
    if "[" in parts.netloc and not _BRACKETED.fullmatch(parts.netloc):
        raise _bad(text, "only an IPv6 address has brackets around it, and nothing else beside it")
    if port == 0 or not parts.hostname:
        raise _bad(text, "it lacks a host" if port != 0 else "0 is no port")
    path = quote(parts.path or "/", safe=_KEPT)
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    return Url(parts.scheme, _host(parts.hostname, text), port or PORTS[parts.scheme], path + query)


def follow(base: Url, location: str) -> Url:
    """The URL that ``base`` redirects to with this ``Location``. Raises FetchFailed (``bad_url``)."""
    # A header comes as Latin-1; servers that put other text there mean UTF-8.
    with contextlib.suppress(UnicodeError):
        location = location.encode("latin-1").decode()
    # Spaces are no part of a URL, yet servers send them, and all browsers read them so.
    location = location.strip(" \t").replace(" ", "%20")
    if len(location) > LONGEST_URL or _FORBIDDEN.search(location):
        raise _bad(location, "control characters have no place in it")
    try:
        return parse(urljoin(str(base), location))
    except ValueError as error:
        raise _bad(location, str(error)) from error


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be connected to: some ports of public addresses, and whatever else operators name.

    ``named`` has hosts as ``Url.host`` has them, each with a port or with None for those of ``ports``. What they stand
    for may be private or loopback.
    """

    ports: frozenset[int] = frozenset(PORTS.values())
    named: frozenset[tuple[str, int | None]] = frozenset()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """What the settings say."""
        ports = frozenset(int(port) for port in settings.fetch_ports.split(","))
        return cls(ports, frozenset(map(_named, filter(None, settings.fetch_named_hosts.split(",")))))

    def require_port(self, url: Url) -> None:
        """Raises FetchFailed (``refused_port``) where no server at the port of ``url`` may be asked."""
        if url.port not in self.ports and (url.host, url.port) not in self.named:
            raise FetchFailed(FetchProblem.REFUSED_PORT, f"{url.authority}: port {url.port} is not to be connected to")

    def refusal(self, url: Url, address: str) -> str | None:
        """Why the numeric IP ``address``, which the host of ``url`` stands for, is not to be connected to."""
        found = ip_address(address)
        if isinstance(found, IPv6Address) and found.scope_id is not None:
            return "an address with a zone"
        named = not self.named.isdisjoint({(url.host, None), (url.host, url.port)})
        return _refusal(found, named=named)


def _named(text: str) -> tuple[str, int | None]:
    host, port = text, ""
    if not text.endswith("]") and ":" in text:
        host, _, port = text.rpartition(":")
    return parse(f"http://{host}").host, int(port) if port else None


def _host(host: str, text: str) -> str:
    if ":" in host:
        if "%" in host:
            raise _bad(text, "its host has a zone")
        try:
            return IPv6Address(host).compressed
        except ValueError as error:
            raise _bad(text, "its host is no IPv6 address") from error
    if not host.isascii() or "xn--" in host:
        try:
            host = idna.encode(host, uts46=True, std3_rules=True).decode("ascii")
        except (idna.IDNAError, UnicodeError) as error:
            raise _bad(text, "its host is no domain name") from error
    host = host.removesuffix(".")
    labels = host.split(".")
    if len(host) > _LONGEST_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad(text, "its host is no domain name")
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(IPv4Address(host))
        except ValueError as error:
            raise _bad(text, "its host is an odd spelling of an address") from error
    return host


def _refusal(address: IPv4Address | IPv6Address, *, named: bool) -> str | None:
    if isinstance(address, IPv4Address):
        never = next((why for network, why in _NEVER_4 if address in network), None)
        return never or (None if named else next((why for network, why in _PRIVATE_4 if address in network), None))
    embedded = next((IPv4Address(int(address) & 0xFFFFFFFF) for wrap in _WRAPPED if address in wrap), None)
    if embedded is not None:
        why = _refusal(embedded, named=named)
        return why and f"{why}, written as IPv6"
    never = next((why for network, why in _NEVER_6 if address in network), None)
    if never or named:
        return never
    if address not in _GLOBAL_6:
        return "an address that is not public"
    # ISATAP (RFC 5214) hides an IPv4 address behind any prefix.
    if (int(address) >> 32) & 0xFDFFFFFF == 0x00005EFE:
        return "an address of a tunnel"
    return next((why for network, why in _PRIVATE_6 if address in network), None)


def _bad(text: str, why: str) -> FetchFailed:
    return FetchFailed(FetchProblem.BAD_URL, f"{text[:200]!r} is no URL that can be fetched: {why}")


_METADATA = "an address of a cloud's metadata"

_NEVER_4 = [
    (IPv4Network(network), why)
    for network, why in (
        ("0.0.0.0/8", "an unspecified address"),
        ("100.100.100.200/32", _METADATA),
        ("168.63.129.16/32", _METADATA),
        ("169.254.0.0/16", "a link-local address"),
        ("192.0.0.192/32", _METADATA),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
    )
]
"""Not even for a host that is named: no server of documents is there, but the keys of the machine may be."""

_PRIVATE_4 = [
    (IPv4Network(network), why)
    for network, why in (
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address of a carrier's network"),
        ("127.0.0.0/8", "a loopback address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address of a protocol"),
        ("192.0.2.0/24", "an address of documentation"),
        ("192.31.196.0/24", "an address of a protocol"),
        ("192.52.193.0/24", "an address of a protocol"),
        ("192.88.99.0/24", "an address of a tunnel"),
        ("192.168.0.0/16", "a private address"),
        ("192.175.48.0/24", "an address of a protocol"),
        ("198.18.0.0/15", "an address of benchmarks"),
        ("198.51.100.0/24", "an address of documentation"),
        ("203.0.113.0/24", "an address of documentation"),
    )
]

_WRAPPED = [IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96")]
"""IPv4 addresses as IPv6 has them: mapped (RFC 4291), and behind a translator (RFC 6052)."""

_GLOBAL_6 = IPv6Network("2000::/3")

_NEVER_6 = [
    (IPv6Network(network), why)
    for network, why in (
        ("::/128", "an unspecified address"),
        ("fd00:ec2::254/128", _METADATA),
        ("fd20:ce::254/128", _METADATA),
        ("fe80::/10", "a link-local address"),
        ("ff00::/8", "a multicast address"),
    )
]

_PRIVATE_6 = [
    (IPv6Network(network), why)
    for network, why in (
        ("2001::/23", "an address of a protocol or tunnel"),
        ("2001:db8::/32", "an address of documentation"),
        ("2002::/16", "an address of a tunnel"),
        ("2620:4f:8000::/48", "an address of a protocol"),
        ("3fff::/20", "an address of documentation"),
    )
]
