"""Signed texts that say which citizen comes: the value of the cookie, and the token of clients that keep no cookies.

A text is URL-safe base64, without padding, of: version (1), issued at (8, epoch ms), HMAC-SHA256 (its first 16 bytes)
over version, time and id, and the citizen's id in UTF-8. Nothing is stored; each use has a signing key of its own.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hmac
import struct
from typing import NamedTuple

from content_store import clock

VERSION = 1
LIFE_MS = 400 * clock.DAY_MS
"""Browsers keep no cookie for longer."""
RENEW_MS = 30 * clock.DAY_MS
"""The age at which a cookie that is used is made anew."""

_HEAD = struct.Struct(">BQ")
_MAC_BYTES = 16


class Pass(NamedTuple):
    """Whom a text speaks for, and since when (epoch ms)."""

    citizen_id: str
    issued_at: int


def issue(key: bytes, citizen_id: str, now: int) -> str:
    """The text that speaks for ``citizen_id`` from ``now`` (epoch ms) on."""
    head, identifier = _HEAD.pack(VERSION, now), citizen_id.encode()
    data = head + _mac(key, head, identifier) + identifier
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def read(key: bytes, text: str, now: int) -> Pass | None:
    """What ``text`` says at ``now``; None where it is not ours, altered or too old."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        head, mac = data[: _HEAD.size], data[_HEAD.size : _HEAD.size + _MAC_BYTES]
        version, issued_at = _HEAD.unpack(head)
        identifier = data[_HEAD.size + _MAC_BYTES :]
    except (binascii.Error, ValueError, struct.error):
        return None
    if not hmac.compare_digest(mac, _mac(key, head, identifier)) or version != VERSION:
        return None
    if now - issued_at >= LIFE_MS:
        return None
    return Pass(identifier.decode(), issued_at)


# OpenSSL takes 40 µs over so short a text, and a client sends the same token with each request.
@functools.lru_cache(4_096)
def _mac(key: bytes, head: bytes, identifier: bytes) -> bytes:
    return hmac.digest(key, head + identifier, "sha256")[:_MAC_BYTES]
