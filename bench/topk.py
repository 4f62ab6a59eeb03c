"""Exact retrieval against the bare matrix product: ``python -m bench.topk``.

Per catalogue size: the median time of ``factors @ vector`` alone and of ``retrieve`` (product, top 500), alternating in
the same run so that a busy machine slows both. The goal is a ratio of at most 1.5.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time

import numpy as np
from numpy.typing import NDArray

from recsys.models.topk import retrieve

SIZES = (20_000, 100_000)
FACTORS = 64
K = 500
ROUNDS = 1000
GOAL = 1.5


def measure(items: int) -> tuple[float, float, float]:
    """Medians in milliseconds: (bare product, product and top ``K``), and the median of the paired ratios."""
    generator = np.random.default_rng(items)
    factors: NDArray[np.float32] = generator.normal(size=(items, FACTORS)).astype(np.float32)
    vectors: NDArray[np.float32] = generator.normal(size=(ROUNDS, FACTORS)).astype(np.float32)
    times = np.empty((ROUNDS, 2))
    for round_, vector in enumerate(vectors):
        start = time.perf_counter()
        factors @ vector
        middle = time.perf_counter()
        retrieve(vector, factors, K)
        times[round_] = middle - start, time.perf_counter() - middle
    bare, whole = 1000 * np.median(times, axis=0)
    return float(bare), float(whole), float(np.median(times[:, 1] / times[:, 0]))


def main() -> None:
    """Print the table."""
    print(f"{FACTORS} factors, float32, top {K}, exact; medians of {ROUNDS}, one BLAS thread")
    print(f"{'items':>8} {'product ms':>11} {'with top-k ms':>14} {'ratio':>6}")
    for items in SIZES:
        bare, whole, ratio = measure(items)
        print(f"{items:>8} {bare:>11.3f} {whole:>14.3f} {ratio:>6.2f}  {'ok' if ratio <= GOAL else 'over'} (≤ {GOAL})")


if __name__ == "__main__":
    main()
