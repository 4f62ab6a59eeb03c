"""The training of this service: the served order measured, behind the gate, on everything recorded until now.

Called by hand (``kepu train``) and by the clock alike.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from contextlib import nullcontext
from importlib.metadata import PackageNotFoundError, version

from content_store import clock
from content_store.db import Database
from content_store.settings import checkout
from recsys.evaluation.tail import served_tail
from recsys.features.records import read_articles, read_dataset
from recsys.gate import Margins
from recsys.learning import ranker_builder
from recsys.snapshots import SnapshotStore, TakingOver
from recsys.training import Material, Trained, Training, TrainingConfig, default_builders

SERVED = Margins(single=0.05)  # the evaluator measures what is served: it must not lose to one signal


def refit(
    database: Database,
    store: SnapshotStore,
    config: TrainingConfig | None = None,
    *,
    force: str | None = None,
    occasion: str = "by hand",
    taking_over: TakingOver = nullcontext,
    announce: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train, measure and publish what the gate lets pass; the parameters are those of ``Training``.

    Raises DataMissing where there is too little to learn from.
    """
    config = config or TrainingConfig(margins=SERVED)
    as_of = clock.now_ms()
    training = Training(
        store,
        config,
        builders=[*default_builders(config), ranker_builder()],
        evaluate=served_tail,
        code_version=code_version(),
        occasion=occasion,
        taking_over=taking_over,
        announce=announce,
    )
    return training.run(
        lambda: Material(read_dataset(database, as_of, config.interest), read_articles(database)), force=force
    )


def code_version() -> str:
    """The programme's version, with the commit where it runs from a checkout of git."""
    try:
        base = version("tianfu-kepu")
    except PackageNotFoundError:  # run from a checkout without having been installed
        base = "unpackaged"
    root = checkout()
    if root is None:
        return base
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        commit = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return base
    return f"{base}+{commit}"
