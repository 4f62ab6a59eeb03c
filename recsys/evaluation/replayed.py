"""The files of the replay protocol: a reading log in the order of time, and what is known of its items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from content_store.errors import EvaluationError
from content_store.vocabulary import POSITIVE_KINDS, READING_KINDS, EventKind
from recsys.evaluation.cold import as_text
from recsys.evaluation.pairs import READERS
from recsys.features import Dataset
from recsys.features.articles import Article
from recsys.features.log import KIND_CODE, EventLog
from recsys.features.log import KINDS as CODES
from recsys.live import HOUR_MS, Static
from recsys.statics import static_of

READS = frozenset({"VIEW", "click", "read"})
KINDS = {
    "VIEW": EventKind.READ,
    "LIKE": EventKind.LIKE,
    "BOOKMARK": EventKind.SAVE,
    "COMMENT CREATED": EventKind.COMMENT,
    "FOLLOW": EventKind.FOLLOW,
} | {kind.value: kind for kind in EventKind if kind is not EventKind.IMPRESSION}
OTHER = EventKind.LIKE  # any other row, an impression too, is a contact to the protocol, though no reading
TEXTS = ("title", "tags", "text")
PLACE = ("region", "country")
_IS_READ = np.array([kind in READING_KINDS for kind in CODES])
_IS_CONTACT = np.array([kind in POSITIVE_KINDS for kind in CODES])


@dataclass(frozen=True)
class Replayed:
    """A log sorted by time; every flag has one entry per row, items are in the order of their ids.

    ``read``: a reading; ``first_of_pair``: the citizen's first row on the item; ``first_of_item``: anyone's.
    """

    log: EventLog
    static: Static
    texts: list[str] | None
    items: NDArray[Any]
    users: int
    read: NDArray[np.bool_]
    first_of_pair: NDArray[np.bool_]
    first_of_item: NDArray[np.bool_]

    def targets(self, first: int, last: int | None = None) -> NDArray[np.intp]:
        """Rows from ``first`` on (before ``last``) that the protocol ranks."""
        row = np.arange(len(self.log))
        inside = (row >= first) & (row < (len(self.log) if last is None else last))
        return np.flatnonzero(inside & self.read & self.first_of_pair & ~self.first_of_item)


def read(events: Path, items: Path | None = None) -> Replayed:
    """The two files as the protocol sees them. Raises EvaluationError with what is missing or cannot be used."""
    frame = _frame(events, ("user", "item", "ts"))
    if not pd.api.types.is_integer_dtype(frame["ts"]):
        raise EvaluationError(f"column ts of {events} is {frame['ts'].dtype}", hint="it holds integer milliseconds")
    if frame[["user", "item", "ts"]].isna().any(axis=None):
        raise EvaluationError(f"{events} has rows without a user, an item or a time")
    frame = frame.sort_values("ts", kind="stable", ignore_index=True)
    ids, item = _sorted_ids(frame, events)
    user = pd.factorize(frame["user"])[0]
    name = frame["event"].astype(str) if "event" in frame else pd.Series("read", index=frame.index)
    kind = name.map({key: KIND_CODE[value] for key, value in KINDS.items()}).fillna(KIND_CODE[OTHER])
    place = next((column for column in PLACE if column in frame), None)
    log = EventLog(
        user.astype(np.int32),
        item.astype(np.int32),
        kind.to_numpy(np.int8),
        frame["ts"].to_numpy(np.int64),
        _codes(frame, place),
        _codes(frame, "device"),
    )
    known = None if items is None else _known(items, ids)
    return Replayed(
        log,
        Static.unknown(ids.size) if known is None else _static(known),
        None if known is None else _texts(known),
        ids,
        int(user.max(initial=-1)) + 1,
        name.isin(READS).to_numpy(),
        _firsts(user.astype(np.int64) * ids.size + item),
        _firsts(item),
    )


def of_dataset(dataset: Dataset, articles: Mapping[str, Article], recent: int) -> Replayed:
    """The newest ``recent`` rows of the records as a log to replay; impressions and refusals are no contacts."""
    whole = dataset.log
    kept = np.flatnonzero(_IS_CONTACT[whole.kind])[-recent:]
    log = EventLog(**{name: column[kept] for name, column in whole.arrays().items()})
    items = dataset.items.size
    texts = [articles[item].text if item in articles else "" for item in dataset.items.tolist()]
    return Replayed(
        log,
        static_of(dataset.items.tolist(), articles),
        texts if sum(map(bool, texts)) * 2 >= items else None,
        dataset.items,
        dataset.citizens.size,
        _IS_READ[log.kind],
        _firsts(log.user.astype(np.int64) * max(items, 1) + log.item),
        _firsts(log.item),
    )


def _frame(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise EvaluationError(f"{path} is no Parquet, CSV or JSONL file", hint=f"endings known: {', '.join(READERS)}")
    try:
        frame = reader(path)
    except FileNotFoundError as error:
        raise EvaluationError(f"{path} does not exist") from error
    except (OSError, ValueError) as error:
        raise EvaluationError(f"{path} cannot be read: {error}") from error
    missing = [name for name in needed if name not in frame.columns]
    if missing:
        found = ", ".join(map(str, frame.columns))
        raise EvaluationError(f"{path} has no column {' and no column '.join(missing)}", hint=f"columns found: {found}")
    if frame.empty:
        raise EvaluationError(f"{path} has no rows")
    return frame


def _sorted_ids(frame: pd.DataFrame, path: Path) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The distinct items in the order of their ids, and the place of each row's item among them."""
    try:
        ids, item = np.unique(frame["item"].to_numpy(), return_inverse=True)
    except TypeError as error:
        raise EvaluationError(f"column item of {path} mixes numbers and text") from error
    return ids, item


