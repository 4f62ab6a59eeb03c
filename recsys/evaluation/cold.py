"""The cold protocol: items that nobody in the training file has met, ranked for each user by their text alone.

Ranked are the items of the test file that are absent from the training file. They enter as articles do that are
published after the last training: the models are fitted on the training file and the texts of its items, then the cold
items are added by their text. recall@k = hits ÷ the user's cold test items, averaged over the users who have one.

A user of the test file without a pair in the training file has no taste of their own yet and gets the order of the
average reader: the mean of the scores over the readers that the training file knows, each counting alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.errors import EvaluationError
from recsys.evaluation.pairs import READERS, Split, read_split
from recsys.evaluation.topn import PerUser, paired_ratios, summarise, top_items, topn_metrics
from recsys.models.content import Content, ContentConfig
from recsys.text import TfIdf, words

TEXT_COLUMNS = ("title", "tags", "text")
"""In the order in which they are joined: what is short and telling comes first, for long texts are cut."""
KS = (50, 100, 300)
LEADING = "recall@100"
BASELINE = "tfidf_profile"
SERVED = "content"
BLOCK = 512
AVERAGED = 4_000

Scores = NDArray[np.float32]
Scorer = Callable[[csr_matrix], Scores]
Progress = Callable[[str], None]


@dataclass(frozen=True)
class ColdTask:
    """What is ranked for whom.

    ``train``: users × warm items, ``wanted``: users × cold items (float32, 1 where the pair occurs), ``asked``: the
    rows of users with a cold test item; ``warm_texts`` and ``cold_texts`` in the order of the columns, empty where
    there is none; ``columns`` are the text columns used.
    """

    train: csr_matrix
    wanted: csr_matrix
    asked: NDArray[np.intp]
    warm_texts: list[str]
    cold_texts: list[str]
    columns: tuple[str, ...]


def run(
    train: Path,
    test: Path,
    items: Path,
    *,
    text: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress = lambda _: None,
    config: ContentConfig | None = None,
) -> dict[str, Any]:
    """The report of the protocol as plain JSON values; intervals from 1,000 resamples of the users, drawn by ``seed``.

    ``text`` names the columns of the items file to use, by default all of ``title``, ``tags`` and ``text`` that it has.
    ``progress`` is told the name of each step. Raises EvaluationError where a file or what it holds cannot be used.
    """
    progress("read")
    task = read_task(train, test, items, text)
    metrics = measure(task, config, progress)
    progress("resample")
    ratios = paired_ratios({name: metrics[name][LEADING] for name in metrics}, BASELINE, seed=seed)
    arguments = {"train": str(train), "test": str(test), "items": str(items), "text": list(task.columns), "seed": seed}
    return {
        "protocol": "cold",
        "args": arguments,
        "n": int(task.asked.size),
        "repeat_share": 0.0,
        "unseen_share": 1.0,
        "items": {
            "warm": len(task.warm_texts),
            "cold": len(task.cold_texts),
            "cold_without_text": sum(not known for known in task.cold_texts),
        },
        "users_without_history": int((np.diff(task.train.indptr)[task.asked] == 0).sum()),
        "models": summarise(metrics, seed=seed),
        "best_single": BASELINE,
        "ratio_to_best_single": ratios,
    }


def read_task(train: Path, test: Path, items: Path, text: Sequence[str] | None = None) -> ColdTask:
    """The three files as one task. Raises EvaluationError with what is missing."""
    split = read_split(train, test)
    seen = np.bincount(split.train.indices, minlength=split.items.size) > 0
    if seen.all():
        raise EvaluationError(
            f"every item of {test} occurs in {train} too", hint="the cold protocol ranks items nobody has met before"
        )
    texts, columns = read_texts(items, split, text)
    wanted = split.test[:, ~seen].tocsr()
    cold = [texts[place] for place in np.flatnonzero(~seen)]
    if not any(cold):
        raise EvaluationError(f"none of the {len(cold)} cold items has a text in {items} ({', '.join(columns)})")
    warm = [texts[place] for place in np.flatnonzero(seen)]
    if not any(warm):
        raise EvaluationError(f"no item of {train} has a text in {items} ({', '.join(columns)})")
    asked = np.flatnonzero(np.diff(wanted.indptr) > 0)
    return ColdTask(split.train[:, seen].tocsr(), wanted, asked, warm, cold, columns)


def read_texts(path: Path, split: Split, text: Sequence[str] | None) -> tuple[list[str], tuple[str, ...]]:
    """The text of each item of ``split``, empty where the file has none, and the names of the columns used.

    Raises EvaluationError where the file cannot be read or lacks a column.
    """
    frame = _read_items(path)
    present = [name for name in TEXT_COLUMNS if name in frame.columns]
    columns = tuple(dict.fromkeys(present if text is None else text))
    missing = [name for name in columns if name not in frame.columns]
    found = f"columns found: {', '.join(map(str, frame.columns))}"
    if missing:
        raise EvaluationError(f"{path} has no column {' and no column '.join(missing)}", hint=found)
    if not columns:
        raise EvaluationError(f"{path} has no column {', '.join(TEXT_COLUMNS[:-1])} or {TEXT_COLUMNS[-1]}", hint=found)
    if pd.api.types.is_numeric_dtype(frame["item"]) != np.issubdtype(split.items.dtype, np.number):
        raise EvaluationError(f"column item of {path} has numbers and the pairs have text, or the other way round")
    frame = frame.drop_duplicates("item").set_index("item").reindex(split.items)
    joined = zip(*(frame[name] for name in columns), strict=True)
    return ["\n".join(part for part in map(as_text, row) if part) for row in joined], columns


def as_text(value: object) -> str:
    """A cell of an items file as text: lists are joined by line ends, what is missing is empty."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, list | tuple | np.ndarray):
        return "\n".join(part for part in map(as_text, value) if part)
    return "" if value is None or value != value else str(value)


