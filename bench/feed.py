"""Fresh pages of the feed per second and core, over HTTP, each right after its citizen read something.

    python -m bench.feed DATA_DIR [--seconds S] [--rounds N] [--rate N] [--later] [--json OUT]

``DATA_DIR`` holds a town of ``bench.town`` with trained models. ``kepu serve`` is pinned to the first core, the callers
to the last one. A caller is a citizen with a history: it stores a read of an article of the last days in the records,
as another process would, and asks at once for page 1 of its feed. With ``--later`` it turns pages 2 to 16 instead, of
feeds whose first pages were asked for before anything is measured. Every answer is checked: the article just read is
not in it, nor one twice. Only what the server takes is counted in its core; storing the read happens on the core of the
callers.

*closed*: 8 callers, each asking again as soon as it was answered: the rate at saturation. A shared machine is quick and
slow by turns, so that there are several rounds, each with what the server's core takes over ``sum(range(1000000))``
before and after it, ``sum_ms``. Told are the medians of all rounds, the extremes, and the median of those whose
``sum_ms`` is within a tenth of the least (``per_s_quick``). *open*: requests at half that rate, at evenly spaced times,
whose latency counts from when they were due (no coordinated omission).

Every run adds reads and impressions to ``DATA_DIR``: for figures that can be compared, measure on a copy of it.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from content_store import clock, events, ids, schema, secret_key
from content_store.db import Database, open_database
from content_store.driver import Driver, Insertion
from content_store.settings import load_settings
from content_store.vocabulary import EventKind
from web import citizen_tokens

CALLERS = 8
PER_PAGE = 20
CHAIN = 16  # pages of a feed, with --later
TURNED_PER_S = 700  # for so many later pages a second feeds are begun


_COLUMNS = ("id", "citizen_id", "content_id", "kind", "at", "received_at", "dwell_ms", "scroll")
_READ = Insertion.into(schema.events, _COLUMNS)


@dataclass
class Town:
    """Whom requests are for, and what they may have read."""

    database: Database
    token_key: bytes
    citizens: list[str]
    articles: list[str]
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    @classmethod
    def open(cls, data_dir: Path) -> Town:
        """The town in ``data_dir``."""
        settings = load_settings({"KEPU_DATA_DIR": str(data_dir)})
        database = open_database(settings)
        with database.connect() as connection:
            last = events.last_seq(connection)
            # Shares of the log and not numbers of events: in a small town those would be all that was ever read.
            raw = connection.exec_driver_sql(
                "SELECT DISTINCT citizen_id FROM events WHERE seq > ? AND seq % 5 = 0", (last * 11 // 15,)
            ).scalars()
            citizens = sorted(raw)
            read = connection.exec_driver_sql(
                "SELECT DISTINCT content_id FROM events WHERE seq > ?", (last * 14 // 15,)
            )
            articles = sorted(read.scalars())
        return cls(database, secret_key.load(settings).derive("bearer"), citizens, articles)

    def bearer(self, citizen: str) -> str:
        """What makes the server know this citizen."""
        return "kepu_citizen_" + citizen_tokens.issue(self.token_key, citizen, clock.now_ms())

    def read(self, citizen: str) -> str:
        """Store that the citizen reads an article now; which one."""
        article = self.dice.choice(self.articles)
        now = clock.now_ms()
        row = (ids.new_id(), citizen, article, EventKind.READ.value, now, now, 40_000, 0.9)
        # Not by ``events.append``: what the callers' core does takes memory bandwidth from the server's.
        with self.database.begin() as connection:
            Driver(connection).insert(_READ, [row])
        return article


@dataclass
class Chain:
    """A feed that someone reads on: what they are known by, where they are and what they saw."""

    bearer: str
    cursor: str | None = None
    seen: set[str] = field(default_factory=set)
    pages: int = 0


@dataclass
class Caller:
    """One connection that asks as many citizens in turn."""

    town: Town
    port: int
    later: bool = False
    connection: socket.socket | None = None
    begun: list[Chain] = field(default_factory=list)
    chain: Chain = field(default_factory=lambda: Chain(""))

    def begin(self, chains: int) -> None:
        """Ask for the first pages of so many feeds."""
        for _ in range(chains):
            self.ask(self._somebody())
            self.begun.append(self.chain)
        self.chain = self.begun.pop()

    def prepare(self) -> str | None:
        """What comes before the request that is measured; the article that its answer must not have.

        Raises StopIteration where no feed is left to read on.
        """
        if not self.later:
            return self._somebody()
        if self.chain.pages == CHAIN or self.chain.cursor is None:
            if not self.begun:
                raise StopIteration
            self.chain = self.begun.pop()
        return None

    def _somebody(self) -> str:
        """Another citizen, who has just read an article; which one."""
        citizen = self.town.dice.choice(self.town.citizens)
        self.chain = Chain(self.town.bearer(citizen))
        return self.town.read(citizen)

    def ask(self, article: str | None) -> float:
        """Ask for a page and check it; seconds until the answer was there."""
        if self.connection is None:
            self.connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        path = f"/api/v1/feed?limit={PER_PAGE}" + (f"&cursor={self.chain.cursor}" if self.chain.cursor else "")
        head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {self.chain.bearer}\r\n\r\n"
        begun = time.perf_counter()
        self.connection.sendall(head.encode())
        status, body = _answer(self.connection)
        seconds = time.perf_counter() - begun
        assert status == 200, (status, body[:300])
        page = orjson.loads(body)
        found = [item["id"] for item in page["items"]]
        assert len(found) == PER_PAGE == len(set(found)), len(found)
        assert page["snapshot"], "no models serve"
        assert article not in found and not self.chain.seen & set(found), "an article was shown again"
        self.chain.seen |= set(found)
        self.chain.cursor = page["cursor"]
        self.chain.pages += 1
        return seconds


def _answer(connection: socket.socket) -> tuple[int, bytes]:
    """Status and body of the answer that comes next; plain, for a client must not take the machine from the server."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(1 << 16)
    head, body = data.split(b"\r\n\r\n", 1)
    size = int(head.lower().split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
    while len(body) < size:
        body += connection.recv(1 << 16)
    return int(head.split(b" ", 2)[1]), body


def serve(data_dir: Path, core: int) -> tuple[subprocess.Popen[str], int]:
    """A server over ``data_dir`` on one core, and its port."""
    env = os.environ | {
        "KEPU_DATA_DIR": str(data_dir),
        "KEPU_RATE_PER_NETWORK": "0",
        "KEPU_RATE_PER_CITIZEN": "0",
        "OPENBLAS_NUM_THREADS": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = ["taskset", "-c", str(core), sys.executable, "-m", "web.cli", "serve", "--no-jobs", "--port", "0"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "listening on" in line:
            return process, int(line.rsplit(":", 1)[1])
    raise SystemExit("the server did not begin")


def cpu_s(parent: int) -> float:
    """CPU seconds that the worker under ``parent`` has used."""
    found = 0.0
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text("utf-8").split():
        parts = Path(f"/proc/{child}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
        found += (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
    return found


def memory_mb(parent: int) -> float:
    """The largest resident memory that a worker under ``parent`` ever had, MB."""
    peaks = [0.0]
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text("utf-8").split():
        lines = Path(f"/proc/{child}/status").read_text("utf-8").splitlines()
        peaks += [int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")]
    return max(peaks)


def closed(callers: list[Caller], seconds: float) -> list[float]:
    """Each caller asks again as soon as it was answered; the times of all requests."""
    times: list[float] = []
    end = time.perf_counter() + seconds

    def work(caller: Caller) -> None:
        while time.perf_counter() < end:
            try:
                article = caller.prepare()
            except StopIteration:
                return
            times.append(caller.ask(article))

    _together(work, callers)
    return times


def opened(callers: list[Caller], seconds: float, rate: float) -> list[float]:
    """``rate`` requests a second at even times; how long after it was due each was answered."""
    due: queue.SimpleQueue[float] = queue.SimpleQueue()
    begin = time.perf_counter() + 0.2
    for number in range(int(seconds * rate)):
        due.put(begin + number / rate)
    times: list[float] = []

    def work(caller: Caller) -> None:
        article = caller.prepare()  # before it is due: the request and not the reading is measured
        while True:
            try:
                at = due.get_nowait()
            except queue.Empty:
                return
            time.sleep(max(0.0, at - time.perf_counter()))
            caller.ask(article)
            times.append(time.perf_counter() - at)
            article = caller.prepare()

    _together(work, callers)
    return times


def _begun(callers: list[Caller], seconds: float) -> list[Caller]:
    """``callers``, with feeds to read on for so long where they turn later pages."""
    if callers[0].later:
        each = int(seconds * TURNED_PER_S / (CHAIN - 1) / len(callers)) + 2
        _together(lambda caller: caller.begin(each), callers)
    return callers


def _together(work: Any, callers: list[Caller]) -> None:
    """Each caller in a thread; what fails in one fails here."""
    with ThreadPoolExecutor(len(callers)) as pool:
        list(pool.map(work, callers))


def sum_ms(core: int) -> float:
    """How long this interpreter takes over a million additions on ``core`` now, ms; the median of nine."""
    times, mine = [], os.sched_getaffinity(0)
    os.sched_setaffinity(0, [core])
    for _ in range(9):
        begun = time.perf_counter()
        sum(range(1_000_000))
        times.append(time.perf_counter() - begun)
    os.sched_setaffinity(0, mine)
    return statistics.median(times) * 1e3


def saturated(callers: list[Caller], seconds: float, parent: int, core: int) -> dict[str, float]:
    """The rate and the CPU that a page takes while all callers ask."""
    speed = sum_ms(core)
    before, begun = cpu_s(parent), time.perf_counter()
    times = closed(callers, seconds)
    took, used = time.perf_counter() - begun, cpu_s(parent) - before
    found = {"per_s": len(times) / took, "cpu_ms": used / len(times) * 1e3, "busy": used / took}
    return found | {"closed_p50_ms": statistics.median(times) * 1e3, "sum_ms": (speed + sum_ms(core)) / 2}


def measure(town: Town, data_dir: Path, args: argparse.Namespace) -> dict[str, float]:
    """All figures of one server."""
    seconds, later = args.seconds, args.later
    cores = sorted(os.sched_getaffinity(0))
    process, port = serve(data_dir, cores[0])
    os.sched_setaffinity(0, cores[-1:])
    try:
        closed([Caller(town, port) for _ in range(CALLERS)], min(5.0, seconds))  # warm
        rounds = []
        for _ in range(args.rounds):
            callers = _begun([Caller(town, port, later) for _ in range(CALLERS)], seconds)
            rounds.append(saturated(callers, seconds, process.pid, cores[0]))
        found = {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        found |= {"per_s_least": min(each["per_s"] for each in rounds)}
        found |= {"per_s_most": max(each["per_s"] for each in rounds)}
        quick = [each for each in rounds if each["sum_ms"] <= 1.1 * min(other["sum_ms"] for other in rounds)]
        found |= {f"{name}_quick": statistics.median(each[name] for each in quick) for name in ("per_s", "sum_ms")}
        half = args.rate or found["per_s"] / 2
        spaced = opened(_begun([Caller(town, port, later) for _ in range(CALLERS)], seconds), seconds, half)
        p50, p99 = np.percentile(spaced, [50, 99])
        found |= {"open_rate": half, "open_p50_ms": p50 * 1e3, "open_p99_ms": p99 * 1e3}
        return found | {"peak_mb": memory_mb(process.pid)}
    finally:
        os.sched_setaffinity(0, cores)
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, help="of the open load; by default half of what was reached")
    parser.add_argument("--later", action="store_true")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args()
    town = Town.open(args.data_dir)
    found = measure(town, args.data_dir, args)
    town.database.close()
    for name, value in found.items():
        print(f"{name:16s} {value:10.2f}")
    print(f"load average {os.getloadavg()[0]:.1f}")
    if args.json:
        args.json.write_text(json.dumps(found, indent=1), "utf-8")


if __name__ == "__main__":
    main()
