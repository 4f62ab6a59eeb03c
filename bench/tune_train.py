"""The half-life of an interest, chosen on the first 60 % of each real log; the rest is left for the replay protocol.

    python -m bench.tune_train [--cuts 0.7 0.8 0.9] [--half-lives none 90 30 14 7 3]

The slow models are fitted on the first part of these rows and measured by ``recsys.evaluation.holdout`` on the rest.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from content_store.settings import load_settings
from recsys.evaluation.holdout import Bundle, holdout
from recsys.features import Dataset, InterestConfig
from recsys.training import Material, TrainingConfig, default_builders

LOGS = ("deskdrop_first70.parquet", "ml100k.parquet", "globo_20k.parquet")
SHARE = 0.6
KINDS = {"VIEW": "read", "LIKE": "like", "BOOKMARK": "save", "COMMENT CREATED": "comment", "FOLLOW": "follow"}


@dataclass(frozen=True)
class Log:
    """A reading log as columns."""

    citizen: NDArray[Any]
    content: NDArray[Any]
    kind: NDArray[Any]
    at: NDArray[np.int64]
    region: NDArray[Any]
    device: NDArray[Any]


def first_part(path: Path) -> Log:
    """The first ``SHARE`` of the rows of ``path`` by time."""
    frame = pd.read_parquet(path).sort_values("ts", kind="stable")
    frame = frame.iloc[: int(SHARE * len(frame))]
    nothing = np.full(len(frame), None, object)
    kind = frame["event"].map(KINDS).to_numpy(object) if "event" in frame else np.full(len(frame), "read", object)
    user, item = (frame[name].astype(str).to_numpy(object) for name in ("user", "item"))
    return Log(user, item, kind, frame["ts"].to_numpy(np.int64), nothing, nothing)


def measure(log: Log, half_life: float | None, shares: list[float]) -> tuple[int, float, dict[str, float]]:
    """Readers, and the mean over the cuts of what is served and of what each model does."""
    config = TrainingConfig(interest=InterestConfig(half_life_days=half_life))
    dataset = Dataset.build([log], as_of=int(log.at.max()) + 1, config=config.interest)
    found = []
    for share in shares:
        cut = int(dataset.log.at[int(share * len(dataset.log))])
        past = Material(dataset).before(cut)
        models = {
            builder.kind.name: model
            for builder in default_builders(config)
            if (model := builder.fit(past, {})) is not None
        }
        found.append(holdout(dataset, cut, Bundle(past.dataset.items, models), readers=1000))
    means = {name: float(np.mean([each.models[name] for each in found])) for name in found[0].models}
    return sum(each.n for each in found), float(np.mean([each.served for each in found])), means


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cuts", type=float, nargs="+", default=[0.7, 0.8, 0.9])
    parser.add_argument("--half-lives", nargs="+", default=["none", "90", "30", "14", "7", "3"])
    args = parser.parse_args()
    for name in LOGS:
        log = first_part(load_settings().datasets / "data" / name)
        for text in args.half_lives:
            readers, served, models = measure(log, None if text == "none" else float(text), args.cuts)
            parts = "  ".join(f"{model} {value:.4f}" for model, value in models.items())
            print(f"{name:26s} {text:>5s}  n {readers:5d}  blend {served:.4f}  {parts}", flush=True)


if __name__ == "__main__":
    main()
