"""How the constants of the ``content`` model were found, and what they give: ``python -m bench.tune_cold --help``.

The test file is a seeded choice of papers of citeulike-a. Choosing looks only at what remains: twice a seeded 15 % of
the remaining papers are taken away and ranked for their readers (validation). The files of the cuts are always written;
``--candidates`` prints the validation figures, ``--test`` the test figures beside those of validation, ``--chinese``
compares ways of reading Chinese.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from content_store.settings import load_settings
from recsys.evaluation.cold import ColdTask, measure, read_task, recalls_by, scorers_for, split_items
from recsys.models.als import AlsConfig
from recsys.models.content import Content, ContentConfig
from recsys.text import TfIdf, pieces, words

SEED = 20
COLD = 3_000
VALIDATION_SEEDS = (1, 2)
VALIDATION_SHARE = 0.15
KS = (50, 100, 300)
QUERIES = 2_000
LEAD = 40
"""Characters of an abstract that stand for a title, where the corpus gives disciplines without titles."""


def cut(folder: Path, data: Path) -> tuple[Path, Path]:
    """Write ``cold_train.parquet`` and ``cold_test.parquet`` of the seeded cut into ``folder``."""
    pairs = pd.read_parquet(data / "citeulike_a.parquet").drop_duplicates()
    return _write(folder, "cold", split_items(pairs, COLD, SEED))


def validation(folder: Path, train: Path) -> Iterator[tuple[Path, Path]]:
    """The training file cut again, once for each validation seed."""
    pairs = pd.read_parquet(train)
    cold = int(pairs["item"].nunique() * VALIDATION_SHARE)
    for seed in VALIDATION_SEEDS:
        yield _write(folder, f"validation_{seed}", split_items(pairs, cold, seed))


def candidates() -> Iterator[tuple[str, ContentConfig]]:
    """The chosen constants first, then each of them changed."""
    chosen = ContentConfig()
    yield "chosen", chosen
    for factors, regularization, alpha in ((64, 60, 20), (128, 60, 20), (256, 30, 20), (256, 100, 20), (256, 60, 40)):
        als = AlsConfig(factors, regularization, alpha, chosen.als.iterations)
        yield f"als {factors} factors, regularization {regularization}, alpha {alpha}", replace(chosen, als=als)
    for ridge in (1.0, 5.0):
        yield f"ridge {ridge}", replace(chosen, ridge=ridge)
    for steps in (5, 20):
        yield f"{steps} steps", replace(chosen, steps=steps)
    yield "terms of a single text too", replace(chosen, fewest=1)


def recalls(tasks: Sequence[ColdTask]) -> dict[str, list[float]]:
    """Mean recall@50, @100, @300 of each model over the tasks."""
    found = [measure(task) for task in tasks]
    return {
        name: [float(np.mean([part[name][f"recall@{k}"].mean() for part in found])) for k in KS] for name in found[0]
    }


def print_candidates(tasks: Sequence[ColdTask]) -> None:
    """Validation figures of every candidate."""
    for name, config in candidates():
        start = time.process_time()
        found = [recalls_by(task, scorers_for(task, config)["content"]) for task in tasks]
        row = [np.mean([part[f"recall@{k}"].mean() for part in found]) for k in KS]
        seconds = time.process_time() - start
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in row)} | {seconds:.0f} s |", flush=True)


def print_test(tasks: Sequence[ColdTask], test: ColdTask) -> None:
    """Validation and test figures side by side."""
    left, right = recalls(tasks), recalls([test])
    for name in left:
        print(f"| {name} | {' | '.join(f'{value:.4f}' for value in left[name] + right[name])} |", flush=True)


def print_chinese(data: Path) -> None:
    """Share of the 10 nearest abstracts of the same discipline, by their leads, and own abstract found by title."""
    frame = pd.read_parquet(data / "zh_science_abstracts.parquet")
    classed = frame[frame["category"].str.len() > 0].reset_index(drop=True)
    leads, discipline = classed["text"].str.slice(0, LEAD).tolist(), classed["category"].to_numpy()
    titled = frame[frame["title"].str.len() > 3].head(QUERIES)
    ways: dict[str, list[Callable[[str], list[str]]]] = {
        "rjieba words": [words],
        "characters and pairs": [pieces],
        "both": [words, pieces],
    }
    for name, tokenisers in ways.items():
        tfidf = TfIdf(tokenisers, most=10**9, fewest=1).fit(leads)
        rate = same_discipline(tfidf.transform(leads), discipline)
        own = TfIdf(tokenisers, most=10**9, fewest=1).fit([*titled["title"], *titled["text"]])
        print(f"| {name} | {rate:.3f} | {found_first(own, titled['title'].tolist(), titled['text'].tolist()):.3f} |")
    model = Content().fit(csr_matrix((1, len(leads)), dtype=np.float32), leads)
    print(f"| vectors of content | {same_discipline(model.vectors(leads), discipline):.3f} | |")


def same_discipline(vectors: csr_matrix | NDArray[np.float32], discipline: NDArray[np.object_]) -> float:
    """Of the 10 nearest of each of 2,000 seeded queries, the share with the query's discipline."""
    queries = np.random.default_rng(7).choice(discipline.size, QUERIES, replace=False)
    near = vectors[queries] @ vectors.T
    cosine = near if isinstance(near, np.ndarray) else near.toarray()
    cosine[np.arange(QUERIES), queries] = -np.inf
    top = np.argpartition(-cosine, 10, axis=1)[:, :10]
    return float((discipline[top] == discipline[queries][:, None]).mean())


def found_first(tfidf: TfIdf, titles: list[str], texts: list[str]) -> float:
    """The share of titles whose own abstract is the nearest of all."""
    cosine = (tfidf.transform(titles) @ tfidf.transform(texts).T).toarray()
    own = cosine.diagonal()[:, None]
    return float(((cosine >= own).sum(1) == 1).mean())


def _write(folder: Path, name: str, parts: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    train, test = folder / f"{name}_train.parquet", folder / f"{name}_test.parquet"
    parts[0].to_parquet(train, index=False)
    parts[1].to_parquet(test, index=False)
    return train, test


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path, help="where the files of the cuts are written")
    parser.add_argument("--text", default="title", help="columns of the items file, separated by commas")
    for name in ("candidates", "test", "chinese"):
        parser.add_argument(f"--{name}", action="store_true")
    given = parser.parse_args()
    data = load_settings().datasets / "data"
    columns, items = given.text.split(","), data / "citeulike_a_items.parquet"
    with threadpool_limits(1):
        train, test = cut(given.folder, data)
        if given.candidates or given.test:
            tasks = [read_task(*files, items, columns) for files in validation(given.folder, train)]
        if given.candidates:
            print_candidates(tasks)
        if given.test:
            print_test(tasks, read_task(train, test, items, columns))
        if given.chinese:
            print_chinese(data)


if __name__ == "__main__":
    main()
