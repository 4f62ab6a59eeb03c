"""Content codings of HTTP undone piece by piece, within limits: a small document may stand for a huge one.

gzip, deflate (with and without its envelope, as servers send both) and br, and two of them one upon the other. Each
layer is limited by itself, as the innermost may be small again.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Protocol

import brotli

from content_store.errors import FetchFailed
from content_store.ingest.limits import Limits
from content_store.problems import FetchProblem

ACCEPTED = "gzip, deflate, br"
"""The codings that we ask for."""

_PIECE = 64 * 1024
_STEP = 4 * 1024
_MOST_LAYERS = 2
_MOST_MEMBERS = 1_000
_GZIP = b"\x1f\x8b"
_GZIP_WINDOW = 16 + zlib.MAX_WBITS


class _Layer(Protocol):
    @property
    def complete(self) -> bool:
        """Whether the coded data have come to their own end."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` stand for, at most ``_PIECE`` bytes at a time."""


class Body:
    """A body as it grows; ``content`` is what it has become. ``coding`` is the header ``Content-Encoding``.

    With ``cut`` what is beyond the limit is left away and not refused. Raises FetchFailed (``bad_encoding``).
    """

    def __init__(self, coding: str, limits: Limits, *, cut: bool = False) -> None:
        names = [name.strip().lower() for name in coding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > _MOST_LAYERS or not all(name in _LAYERS for name in names):
            raise FetchFailed(FetchProblem.BAD_ENCODING, f"the coding {coding[:100]!r} is not understood")
        self.content = bytearray()
        self._layers = [_LAYERS[name]() for name in reversed(names)]
        self._grown = [0] * len(names)
        self._limits = limits
        self._cut = cut
        self._wire = 0

    @property
    def full(self) -> bool:
        """Whether a body that may be cut has all that it may have."""
        return self._cut and len(self.content) >= self._limits.body_bytes

    def feed(self, data: bytes) -> None:
        """Add what came over the wire. Raises FetchFailed (``too_large``, ``bomb``, ``bad_encoding``)."""
        # Small steps, so that what a few bytes stand for is compared with these few.
        step = _STEP if self._layers else max(1, len(data))
        for start in range(0, len(data), step):
            self._take(data[start : start + step])
            if self.full:
                return

    def _take(self, data: bytes) -> None:
        self._wire += len(data)
        try:
            for piece in self._through(data, 0):
                self.content += piece
                if self.full:
                    del self.content[self._limits.body_bytes :]
                    return
                if len(self.content) > self._limits.body_bytes:
                    raise FetchFailed(
                        FetchProblem.TOO_LARGE, f"the document has more than {self._limits.body_bytes} bytes"
                    )
        except (zlib.error, brotli.error) as error:
            raise FetchFailed(FetchProblem.BAD_ENCODING, f"the compressed data are broken: {error}") from error

    def finish(self) -> bytes:
        """The whole body. Raises FetchFailed (``bad_encoding``) where compressed data lack their end."""
        if self._wire and not self.full and not all(layer.complete for layer in self._layers):
            raise FetchFailed(FetchProblem.BAD_ENCODING, "the compressed data end in their middle")
        return bytes(self.content)

    def _through(self, data: bytes, layer: int) -> Iterator[bytes]:
        if layer == len(self._layers):
            yield data
            return
        for piece in self._layers[layer].pieces(data):
            self._grown[layer] += len(piece)
            self._refuse_bomb(self._grown[layer], innermost=layer == len(self._layers) - 1)
            yield from self._through(piece, layer + 1)

    def _refuse_bomb(self, grown: int, *, innermost: bool) -> None:
        limits = self._limits
        if grown > limits.ratio_from and grown > limits.ratio * self._wire:
            raise FetchFailed(FetchProblem.BOMB, f"{self._wire} bytes stand for more than {grown}")
        if grown > limits.body_bytes and not innermost:
            raise FetchFailed(FetchProblem.BOMB, f"more than {limits.body_bytes} bytes between two codings")


class _Zlib:
    """gzip, one member after the other; whatever follows the last is passed over, as everybody does."""

    def __init__(self, window: int = _GZIP_WINDOW) -> None:
        self._window = window
        self._decoder = zlib.decompressobj(window)
        self._members = 1

    @property
    def complete(self) -> bool:
        return self._decoder.eof

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while True:
            if self._decoder.eof:
                if not data or self._window != _GZIP_WINDOW or not _GZIP.startswith(data[:2]):
                    return
                self._next_member()
            piece = self._decoder.decompress(data, _PIECE)
            if piece:
                yield piece
            data = self._decoder.unused_data if self._decoder.eof else self._decoder.unconsumed_tail
            if not data and len(piece) < _PIECE:
                return

    def _next_member(self) -> None:
        # Thousands of empty ones keep a machine busy and stand for nothing.
        if self._members == _MOST_MEMBERS:
            raise zlib.error(f"more than {_MOST_MEMBERS} members")
        self._members += 1
        self._decoder = zlib.decompressobj(self._window)


class _Deflate:
    """deflate as the standard has it (RFC 1950), or bare (RFC 1951) as many servers send it."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: _Zlib | None = None

    @property
    def complete(self) -> bool:
        return self._inner is not None and self._inner.complete

    def pieces(self, data: bytes) -> Iterator[bytes]:
        if self._inner is None:
            self._head += data
            if len(self._head) < 2:
                return
            wrapped = self._head[0] & 15 == 8 and int.from_bytes(self._head[:2]) % 31 == 0
            self._inner = _Zlib(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
            data, self._head = self._head, b""
        yield from self._inner.pieces(data)


class _Brotli:
    """br (RFC 7932)."""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def complete(self) -> bool:
        return bool(self._decoder.is_finished())

    def pieces(self, data: bytes) -> Iterator[bytes]:
        while not self._decoder.is_finished():
            piece = self._decoder.process(data, output_buffer_limit=_PIECE)
            data = b""
            if piece:
                yield piece
            elif self._decoder.can_accept_more_data():
                # Only an empty piece shows that no more is to come of what was given: it says so too early.
                return


_LAYERS: dict[str, type[_Zlib] | type[_Deflate] | type[_Brotli]] = {
    "gzip": _Zlib,
    "x-gzip": _Zlib,
    "deflate": _Deflate,
    "br": _Brotli,
}
