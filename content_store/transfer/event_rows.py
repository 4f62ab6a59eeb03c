"""Rows of a reading log made into events, a column at a time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from content_store import clock
from content_store.transfer import values
from content_store.transfer.batches import Batch, Verdicts, mask_of, to_list
from content_store.transfer.occurrences import Occurrences, row_ids
from content_store.vocabulary import EventKind

REQUIRED = ("user", "item", "ts")
OPTIONAL = ("id", "event", "region", "session", "device", "country", "dwell_ms", "scroll", "received_at")
LABELS = ("region", "device", "country", "session")

TOLERANCE_MS = 300_000
"""How far the clock of a sender may run ahead of ours."""

KINDS = {kind.value: kind for kind in EventKind} | {
    "view": EventKind.READ,
    "bookmark": EventKind.SAVE,
    "comment_created": EventKind.COMMENT,
}
"""What the ``event`` column may say, in any case and with blanks for underscores."""

SCHEMA = pa.schema(
    [
        ("id", pa.large_string()),
        ("citizen_id", pa.large_string()),
        ("content_id", pa.large_string()),
        ("kind", pa.large_string()),
        ("at", pa.int64()),
        ("received_at", pa.int64()),
        ("dwell_ms", pa.int64()),
        ("scroll", pa.float64()),
        *((name, pa.large_string()) for name in LABELS),
    ]
)


@dataclass(slots=True)
class EventRows:
    """Turns batches of a file into tables of events; ``shift_ms`` is added to each time after its id was made.

    A time later than now is refused unless ``any_time``.
    """

    shift_ms: int = 0
    any_time: bool = False
    _occurrences: Occurrences = field(default_factory=Occurrences)

    def take(self, batch: Batch) -> tuple[pa.Table, Verdicts]:
        """The events of ``batch`` (``SCHEMA``, plus ``position`` in the batch) and the verdicts on its rows.

        The ids depend on the file alone: not on what is stored, and not on the shift.
        """
        verdicts = Verdicts(batch)
        latest = values.LATEST_MS if self.any_time else clock.now_ms() + TOLERANCE_MS
        columns = _columns(batch, verdicts, latest)
        columns["position"] = pa.array(np.arange(len(batch)))
        table = pa.table(columns).filter(pa.array(~verdicts.bad)).combine_chunks()
        return self._identified(table), verdicts

    def _identified(self, table: pa.Table) -> pa.Table:
        names = ("citizen_id", "content_id", "at", "kind", *LABELS, "dwell_ms", "scroll")
        given = table["id"]
        own = mask_of(pc.is_null(given).combine_chunks()) if len(table) else np.zeros(0, bool)
        if own.any():
            rows = table.filter(pa.array(own)).combine_chunks()
            parts = [_one_chunk(rows[name]) for name in names]
            made = row_ids(parts, rows["at"].to_numpy(), self._occurrences)
            ids = made if own.all() else pc.replace_with_mask(_one_chunk(given), pa.array(own), made)
            table = table.set_column(table.schema.get_field_index("id"), "id", ids)
        if self.shift_ms:
            shifted = pc.add(table["at"], self.shift_ms)
            table = table.set_column(table.schema.get_field_index("at"), "at", shifted)
        return table


def _columns(batch: Batch, verdicts: Verdicts, latest: int) -> dict[str, pa.Array]:
    def given(name: str) -> pa.Array:
        return batch.columns.get(name, pa.nulls(len(batch)))

    columns = {
        "id": values.ids(given("id"), "id", verdicts, required=False),
        "citizen_id": values.ids(given("user"), "user", verdicts),
        "content_id": values.ids(given("item"), "item", verdicts),
        "kind": _kinds(batch, verdicts),
        "at": values.instants(given("ts"), "ts", verdicts, latest=latest),
        "received_at": values.instants(given("received_at"), "received_at", verdicts),
        "dwell_ms": values.counts(given("dwell_ms"), "dwell_ms", verdicts),
        "scroll": values.shares(given("scroll"), "scroll", verdicts),
    }
    columns |= {name: values.labels(given(name), name, verdicts) for name in LABELS}
    verdicts.refuse(mask_of(pc.is_null(columns["at"])), "ts is missing")
    return columns


def _kinds(batch: Batch, verdicts: Verdicts) -> pa.Array:
    """The kinds as text; every row is a read where the file has no such column."""
    if "event" not in batch.columns:
        return pa.array(["read"], pa.large_string()).take(pa.array(np.zeros(len(batch), np.int8)))
    words = values.labels(batch.columns["event"], "event", verdicts)
    encoded = words.dictionary_encode()
    known = [KINDS.get(word.replace(" ", "_").lower()) for word in encoded.dictionary.to_pylist()]
    kinds = pa.array([kind and kind.value for kind in known], pa.large_string()).take(encoded.indices)
    verdicts.refuse(mask_of(pc.is_null(words)), "event is missing")
    verdicts.refuse(mask_of(pc.is_null(kinds)), lambda at: f"event {words[at].as_py()!r} is no kind of event")
    return kinds


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def without(table: pa.Table, verdicts: Verdicts, unknown: list[str]) -> pa.Table:
    """``table`` without the rows on ``unknown`` contents, which are refused."""
    if not unknown:
        return table
    items = _one_chunk(table["content_id"])
    lost = mask_of(pc.is_in(items, value_set=pa.array(unknown, pa.large_string())))
    positions = table["position"].to_numpy()[lost]
    ids = dict(zip(positions.tolist(), to_list(items.filter(pa.array(lost))), strict=True))
    mask = np.zeros(len(verdicts.batch), bool)
    mask[positions] = True
    verdicts.refuse(mask, lambda position: f"unknown item {ids[position]!r}")
    return table.filter(pa.array(~lost))
