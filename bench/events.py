"""Events a second over HTTP, durable, judged and counted; and what is there after the server was killed.

    python -m bench.events [--calls N] [--kills N] [--folder DIR]

``kepu serve`` (SQLite, ``synchronous = FULL``) is pinned to the first core, the callers to the last one. A call is a
``POST /api/v1/events`` with 20 events of one citizen, as ``bench.intake`` makes them: *mixed* or whole *readings*.
``CALLERS`` connections send the next call as soon as the one before was answered; calls of one citizen keep their
order. *bare insertion* is that of the rows that result, in the same run (see ``bench.intake``).

With ``--kills`` the server is killed (SIGKILL, all of its processes) that many times at random moments under the same
load and begun again. After each time the callers' own notes are compared with the records: every event that was
acknowledged must be there (an event is stored once by its key), and the ledger must agree with the events.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from bench import intake
from bench.feed import cpu_s, serve
from content_store import clock, ledger_audit, secret_key
from content_store.db import Database, open_database
from content_store.settings import Settings, load_settings
from web import citizen_tokens

CALLERS = 12
AT_LEAST = 8_000


@dataclass
class Caller:
    """Sends its calls one after the other, and notes which events were acknowledged."""

    port: int
    requests: list[tuple[bytes, str, list[str]]]  # body, token, ids
    times: list[float] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)

    def run(self) -> None:
        """Until all is sent, or the server is gone."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            for body, token, ids in self.requests:
                begun = time.perf_counter()
                headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
                connection.request("POST", "/api/v1/events", body, headers)
                response = connection.getresponse()
                answer = orjson.loads(response.read())
                if response.status != 200 or answer["rejected"]:
                    raise SystemExit(f"{response.status} {answer}")
                self.times.append(time.perf_counter() - begun)
                self.acknowledged.update(ids)
        except (OSError, http.client.HTTPException):
            return


def requests(settings: Settings, mix: str, count: int, seed: int) -> list[list[tuple[bytes, str, list[str]]]]:
    """The calls of each caller, ready to be sent; those of one citizen are one caller's."""
    now, secret = clock.now_ms(), secret_key.load(settings)
    bearer = secret.derive("bearer")
    parts: list[list[tuple[bytes, str, list[str]]]] = [[] for _ in range(CALLERS)]
    for number, (rows, sender) in enumerate(intake.calls(mix, count, seed, now=now, key=secret.derive("reading"))):
        events = [{name: value for name, value in row._asdict().items() if value is not None} for row in rows]
        token = "kepu_citizen_" + citizen_tokens.issue(bearer, sender.citizen_id, now)
        part = parts[number // 2 % CALLERS]
        part.append((orjson.dumps({"events": events}), token, [str(event["id"]) for event in events]))
    return parts


def together(callers: list[Caller]) -> float:
    """Run all of them; seconds until the last was done."""
    begun = time.perf_counter()
    threads = [threading.Thread(target=caller.run) for caller in callers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def rate(folder: Path, mix: str, calls: int) -> None:
    """One row of the table."""
    settings = load_settings({"KEPU_DATA_DIR": str(folder / mix)})
    database = open_database(settings)
    intake.fill(database)
    cores = sorted(os.sched_getaffinity(0))
    process, port = serve(settings.data_dir, cores[0])
    os.sched_setaffinity(0, cores[-1:])
    try:
        together([Caller(port, part) for part in requests(settings, mix, calls // 10, 1)])
        callers = [Caller(port, part) for part in requests(settings, mix, calls, 2)]
        before = cpu_s(process.pid)
        seconds = together(callers)
        used = cpu_s(process.pid) - before
    finally:
        os.sched_setaffinity(0, cores)
        kill(process)
    sent = sum(len(ids) for caller in callers for _, _, ids in caller.requests)
    assert sum(len(caller.times) for caller in callers) == calls, "a call was not answered"
    times = sorted(second for caller in callers for second in caller.times)
    rows = intake.results(database)
    database.close()
    with intake.server("sqlite", folder) as new, new() as bare:
        found = intake.insert_bare(bare, rows, sum(len(part) for part in rows[:1]), calls)
    print(
        f"| {mix} | {sent / seconds:,.0f} | {sent / used:,.0f} | {found.events / found.seconds:,.0f}"
        f" | {statistics.median(times) * 1e3:.1f} | {times[len(times) * 99 // 100] * 1e3:.1f} |",
        flush=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    """Kill the server and its worker without a word."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text("utf-8").split()
    for pid in [process.pid, *map(int, children)]:
        os.kill(pid, signal.SIGKILL)
    process.wait()


def killed(folder: Path, times: int) -> None:
    """Kill and compare, ``times`` times."""
    settings = load_settings({"KEPU_DATA_DIR": str(folder / "killed")})
    database = open_database(settings)
    intake.fill(database)
    dice, cores = random.Random(3), sorted(os.sched_getaffinity(0))
    acknowledged: set[str] = set()
    for turn in range(times):
        process, port = serve(settings.data_dir, cores[0])
        callers = [Caller(port, part) for part in requests(settings, "mixed", 4_000, 100 + turn)]
        timer = threading.Timer(0.1 + dice.random() * 2.5, kill, (process,))
        timer.start()
        together(callers)
        timer.join()
        for caller in callers:
            acknowledged |= caller.acknowledged
        lost = acknowledged - stored(database)
        if lost:
            raise SystemExit(f"kill {turn + 1}: {len(lost)} acknowledged events are missing, such as {min(lost)}")
        print(f"  kill {turn + 1:2d}: {len(acknowledged):,} acknowledged so far, all there", flush=True)
    with database.snapshot() as connection:
        found = ledger_audit.verify(connection)
    database.close()
    told = "; ".join(problem.text for problem in found.problems) or "agrees"
    print(f"{times} kills: {len(acknowledged):,} events acknowledged, none missing; the ledger: {told}")


def stored(database: Database) -> set[str]:
    """The ids of all events."""
    with database.connect() as connection:
        return set(connection.exec_driver_sql("SELECT id FROM events").scalars())


def main() -> None:
    """Print the table, and what the kills did."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=6_000)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the databases are made")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        print("| calls | events/s | per CPU second of the server | bare insertion | p50 ms | p99 ms |")
        print("|---|---:|---:|---:|---:|---:|")
        for mix in ("mixed", "readings") if args.calls else ():
            rate(Path(folder), mix, args.calls)
        print(f"asked for: {AT_LEAST:,}; load average {os.getloadavg()[0]:.1f}")
        if args.kills:
            killed(Path(folder), args.kills)


if __name__ == "__main__":
    main()
