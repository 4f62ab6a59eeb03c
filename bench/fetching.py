"""What it costs to count every byte: documents per second from a server of the loopback, beside urllib3 alone.

Both open a connection for each document, as feeds of different sites do. ``python -m bench.fetching``
"""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable

import urllib3

from content_store.ingest.addresses import Rules
from content_store.ingest.fetching import Fetcher
from tests.support.hostile import HOST, Hostile, page

_TIMES = 600
_ROUNDS = 5


def main() -> None:
    """Print the table."""
    words = random.Random(1)
    text = " ".join(f"{words.randrange(10**6):x}" for _ in range(20_000)).encode()
    print("document        ours/s   urllib3/s   ratio")
    for name, body in (("1 kB", text[:1_000]), ("120 kB", text[:120_000])):
        answer = page(gzip.compress(body), "Content-Encoding: gzip")
        with Hostile(answer) as server:
            fetcher = Fetcher(Rules(named=frozenset({(HOST, server.port)})), resolve=lambda host, port: ["127.0.0.1"])
            bare = urllib3.PoolManager(headers={"Connection": "close", "Accept-Encoding": "gzip"})
            ours = _rate(lambda: fetcher.get(server.url()).body)  # noqa: B023 - called at once
            theirs = _rate(lambda: bare.request("GET", server.url(host="127.0.0.1")).data)  # noqa: B023 - called at once
        print(f"{name:12} {ours:9.0f} {theirs:11.0f} {ours / theirs:7.2f}")


def _rate(fetch: Callable[[], object]) -> float:
    """Documents per second in the best of some rounds."""
    best = 0.0
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        for _ in range(_TIMES // _ROUNDS):
            fetch()
        best = max(best, _TIMES / _ROUNDS / (time.perf_counter() - begun))
    return best


if __name__ == "__main__":
    main()