def _known(path: Path, ids: NDArray[Any]) -> pd.DataFrame:
    """The rows of the items file in the order of ``ids``; empty ones for items that it does not know."""
    frame = _frame(path, ("item",))
    if pd.api.types.is_numeric_dtype(frame["item"]) != pd.api.types.is_numeric_dtype(ids):
        raise EvaluationError(f"column item of {path} has numbers and the events have text, or the other way round")
    return frame.drop_duplicates("item").set_index("item").reindex(ids)


def _codes(frame: pd.DataFrame, column: str | None) -> NDArray[np.int32]:
    if column is None or column not in frame:
        return np.full(len(frame), -1, np.int32)
    codes: NDArray[np.int32] = pd.factorize(frame[column])[0].astype(np.int32)
    return codes


def _firsts(codes: NDArray[np.integer]) -> NDArray[np.bool_]:
    first = np.zeros(codes.size, bool)
    first[np.unique(codes, return_index=True)[1]] = True
    return first


def _static(known: pd.DataFrame) -> Static:
    """Columns ``topic`` (or ``category``, else ``category_inferred``), ``author``, ``created_ts``, ``words_count``."""
    unknown = Static.unknown(len(known))
    topic = unknown.topic
    for column in ("topic", "category", "category_inferred"):
        if column in known:
            code = pd.factorize(known[column])[0]
            code = code if not topic.max(initial=-1) + 1 else np.where(topic >= 0, -1, code)
            topic = np.where(topic >= 0, topic, np.where(code >= 0, code + topic.max(initial=-1) + 1, -1))
    author = _codes(known, "author")
    return Static(
        topic.astype(np.int32), author, _numbers(known, "created_ts") / HOUR_MS, _numbers(known, "words_count")
    )


def _numbers(known: pd.DataFrame, column: str) -> NDArray[np.float64]:
    if column not in known:
        return np.full(len(known), np.nan)
    numbers: NDArray[np.float64] = pd.to_numeric(known[column], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return numbers


def _texts(known: pd.DataFrame) -> list[str] | None:
    columns = [name for name in TEXTS if name in known]
    if not columns:
        return None
    joined = zip(*(known[name] for name in columns), strict=True)
    return ["\n".join(part for part in map(as_text, row) if part) for row in joined]
