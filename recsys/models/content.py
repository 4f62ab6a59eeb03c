"""Articles by their text: a vector for what is related, and a map from text to factors for what nobody has read yet.

Texts become TF-IDF vectors of words and pieces of words (``recsys.text``). A truncated singular value decomposition of
them (latent semantic analysis; randomised, Halko, Martinsson and Tropp 2011) gives the vectors in which articles are
near each other. A ridge regression from the TF-IDF terms to the item factors of ALS gives every article a place among
the tastes of the readers from the moment it is published, as in Gantner et al. 2010, "Learning attribute-to-feature
mappings for cold-start recommendations". Readers are folded in from their histories and compared with the direction of
these factors only: their length says how much is known of an article, not how good it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from content_store.errors import ModelError
from recsys.models.als import Als, AlsConfig
from recsys.models.base import Arrays, Recommender, one_like, without
from recsys.text import TfIdf

SPARE_DIRECTIONS = 16
POWER_STEPS = 3
COLUMNS_AT_ONCE = 64
ARTICLES_AT_ONCE = 2_000

Floats = NDArray[np.float32]


def _als() -> AlsConfig:
    return AlsConfig(factors=256, regularization=60.0, alpha=20.0, iterations=12)


@dataclass(frozen=True)
class ContentConfig:
    """Constants of the model, chosen by ``bench/tune_cold.py``.

    ``als``: the factors to map to, unless a fitted model is given. ``ridge``: penalty of the map, in units of the
    squared length of a text vector (which is 1); it is solved by ``steps`` conjugate gradients. ``dimensions`` of the
    vectors in which articles are near. ``characters`` of a text are read; a term must occur in ``fewest`` texts, and of
    words and of pieces the ``most`` commonest are kept.
    """

    als: AlsConfig = field(default_factory=_als)
    ridge: float = 2.5
    steps: int = 10
    dimensions: int = 256
    characters: int = 1_000
    fewest: int = 2
    most: int = 75_000
    seed: int = 0


class Content(Recommender):
    """Scores every article by its text alone for readers known by what they have read.

    Memory while fitting: the TF-IDF vectors twice (8 bytes a term; a letter or character of text is about 3 terms at
    most) and a few arrays of terms × 64 and terms × dimensions float32; no array of items × items or terms × terms.
    Kept are (terms + items) × factors and once more items × factors float32, (terms + items) × dimensions float16.
    Measured: 0.5 GB for the titles of 10,584 papers and their readers.
    """

    name: ClassVar[str] = "content"

    def __init__(self, config: ContentConfig | None = None) -> None:
        self.settings = config or ContentConfig()
        self._tfidf = self._bare()
        self._map = np.zeros((0, self.settings.als.factors), np.float32)
        self._basis = np.zeros((0, 0), np.float16)
        self._vectors = np.zeros((0, 0), np.float16)
        self._factors = np.zeros((0, self.settings.als.factors), np.float32)
        self._reader = Als(self.settings.als)
        self._scale, self._silent = np.zeros(0, np.float32), np.zeros(0, np.intp)

    @property
    def items(self) -> int:
        """The number of articles known, those added after the fit included."""
        return int(self._factors.shape[0])

    def config(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self.settings)

    def arrays(self) -> Arrays:
        """``map`` (terms × factors) and ``factors`` (items × factors), float32; ``basis`` (terms × dimensions) and
        ``vectors`` (items × dimensions), float16; the terms (see ``TfIdf.arrays``); the ALS that folds readers in.
        """
        kept: Arrays = {"map": self._map, "basis": self._basis, "vectors": self._vectors, "factors": self._factors}
        return kept | self._tfidf.arrays() | {f"als_{key}": value for key, value in self._reader.arrays().items()}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave ``config`` and ``arrays``."""
        model = cls(ContentConfig(**{**config, "als": AlsConfig(**config["als"])}))
        model._tfidf.take(arrays)
        model._map, model._basis = arrays["map"], arrays["basis"].astype(np.float16)
        model._vectors, model._factors = arrays["vectors"].astype(np.float16), arrays["factors"]
        parts = {key.removeprefix("als_"): value for key, value in arrays.items() if key.startswith("als_")}
        reader = Als.restore(config["als"], parts)
        model._read(reader, reader.item_factors)
        return model

    def fit(self, matrix: csr_matrix, texts: Sequence[str] = (), *, als: Als | None = None) -> Self:
        """Learn from the ``texts`` of the items and ``matrix`` (citizens × items, float32, strength ≥ 0).

        ``als`` is a model fitted on the same ``matrix`` whose factors shall be used; without it one is fitted.
        Raises ModelError where there are not as many texts as items, or ``als`` knows another number of them.
        """
        if len(texts) != matrix.shape[1]:
            raise ModelError(f"content: {len(texts)} texts for {matrix.shape[1]} items")
        if als is not None:
            self.settings = replace(self.settings, als=als.settings)
        reader = Als(self.settings.als).fit(matrix) if als is None else als
        if reader.item_factors.shape[0] != matrix.shape[1]:
            raise ModelError(f"content: the ALS knows {reader.item_factors.shape[0]} of {matrix.shape[1]} items")
        self._tfidf = self._bare().fit(texts)
        terms = self._tfidf.transform(texts)
        self._basis = principal_directions(terms, self.settings.dimensions, self.settings.seed).astype(np.float16)
        known = reader.known
        self._map = ridge_map(terms[known], reader.item_factors[known], self.settings.ridge, self.settings.steps)
        self._vectors, self._factors = self._placed(terms).astype(np.float16), terms @ self._map
        self._read(reader, np.where(known[:, None], reader.item_factors, self._factors))
        return self

    def vectors(self, texts: Sequence[str]) -> Floats:
        """The vectors of any ``texts`` (texts × dimensions, float32, length 1, or 0 where no term is known)."""
        return self._placed(self._tfidf.transform(texts))

    def factors_for(self, texts: Sequence[str]) -> Floats:
        """The place of any ``texts`` among the ALS factors (texts × factors, float32; zero where no term is known)."""
        factors: Floats = self._tfidf.transform(texts) @ self._map
        return factors

    def add(self, texts: Sequence[str]) -> range:
        """Take in newly published articles; returns their positions, after all that were known before."""
        terms = self._tfidf.transform(texts)
        first, factors = self.items, terms @ self._map
        self._vectors = np.vstack([self._vectors, self._placed(terms).astype(np.float16)])
        self._factors = np.vstack([self._factors, factors])
        known = np.concatenate([self._reader.known, np.zeros(len(texts), bool)])
        self._read(self._reader, np.vstack([self._reader.item_factors, factors]), known)
        return range(first, self.items)

    def fold_in(self, history: csr_matrix) -> Floats:
        """The ALS vectors (rows × factors, float32) of readers with these histories (rows × items).

        A history over fewer items than are known is one from before the last articles were added.
        Raises ModelError where it is over more.
        """
        if history.shape[1] < self.items:
            history = one_like((history.shape[0], self.items), history.data, history.indices, history.indptr)
        return self._reader.fold_in(history)

    def score(self, history: csr_matrix) -> Floats:
        """Agreement of reader and text (rows × items, float32); articles without a known term are ``-inf``."""
        scores = self.fold_in(history) @ self._factors.T
        scores *= self._scale
        return without(scores, history, self._silent)

    def near(self, item: int, k: int) -> tuple[NDArray[np.intp], Floats]:
        """The ``k`` articles whose texts are nearest to that of ``item``, nearest first, and their cosines (float32).

        The article itself and those without a known term are left out, so there may be fewer. Raises IndexError.
        """
        if not 0 <= item < self.items:
            raise IndexError(f"no article has the position {item}")
        vectors = self._vectors.astype(np.float32)
        cosine = vectors @ vectors[item]
        order = np.argsort(-cosine, kind="stable")
        order = order[(order != item) & vectors[order].any(1) & vectors[item].any()][:k]
        return order, cosine[order]

    def _placed(self, terms: csr_matrix) -> Floats:
        """The vectors of articles with these ``terms``; some at a time, for they are multiplied as float32."""
        found = [np.zeros((0, self._basis.shape[1]), np.float32)]
        for start in range(0, terms.shape[0], ARTICLES_AT_ONCE):
            part = terms[start : start + ARTICLES_AT_ONCE].tocsc()
            used = np.flatnonzero(np.diff(part.indptr))
            found.append(_unit(part[:, used] @ self._basis[used].astype(np.float32)))
        return np.vstack(found)

    def _bare(self) -> TfIdf:
        settings = self.settings
        return TfIdf(fewest=settings.fewest, most=settings.most, characters=settings.characters)

    def _read(self, als: Als, factors: Floats, known: NDArray[np.bool_] | None = None) -> None:
        """Fold readers in with ``factors``: an article that nobody read speaks through its text when one reads it."""
        length = np.linalg.norm(self._factors, axis=1)
        self._scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        self._silent = np.flatnonzero(length == 0)
        parts = als.arrays()
        mask = als.known if known is None else known
        self._reader = Als.restore(als.config(), {"item_factors": factors, "gram": parts["gram"], "known": mask})


