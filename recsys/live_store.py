"""Keeps the state of the fast layer on disk: sealed, replaced whole, never needed.

Layout of the folder (``live`` in the data folder)::

    00000042/           a state: its number orders it
        manifest.json   facts, the checksums of every other file and its own
        NAME.npy        one array
    .lock               held by whoever writes; the system lets go of it when its holder dies
    .staging            what a holder that died may leave; the next one clears it away

A state is written under the staging name, synced to disk and renamed. Whoever is killed in between leaves the old ones.
All that is in a state is also in the records, so a bad one is passed over with a sentence.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from content_store.errors import SnapshotError
from recsys.models.base import Arrays
from recsys.seal import read_sealed, seal, sync_tree, verify

KEPT = 2
_STATE = re.compile(r"[0-9]{8}", re.ASCII)


@dataclass(frozen=True)
class Kept:
    """A state as it was handed over."""

    facts: Mapping[str, Any]
    arrays: Arrays


class LiveStore:
    """The states in ``root``; the newest ``KEPT`` are kept.

    ``on_step`` is called with a name before each step that reaches the disk (for tests that die there).
    """

    def __init__(self, root: Path, *, on_step: Callable[[str], None] = lambda _: None) -> None:
        self.root = root
        self._step = on_step

    def states(self) -> list[str]:
        """The names of all states, good or not, oldest first."""
        if not self.root.is_dir():
            return []
        return sorted(entry.name for entry in self.root.iterdir() if _STATE.fullmatch(entry.name))

    def save(self, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str | None:
        """Write a new state and let go of the oldest; returns its name, None where another process is writing one.

        Raises SnapshotError where the disk refuses; ``ValueError`` for an array that would need a pickle.
        """
        if unsafe := [name for name, values in arrays.items() if values.dtype.hasobject]:
            raise ValueError(f"arrays of object dtype cannot be kept: {', '.join(unsafe)}")
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with self._sole_writer() as alone:
                return self._write(facts, arrays) if alone else None
        except OSError as error:
            raise SnapshotError(f"the state of the fast layer cannot be written: {error}") from error

    def load(self, name: str) -> Kept:
        """The state ``name`` after checking every file. Raises SnapshotError where it is absent or damaged."""
        folder = self.root / name
        manifest = read_sealed(folder)
        verify(folder, manifest)
        try:
            arrays = {Path(file).stem: np.load(folder / file, allow_pickle=False) for file in sorted(manifest["files"])}
            return Kept(manifest["facts"], arrays)
        except (OSError, ValueError, KeyError) as error:
            raise SnapshotError(f"snapshot {name}: cannot be read: {error}") from error

    def _write(self, facts: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
        staging = self.root / ".staging"
        shutil.rmtree(staging, ignore_errors=True)
        before = self.states()
        name = f"{int(before[-1]) + 1 if before else 1:08d}"
        staging.mkdir()
        for key, values in arrays.items():
            self._step(f"write {key}")
            np.save(staging / f"{key}.npy", values, allow_pickle=False)
        self._step("manifest")
        seal(staging, {"facts": dict(facts)})
        sync_tree(staging, self._step)
        self._step("rename")
        staging.rename(self.root / name)
        self._step("sync root")
        sync_tree(self.root, self._step, deep=False)
        for old in [*before, name][:-KEPT]:
            self._step(f"remove {old}")
            shutil.rmtree(self.root / old, ignore_errors=True)
        return name

    @contextmanager
    def _sole_writer(self) -> Iterator[bool]:
        """Whether no other thread or process writes; it is kept so until the end."""
        descriptor = os.open(self.root / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True
        finally:
            os.close(descriptor)
