"""Rows of files of contents and citizens made into what ``contents.merge`` and ``citizens.merge`` take."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy.engine import Connection

from content_store import citizens, contents, statements
from content_store.errors import BadRecord
from content_store.transfer import values
from content_store.transfer.batches import Batch, Mask, Verdicts, mask_of, to_list

Column = Callable[[pa.Array, str, Verdicts], pa.Array]

_YES = {"true", "1", "yes", "是"}
_NO = {"false", "0", "no", "否"}
_BETWEEN = re.compile(r"[,;|，；、]")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: which columns a file may have (with other names for some), which it must, and the two steps."""

    columns: dict[str, Column]
    aliases: dict[str, str]
    required: tuple[str, ...]
    instants: tuple[str, ...]
    check: Callable[[dict[str, Any]], dict[str, Any]]
    merge: Callable[[Connection, list[dict[str, Any]]], statements.Merged]

    def name(self, column: str) -> str:
        """What ``column`` of a file is called with us."""
        return self.aliases.get(column, column)

    def wanted(self) -> set[str]:
        """All columns of a file that are of use."""
        return set(self.columns) | set(self.aliases)


def take(
    kind: Kind, batch: Batch, *, title_is_id: bool = False, shift_ms: int = 0
) -> tuple[list[dict[str, Any]], Verdicts]:
    """The rows of ``batch`` that ``kind.check`` lets through, and the verdicts on all of them."""
    verdicts = Verdicts(batch)
    columns = {
        kind.name(name): kind.columns[kind.name(name)](column, name, verdicts)
        for name, column in _unaliased(kind, batch)
    }
    for name in kind.required:
        if name == "title" and title_is_id:
            continue
        missing = mask_of(pc.is_null(columns[name])) if name in columns else np.ones(len(batch), bool)
        verdicts.refuse(missing, f"{name} is missing")
    for name in kind.instants:
        if shift_ms and name in columns:
            columns[name] = pc.add(columns[name], shift_ms)
    lists = {name: _objects(column) for name, column in columns.items()}
    rows = []
    for position in np.flatnonzero(~verdicts.bad).tolist():
        try:
            rows.append(kind.check({name: column[position] for name, column in lists.items()}))
        except BadRecord as error:
            verdicts.refuse(_at(len(batch), position), error.message)
    return rows, verdicts


def _unaliased(kind: Kind, batch: Batch) -> list[tuple[str, pa.Array]]:
    """The columns of the batch; of two that mean the same the one with our own name."""
    return [
        (name, column)
        for name, column in batch.columns.items()
        if kind.name(name) == name or kind.name(name) not in batch.columns
    ]


def _objects(column: pa.Array) -> list[Any]:
    return list(column.to_pylist()) if pa.types.is_large_list(column.type) else to_list(column)


def _at(size: int, position: int) -> Mask:
    mask = np.zeros(size, bool)
    mask[position] = True
    return mask


def _lists(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    """Lists of texts: as they are, or as text: a JSON list, or words between commas, semicolons or bars."""
    array = values.plain(array)
    kind = array.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        found = array.to_pylist()
    else:
        found = [_split(text) for text in to_list(values.texts(array, name, verdicts))]
    bad = np.zeros(len(array), bool)
    for position, entries in enumerate(found):
        bad[position] = entries is not None and not all(isinstance(entry, str) for entry in entries)
    verdicts.refuse(bad, f"{name} is not a list of words")
    kept = [None if wrong or entries is None else _words(entries) for entries, wrong in zip(found, bad, strict=True)]
    return pa.array(kept, pa.large_list(pa.large_string()))


def _split(text: str | None) -> list[Any] | None:
    if text is None:
        return None
    if text.lstrip().startswith("["):
        try:
            found = orjson.loads(text)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, list):
            return found
    return _BETWEEN.split(text)


def _words(entries: list[str]) -> list[str]:
    return [word for entry in entries if (word := entry.strip())]


def _booleans(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    array = values.plain(array)
    if pa.types.is_boolean(array.type):
        return array
    words = to_list(values.labels(array, name, verdicts))
    found = [None if word is None else word.lower() in _YES for word in words]
    wrong = [word is not None and word.lower() not in _YES | _NO for word in words]
    verdicts.refuse(np.array(wrong, bool), lambda position: f"{name} {words[position]!r} is neither true nor false")
    return pa.array(found, pa.bool_())


def _ids(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    return values.ids(array, name, verdicts)


def _instants(array: pa.Array, name: str, verdicts: Verdicts) -> pa.Array:
    return values.instants(array, name, verdicts)


CONTENTS = Kind(
    columns={
        "id": _ids,
        "title": values.texts,
        "summary": values.texts,
        "body": values.texts,
        "topic": values.labels,
        "tags": _lists,
        "place": values.texts,
        "source": values.texts,
        "author": values.texts,
        "url": values.texts,
        "published_at": _instants,
        "expires_at": _instants,
        "version": values.counts,
        "status": values.labels,
        "created_at": _instants,
    },
    aliases={"item": "id", "text": "body", "created_ts": "published_at"},
    required=("id", "title"),
    instants=("published_at", "expires_at"),
    check=contents.check,
    merge=contents.merge,
)

CITIZENS = Kind(
    columns={
        "id": _ids,
        "prefecture": values.labels,
        "birth_year": values.counts,
        "interests": _lists,
        "kind": values.labels,
        "minor": _booleans,
        "personalised": _booleans,
        "created_at": _instants,
    },
    aliases={"user": "id"},
    required=("id",),
    instants=(),
    check=citizens.check,
    merge=citizens.merge,
)
