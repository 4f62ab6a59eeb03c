"""The one base of every model: arrays in, arrays out, kept as ``npz`` plus a manifest and never as a pickle."""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.errors import ModelError

Arrays = dict[str, NDArray[Any]]
ModelT = TypeVar("ModelT", bound="Model")

MANIFEST = "manifest.json"
ARRAYS = "arrays.npz"
FORMAT = 1


class Model(ABC):
    """What can be fitted, kept and restored without running code from the file.

    A subclass names itself, tells its configuration as plain JSON and its state as numpy arrays without ``object``
    dtype; ``restore`` turns the two back into an equal model.
    """

    name: ClassVar[str]

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""

    @abstractmethod
    def arrays(self) -> Arrays:
        """The fitted state; no ``object`` dtype."""

    @classmethod
    @abstractmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave ``config`` and ``arrays``."""


class Recommender(Model):
    """A model that scores every item for histories it may never have seen (no citizen vectors are kept)."""

    @abstractmethod
    def fit(self, matrix: csr_matrix) -> Self:
        """Learn from ``matrix`` (citizens × items, float32, value = strength of interest ≥ 0)."""

    def score(self, history: csr_matrix) -> NDArray[np.float32]:
        """Scores (rows × items, float32, higher is better) for each row of ``history`` (rows × items, float32).

        An item that the model cannot score is ``-inf``. An empty row gives a row without a preference (all equal).
        """
        return without(self.preference(history), history, np.flatnonzero(~self.scored))

    @property
    @abstractmethod
    def scored(self) -> NDArray[np.bool_]:
        """Which items the model can score (bool, one per item)."""

    @abstractmethod
    def preference(self, history: csr_matrix) -> NDArray[np.float32]:
        """The scores (rows × items, float32), with any number for an item that is not ``scored``."""


def with_values(matrix: csr_matrix, values: NDArray[np.float32]) -> csr_matrix:
    """``matrix`` with other ``values`` in its places; SciPy's constructor would look at all of them again."""
    return one_like(matrix.shape, values, matrix.indices, matrix.indptr)


def one_like(
    shape: tuple[int, int], values: NDArray[np.float32], indices: NDArray[np.int32], indptr: NDArray[np.int32]
) -> csr_matrix:
    """A matrix of these parts, which must be sound: nothing is checked or copied, for a request makes several."""
    matrix = copy.copy(_of_shape(shape))
    matrix.data, matrix.indices, matrix.indptr = values, indices, indptr
    return matrix


def without(scores: NDArray[np.float32], history: csr_matrix, unknown: NDArray[np.intp]) -> NDArray[np.float32]:
    """``scores`` (rows × items) themselves, ``-inf`` now at ``unknown`` items where the ``history`` is not empty."""
    if unknown.size:
        told = np.diff(history.indptr) > 0
        if told.all():
            scores[:, unknown] = -np.inf
        else:
            scores[np.ix_(told, unknown)] = -np.inf
    return scores


@functools.lru_cache(16)
def _of_shape(shape: tuple[int, int]) -> csr_matrix:
    return csr_matrix(shape, dtype=np.float32)


def save(model: Model, folder: Path) -> dict[str, Any]:
    """Write ``model`` into the new ``folder``; returns the manifest with the SHA-256 of the arrays.

    Raises ModelError where an array would need a pickle.
    """
    arrays: dict[str, Any] = model.arrays()
    unsafe = [key for key, value in arrays.items() if value.dtype.hasobject]
    if unsafe:
        raise ModelError(f"{model.name}: arrays of object dtype cannot be kept: {', '.join(sorted(unsafe))}")
    folder.mkdir(parents=True)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    data = buffer.getvalue()
    manifest = {
        "format": FORMAT,
        "model": model.name,
        "config": model.config(),
        "sha256": hashlib.sha256(data).hexdigest(),
        "shapes": {key: [str(value.dtype), *value.shape] for key, value in sorted(arrays.items())},
    }
    (folder / ARRAYS).write_bytes(data)
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True), "utf-8")
    return manifest


def load(kind: type[ModelT], folder: Path) -> ModelT:
    """The model of ``kind`` in ``folder``.

    Raises ModelError where a file is missing, of another model or format, or does not match its checksum, and where
    this code cannot restore what another version of it kept.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
        if manifest.get("format") != FORMAT or manifest.get("model") != kind.name:
            raise ModelError(f"{kind.name}: found {manifest.get('model')} in format {manifest.get('format')}")
        with (folder / ARRAYS).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != manifest.get("sha256"):
                raise ModelError(f"{kind.name}: the arrays do not match their checksum")
            file.seek(0)
            return _restored(kind, manifest["config"], file)
    except (OSError, ValueError) as error:
        raise ModelError(f"{kind.name}: cannot be read: {error}") from error


def _restored(kind: type[ModelT], config: Mapping[str, Any], file: BinaryIO) -> ModelT:
    try:
        with np.load(file, allow_pickle=False) as stored:
            # Each array is read when it is asked for: two copies of all would be more than the rest of a server.
            return kind.restore(config, stored)
    except Exception as error:  # what a constructor of another time makes of the values can be anything
        raise ModelError(f"{kind.name}: cannot be restored by this code: {error}") from error
