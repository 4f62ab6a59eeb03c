"""Training and test files of (user, item) pairs, as the split and cold protocols read them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.errors import EvaluationError

READERS = {
    ".parquet": pd.read_parquet,
    ".csv": pd.read_csv,
    ".jsonl": lambda path: pd.read_json(path, lines=True),
}


@dataclass(frozen=True)
class Split:
    """Two files over the same users and items, both in ascending order of their ids.

    ``train`` and ``test`` are users × items, float32, 1 where the pair occurs.
    """

    users: NDArray[Any]
    items: NDArray[Any]
    train: csr_matrix
    test: csr_matrix


def read_pairs(path: Path) -> pd.DataFrame:
    """The distinct (user, item) pairs of a Parquet, CSV or JSONL file; integers or text.

    Raises EvaluationError where the file is missing, unreadable, empty, lacks a column or an id.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise EvaluationError(f"{path} is no Parquet, CSV or JSONL file", hint=f"endings known: {', '.join(READERS)}")
    try:
        frame = reader(path)
    except FileNotFoundError as error:
        raise EvaluationError(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    missing = [name for name in ("user", "item") if name not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns))
        raise EvaluationError(f"{path} has no column {' and no column '.join(missing)}", hint=f"columns found: {found}")
    pairs = frame[["user", "item"]]
    if pairs.isna().any(axis=None):
        raise EvaluationError(f"{path} has rows without a user or without an item")
    pairs = pairs.drop_duplicates(ignore_index=True)
    if pairs.empty:
        raise EvaluationError(f"{path} has no rows")
    return pairs


def read_split(train: Path, test: Path) -> Split:
    """Both files over one numbering. Raises EvaluationError as ``read_pairs`` and where the kinds of ids differ."""
    first, second = read_pairs(train), read_pairs(test)
    for column in ("user", "item"):
        numeric = [pd.api.types.is_numeric_dtype(frame[column]) for frame in (first, second)]
        if numeric[0] != numeric[1]:
            raise EvaluationError(f"column {column} has numbers in one file and text in the other")
    users = np.union1d(first["user"].to_numpy(), second["user"].to_numpy())
    items = np.union1d(first["item"].to_numpy(), second["item"].to_numpy())
    return Split(users, items, _matrix(first, users, items), _matrix(second, users, items))


def _matrix(pairs: pd.DataFrame, users: NDArray[Any], items: NDArray[Any]) -> csr_matrix:
    rows = np.searchsorted(users, pairs["user"].to_numpy())
    columns = np.searchsorted(items, pairs["item"].to_numpy())
    matrix = csr_matrix((np.ones(len(pairs), np.float32), (rows, columns)), shape=(users.size, items.size))
    matrix.sort_indices()
    return matrix
