"""Signed proof that a page was served: who was given which content to read, and when.

A page carries the token of its reading and sends it with the events of that reading, so that no more dwell counts than
the time since the token was issued. Whoever has the key may check a token; nothing is stored.

The text is URL-safe base64 of 57 bytes: version (1), reading id (16), issued at (8, epoch ms), binding (16: a digest of
citizen and content), HMAC-SHA256 over all of that, its first 16 bytes. Fifty-seven is a multiple of three, so that no
bit of the text is without meaning.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import hmac
import struct
import uuid
from contextlib import suppress
from typing import NamedTuple

from content_store import clock, ids
from content_store.errors import BadReadingToken, ForeignReadingToken, ReadingTokenExpired

VERSION = 1
LIFETIME_MS = 2 * clock.DAY_MS
"""How long a token proves a reading: whoever reads without a network may send what they read until then."""

SHORTEST_KEY = 16
LENGTH = 76
"""Characters of every token."""

_PROVEN = struct.Struct(">B16sQ16s")
_MAC_BYTES = 16


class Reading(NamedTuple):
    """What a token proves: the reading's id, and when it was issued (epoch ms)."""

    reading_id: str
    issued_at: int


def issue(key: bytes, *, citizen_id: str, content_id: str, issued_at: int | None = None) -> str:
    """A token for a new reading of ``content_id`` by ``citizen_id`` that begins at ``issued_at`` (epoch ms) or now.

    Its reading id, which is to be the id of the event, is told by ``reading_id``. Raises ValueError for a key shorter
    than ``SHORTEST_KEY`` bytes.
    """
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"the key must have at least {SHORTEST_KEY} bytes")
    at = clock.now_ms() if issued_at is None else issued_at
    proven = _PROVEN.pack(VERSION, uuid.UUID(ids.new_id()).bytes, at, _binding(citizen_id, content_id))
    return base64.urlsafe_b64encode(proven + _mac(key, proven)).decode("ascii")


def reading_id(token: str) -> str:
    """The id of the reading that ``token`` claims to be for; the signature is not looked at. Raises BadReadingToken."""
    return _text(_PROVEN.unpack_from(_decoded(token))[1])


def verify(
    key: bytes, token: str, *, reading_id: str, citizen_id: str, content_id: str, now_ms: int | None = None
) -> Reading:
    """What ``token`` proves about this reading, at ``now_ms`` (epoch ms) or now.

    Raises BadReadingToken where it is not ours or altered, ForeignReadingToken where it was issued for another reading,
    citizen or content, ReadingTokenExpired after ``LIFETIME_MS``.
    """
    data = _decoded(token)
    proven = data[: _PROVEN.size]
    if not hmac.compare_digest(_mac(key, proven), data[_PROVEN.size :]):
        raise BadReadingToken("the reading token was not signed with our key, or was altered")
    version, reading, issued_at, binding = _PROVEN.unpack(proven)
    if version != VERSION:
        raise BadReadingToken(f"the reading token is of version {version}, not {VERSION}")
    if not hmac.compare_digest(binding, _binding(citizen_id, content_id)):
        raise ForeignReadingToken("the reading token was issued to another citizen or for another content")
    if _text(reading) != reading_id:
        raise ForeignReadingToken("the reading token was issued for another reading")
    now = clock.now_ms() if now_ms is None else now_ms
    if now - issued_at > LIFETIME_MS:
        raise ReadingTokenExpired("the reading token is too old", hint="open the content again")
    return Reading(reading_id, issued_at)


def _decoded(token: str) -> bytes:
    data = b""
    # The two signs of the other alphabet would be taken, too. Beyond that a text of this length has no bit to spare:
    # whatever is decoded to so many bytes has only this spelling.
    if len(token) == LENGTH and "+" not in token and "/" not in token:
        with suppress(ValueError):
            data = binascii.a2b_base64(token.replace("-", "+").replace("_", "/"), strict_mode=True)
    if len(data) != _PROVEN.size + _MAC_BYTES:
        raise BadReadingToken("this is no reading token")
    return data


def _text(reading: bytes) -> str:
    """The id as ``str(uuid.UUID(bytes=reading))`` writes it, in a third of the time."""
    digits = reading.hex()
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def _binding(citizen_id: str, content_id: str) -> bytes:
    # The first length keeps "ab" + "c" apart from "a" + "bc".
    citizen = citizen_id.encode()
    return hashlib.blake2b(struct.pack(">I", len(citizen)) + citizen + content_id.encode(), digest_size=16).digest()


def _mac(key: bytes, proven: bytes) -> bytes:
    signed = _keyed(key).copy()
    signed.update(proven)
    return signed.digest()[:_MAC_BYTES]


@functools.lru_cache(8)
def _keyed(key: bytes) -> hmac.HMAC:
    """An HMAC that has taken in the key: two of its four rounds, done once."""
    return hmac.new(key, digestmod="sha256")