def ridge_map(terms: csr_matrix, targets: Floats, ridge: float, steps: int) -> Floats:
    """The W (terms × columns of ``targets``, float32) of least ‖terms·W − targets‖² + ridge·‖W‖².

    Solved by ``steps`` conjugate gradients (Hestenes and Stiefel 1952), each column on its own, so that neither a gram
    matrix of the terms nor of the texts is ever formed.
    """
    turned = terms.T.tocsr()
    solved = np.zeros((terms.shape[1], targets.shape[1]), np.float32)
    for start in range(0, targets.shape[1], COLUMNS_AT_ONCE):
        part = slice(start, start + COLUMNS_AT_ONCE)
        solved[:, part] = _conjugate_gradients(terms, turned, turned @ targets[:, part], ridge, steps)
    return solved


def _conjugate_gradients(terms: csr_matrix, turned: csr_matrix, right: Floats, ridge: float, steps: int) -> Floats:
    solution, rest, direction = np.zeros_like(right), right.copy(), right.copy()
    energy = np.einsum("ij,ij->j", rest, rest)
    for _ in range(steps):
        image = turned @ (terms @ direction) + np.float32(ridge) * direction
        along = np.einsum("ij,ij->j", direction, image)
        step = np.divide(energy, along, out=np.zeros_like(energy), where=along > 0)
        solution += step * direction
        rest -= step * image
        left = np.einsum("ij,ij->j", rest, rest)
        direction = rest + np.divide(left, energy, out=np.zeros_like(left), where=energy > 0) * direction
        energy = left
    return solution


def principal_directions(terms: csr_matrix, dimensions: int, seed: int) -> Floats:
    """The first right singular vectors of ``terms`` (terms × at most ``dimensions``, float32), by random projection."""
    wanted = min(dimensions, *terms.shape)
    if not wanted:
        return np.zeros((terms.shape[1], 0), np.float32)
    width = min(wanted + SPARE_DIRECTIONS, *terms.shape)
    sample = np.random.default_rng(seed).standard_normal((terms.shape[1], width), np.float32)
    turned = terms.T.tocsr()
    basis = np.linalg.qr(terms @ sample)[0]
    for _ in range(POWER_STEPS):
        basis = np.linalg.qr(terms @ (turned @ basis))[0]
    image = turned @ basis
    energy, rotation = np.linalg.eigh(image.T @ image)
    strongest = np.argsort(-energy, kind="stable")[:wanted]
    strongest = strongest[energy[strongest] > energy.max() * 1e-7]
    directions: Floats = (image @ rotation[:, strongest] / np.sqrt(energy[strongest])).astype(np.float32)
    return directions


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Floats = np.divide(rows, length, out=np.zeros_like(rows), where=length > 0)
    return unit