def measure(
    task: ColdTask, config: ContentConfig | None = None, progress: Progress = lambda _: None
) -> dict[str, PerUser]:
    """recall@50, @100 and @300 of each asked user (float64, in row order) for what ``scorers_for`` fits and ``feed``.

    ``feed`` is what is served for items without any reading, which is the order of ``content``.
    """
    metrics: dict[str, PerUser] = {}
    for name, scorer in scorers_for(task, config, progress).items():
        progress(f"rank by {name}")
        metrics[name] = recalls_by(task, scorer)
    return metrics | {"feed": metrics[SERVED]}


def scorers_for(
    task: ColdTask, config: ContentConfig | None = None, progress: Progress = lambda _: None
) -> dict[str, Scorer]:
    """The fitted models by name, each giving scores (rows × cold items, float32) for histories (rows × warm items).

    ``tfidf_profile``: product with the sum of the TF-IDF vectors of the words read; ``als_map``: ridge from text to the
    factors of ALS, times the reader's factors; ``content``: the served model.
    """
    progress(f"fit {BASELINE}")
    profile = profile_scorer(task.warm_texts, task.cold_texts)
    progress(f"fit {SERVED}")
    model = Content(config).fit(task.train, task.warm_texts)
    cold = np.asarray(model.add(task.cold_texts))
    factors = model.factors_for(task.cold_texts)
    return {
        BASELINE: profile,
        "als_map": lambda history: model.fold_in(history) @ factors.T,
        SERVED: lambda history: model.score(history)[:, cold],
    }


def profile_scorer(warm: Sequence[str], cold: Sequence[str]) -> Scorer:
    """The plain baseline: the words of what was read, TF-IDF weighted and added, times those of each cold item."""
    tfidf = TfIdf([words], fewest=1, most=10**9).fit([*warm, *cold])
    left, right = tfidf.transform(warm), tfidf.transform(cold).T.tocsc()

    def score(history: csr_matrix) -> Scores:
        scores: Scores = ((history @ left) @ right).toarray()
        return scores

    return score


def recalls_by(task: ColdTask, scorer: Scorer) -> PerUser:
    """recall@50, @100 and @300 of each asked user (float64, in row order)."""
    average = _average(task, scorer)
    parts: list[PerUser] = []
    for start in range(0, task.asked.size, BLOCK):
        rows = task.asked[start : start + BLOCK]
        history = task.train[rows]
        scores = scorer(history)
        scores[np.diff(history.indptr) == 0] = average
        top = top_items(scores, None, max(KS))
        parts.append(topn_metrics(top, task.wanted[rows], KS))
    return {f"recall@{k}": np.concatenate([part[f"recall@{k}"] for part in parts]) for k in KS}


def _average(task: ColdTask, scorer: Scorer) -> Scores:
    """The order of the average reader (cold items): at most 4,000 readers, evenly spaced over the training file."""
    known = np.flatnonzero(np.diff(task.train.indptr) > 0)
    sample = known[np.unique(np.linspace(0, known.size - 1, min(known.size, AVERAGED)).astype(np.intp))]
    total = np.zeros(len(task.cold_texts))
    for start in range(0, sample.size, BLOCK):
        scores = scorer(task.train[sample[start : start + BLOCK]])
        total += scores.sum(0, dtype=np.float64)
    mean: Scores = (total / sample.size).astype(np.float32)
    return mean


def _read_items(path: Path) -> pd.DataFrame:
    reader: Callable[[Path], pd.DataFrame] | None = READERS.get(path.suffix.lower())
    if reader is None:
        raise EvaluationError(f"{path} is no Parquet, CSV or JSONL file", hint=f"endings known: {', '.join(READERS)}")
    try:
        frame = reader(path)
    except FileNotFoundError as error:
        raise EvaluationError(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    if "item" not in frame.columns:
        raise EvaluationError(f"{path} has no column item", hint=f"columns found: {', '.join(map(str, frame.columns))}")
    return frame


def split_items(pairs: pd.DataFrame, cold: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``pairs`` (user, item) cut in two: those of all other items, and those of ``cold`` items chosen by ``seed``.

    Raises EvaluationError where there are not more items than that.
    """
    items = np.sort(pairs["item"].unique())
    if not 0 < cold < items.size:
        raise EvaluationError(f"{cold} cold items cannot be taken from {items.size}")
    chosen = pairs["item"].isin(np.random.default_rng(seed).choice(items, cold, replace=False))
    return pairs[~chosen].reset_index(drop=True), pairs[chosen].reset_index(drop=True)
