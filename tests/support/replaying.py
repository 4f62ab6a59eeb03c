"""Small reading logs for the replay protocol, and the reference script that defines it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from numpy.typing import NDArray

MINUTE = 60_000
START = 1_704_038_400_000  # 2024-01-01 in Shanghai
READS = ("VIEW", "click", "read")


class Reference(Protocol):
    """The functions of ``replay_baselines.py`` that tests call."""

    def ranks(
        self, events: pd.DataFrame, start: float, sample: int | None, seed: int
    ) -> tuple[dict[str, NDArray[np.int64]], NDArray[np.int64], dict[str, float]]: ...

    def metrics(self, rank: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]: ...

    def interval(self, values: NDArray[np.float64], owner: NDArray[np.int64], seed: int) -> tuple[float, float]: ...


def load_reference(datasets: Path) -> Reference:
    """The reference script of the protocol as a module."""
    spec = importlib.util.spec_from_file_location("replay_baselines", datasets / "reference" / "replay_baselines.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    script: Reference = module
    return script


def written(rows: pd.DataFrame | Sequence[dict[str, Any]], path: Path) -> Path:
    """``rows`` as a Parquet file at ``path``."""
    pd.DataFrame(rows).to_parquet(path, index=False)
    return path


@st.composite
def logs(draw: st.DrawFn, kinds: Sequence[str] | None = READS, most: int = 60) -> pd.DataFrame:
    """Small logs of few citizens and items with many equal times; ``kinds`` None: without an event column."""
    texts = draw(st.booleans())
    minutes = st.sampled_from([0, 1, 2, 5, 30, 31, 120, 1440, 20_000])
    row = st.tuples(st.integers(0, 5), st.integers(0, 11), minutes, st.sampled_from(kinds or ("read",)))
    rows = draw(st.lists(row, min_size=12, max_size=most))
    frame = pd.DataFrame(rows, columns=["user", "item", "ts", "event"])
    frame["ts"] = START + frame["ts"].astype("int64") * MINUTE
    if texts:
        frame["user"], frame["item"] = "citizen " + frame["user"].astype(str), "i" + frame["item"].astype(str)
    return frame if kinds else frame.drop(columns="event")


def busy_log(rows: int = 900, *, users: int = 40, items: int = 60, seed: int = 0) -> pd.DataFrame:
    """A site where articles come and go: each row reads one of the items of its day, with a region and a device."""
    random = np.random.default_rng(seed)
    place = np.arange(rows)
    newest = place * items // rows
    frame = pd.DataFrame(
        {
            "user": random.integers(0, users, rows),
            "item": np.maximum(0, newest - random.geometric(0.15, rows)),
            "ts": START + np.sort(random.integers(0, 14 * 1440, rows)) * MINUTE,
            "event": random.choice(["VIEW", "VIEW", "VIEW", "LIKE", "BOOKMARK"], rows),
        }
    )
    frame["region"] = frame["user"] % 3
    frame["device"] = frame["user"] % 2
    return frame
