"""A whole training run on a log as large as a month of a large site: seconds per step, peak memory, ALS and implicit.

    python -m bench.train [--events N] [--citizens N] [--items N] [--seed S] [--data-dir DIR] [--json OUT]

The log comes from ``bench.globo_like`` and goes through ``kepu import events`` into SQLite, as in production. A fresh
process then trains on it (its peak is that of training alone), and fits ALS and implicit's bare
``AlternatingLeastSquares`` with the same constants on the same matrix in turn, twice each; the ratio is that of the
shorter times. With ``--data-dir`` the imported records are kept there and used again.

Asked for at the default size, on 2 cores: the run ≤ 300 s, the peak ≤ 4 GiB, the ratio ≤ 1.2.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from implicit.cpu.als import AlternatingLeastSquares
from threadpoolctl import threadpool_limits

from bench.globo_like import Shape, generate
from content_store.db import open_database
from content_store.settings import load_settings
from recsys.features.records import read_dataset
from recsys.models.als import Als, AlsConfig
from recsys.refit import refit
from recsys.snapshots import SnapshotStore
from recsys.training import TrainingConfig
from web.cli.train import summary

LONGEST_S, LARGEST_GIB, SLOWEST_ALS = 300.0, 4.0, 1.2


def measure(data_dir: Path) -> dict[str, Any]:
    """Train on the records in ``data_dir``; then time ALS. Runs in a process of its own."""
    settings = load_settings({"KEPU_DATA_DIR": str(data_dir)})
    database = open_database(settings)
    with tempfile.TemporaryDirectory(dir=data_dir) as folder:
        start = time.perf_counter()
        trained = refit(database, SnapshotStore(Path(folder)), force="a bench")
        seconds = time.perf_counter() - start
    usage = resource.getrusage(resource.RUSAGE_SELF)
    config = TrainingConfig()
    matrix = read_dataset(database, trained.snapshot.facts["data"]["as_of"], config.interest).matrix  # type: ignore[union-attr]
    database.close()
    return {
        "summary": summary(trained),
        "counts": dict(trained.counts),
        "steps": {timing.step: timing.seconds for timing in trained.timings},
        "seconds": seconds,
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_gib": usage.ru_maxrss / 2**20,
        "als": als_times(matrix, config.als),
    }


def als_times(matrix: Any, config: AlsConfig) -> dict[str, float]:
    """Seconds of our fit and of implicit's bare one, the shorter of two each, taken in turn."""
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for _ in range(2):
        start = time.perf_counter()
        Als(config).fit(matrix)
        times["ours"].append(time.perf_counter() - start)
        confidence = matrix.copy()
        confidence.data = 1 + config.alpha * confidence.data
        bare = AlternatingLeastSquares(
            factors=config.factors,
            regularization=config.regularization,
            alpha=1.0,
            iterations=config.iterations,
            num_threads=config.threads,
            random_state=config.seed,
        )
        start = time.perf_counter()
        with threadpool_limits(1, "blas"):
            bare.fit(confidence, show_progress=False)
        times["bare"].append(time.perf_counter() - start)
    return {name: min(taken) for name, taken in times.items()}


def prepare(data_dir: Path, shape: Shape, seed: int) -> None:
    """Bring the generated log into the SQLite file of ``data_dir``, unless it is there."""
    if (data_dir / "kepu.sqlite3").exists():
        return
    data_dir.mkdir(parents=True, exist_ok=True)
    file = data_dir / "events.parquet"
    pq.write_table(generate(shape, seed), file)
    command = [sys.executable, "-m", "web.cli", "import", "events", str(file), "--create-missing"]
    subprocess.run(command, check=True, env={**os.environ, "KEPU_DATA_DIR": str(data_dir)})
    file.unlink()


def report(found: dict[str, Any]) -> None:
    """Print the table."""
    ratio = found["als"]["ours"] / found["als"]["bare"]
    print("\n".join(found["summary"]))
    print(f"\n{'step':32s} {'seconds':>9s}")
    for step, seconds in found["steps"].items():
        print(f"{step:32s} {seconds:9.1f}")
    print(f"\n{'':32s} {'measured':>9s} {'at most':>9s}")
    print(f"{'whole run, s':32s} {found['seconds']:9.1f} {LONGEST_S:9.1f}")
    print(f"{'  CPU of both cores together, s':32s} {found['cpu_seconds']:9.1f}")
    print(f"{'peak RSS, GiB':32s} {found['peak_gib']:9.2f} {LARGEST_GIB:9.2f}")
    print(f"{'ALS ÷ bare implicit':32s} {ratio:9.3f} {SLOWEST_ALS:9.3f}")
    print(f"{'  ALS, bare implicit, s':32s} {found['als']['ours']:9.1f} {found['als']['bare']:9.1f}")
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")


def main() -> None:
    """Run the bench."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    whole = Shape()
    parser.add_argument("--events", type=int, default=whole.events)
    parser.add_argument("--citizens", type=int, default=whole.citizens)
    parser.add_argument("--items", type=int, default=whole.items)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        print(json.dumps(measure(args.measure)))
        return
    with tempfile.TemporaryDirectory() as folder:
        data_dir = args.data_dir or Path(folder)
        prepare(data_dir, Shape(args.events, args.citizens, args.items), args.seed)
        command = [sys.executable, "-m", "bench.train", "--measure", str(data_dir)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(done.stdout)
    report(found)
    if args.json:
        args.json.write_text(json.dumps(found, ensure_ascii=False, indent=1), "utf-8")


if __name__ == "__main__":
    main()
