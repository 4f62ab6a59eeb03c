"""What a fresh page costs in a large town and in a small one, measured in turns.

    python -m bench.growth SMALL_DIR LARGE_DIR [--seconds S] [--rounds N]

Both are towns of ``bench.town`` with trained models, with as many contents and fewer or more citizens. A server over
each is pinned to the first core, callers as in ``bench.feed`` to the last one, and the two are asked by turns, so that
a machine that becomes slower becomes so for both. Told are the medians of the CPU that a page takes, and the median of
the ratios of neighbouring rounds, with quartiles.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
from pathlib import Path

import numpy as np

from bench import feed


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("small", type=Path)
    parser.add_argument("large", type=Path)
    parser.add_argument("--seconds", type=float, default=4.0, help="of a round")
    parser.add_argument("--rounds", type=int, default=9)
    args = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    towns = [feed.Town.open(folder) for folder in (args.small, args.large)]
    servers = [feed.serve(folder, cores[0]) for folder in (args.small, args.large)]
    os.sched_setaffinity(0, cores[-1:])
    cpu: list[list[float]] = [[], []]
    try:
        for number in range(args.rounds + 1):
            for which, (town, (process, port)) in enumerate(zip(towns, servers, strict=True)):
                callers = [feed.Caller(town, port) for _ in range(feed.CALLERS)]
                found = feed.saturated(callers, args.seconds, process.pid, cores[0])
                if number:  # the first one warms both
                    cpu[which].append(found["cpu_ms"])
    finally:
        for process, _ in servers:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
    ratios = [large / small for small, large in zip(*cpu, strict=True)]
    low, middle, high = np.percentile(ratios, [25, 50, 75])
    print(f"small    {statistics.median(cpu[0]):6.2f} ms of CPU a fresh page")
    print(f"large    {statistics.median(cpu[1]):6.2f}")
    print(f"ratio    {middle:6.2f} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()
