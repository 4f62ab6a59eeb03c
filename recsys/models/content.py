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
from recsys.models.base import Arrays, Recommender, one_like
from recsys.models.compact import Compact
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
    Kept are (terms + items) × factors float32, (terms + items) × dimensions of one byte, and the factors of the ALS,
    once more items × factors float32 unless they are shared.
    Measured: 0.5 GB for the titles of 10,584 papers and their readers.
    """

    name: ClassVar[str] = "content"

    def __init__(self, config: ContentConfig | None = None) -> None:
        self.settings = config or ContentConfig()
        self._tfidf = self._bare()
        self._map = np.zeros((0, self.settings.als.factors), np.float32)
        self._basis, self._vectors = Compact.of(np.zeros((0, 0))), Compact.of(np.zeros((0, 0)))
        self._factors = np.zeros((0, self.settings.als.factors), np.float32)
        self._reader = Als(self.settings.als)  # of what nobody had read its factors are not used
        self._known = np.zeros(0, bool)
        self._scale = np.zeros(0, np.float32)

    @property
    def items(self) -> int:
        """The number of articles known, those added after the fit included."""
        return int(self._factors.shape[0])

    def config(self) -> dict[str, Any]:
        """The configuration as plain JSON values."""
        return asdict(self.settings)

    def arrays(self) -> Arrays:
        """``map`` (terms × factors) and ``factors`` (items × factors), float32; ``basis`` (terms × dimensions) and
        ``vectors`` (items × dimensions), int8, with a ``…_scale`` of each row, float32; the terms (see
        ``TfIdf.arrays``); the ALS that folds readers in, as it is kept by itself.
        """
        kept: Arrays = {"map": self._map, "factors": self._factors, "known": self._known}
        for name, rows in (("basis", self._basis), ("vectors", self._vectors)):
            kept |= {name: rows.values, f"{name}_scale": rows.scale}
        return kept | self._tfidf.arrays() | {f"als_{key}": value for key, value in self._reader.arrays().items()}

    @classmethod
    def restore(cls, config: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Self:
        """The model that gave ``config`` and ``arrays``."""
        model = cls(ContentConfig(**{**config, "als": AlsConfig(**config["als"])}))
        model._tfidf.take(arrays)
        model._map = arrays["map"]
        model._basis = Compact(arrays["basis"], arrays["basis_scale"])
        model._vectors = Compact(arrays["vectors"], arrays["vectors_scale"])
        parts = {key.removeprefix("als_"): arrays[key] for key in arrays if key.startswith("als_")}
        model._place(arrays["factors"], Als.restore(config["als"], parts), arrays["known"])
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
        self._basis = Compact.of(principal_directions(terms, self.settings.dimensions, self.settings.seed))
        known = reader.known
        self._map = ridge_map(terms[known], reader.item_factors[known], self.settings.ridge, self.settings.steps)
        self._vectors = Compact.of(self._placed(terms))
        self._place(terms @ self._map, reader, known)
        return self

    def share(self, als: Als) -> bool:
        """Fold readers in with ``als`` where that is the model fitted on; whether it is. Frees a copy of its factors.

        Then whoever read nothing but what ``als`` knows has the vector that ``als`` gives them.
        """
        mine = self._reader
        if mine is als:
            return True
        same = als.settings == mine.settings and np.array_equal(als.known, mine.known)
        same = same and np.array_equal(als.item_factors[als.known], mine.item_factors[mine.known])
        if same:
            self._reader = als
        return bool(same)

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
        first = self.items
        self._vectors = self._vectors.with_more(self._placed(terms))
        known = np.concatenate([self._known, np.zeros(len(texts), bool)])
        self._place(np.vstack([self._factors, terms @ self._map]), self._reader, known)
        return range(first, self.items)

    def fold_in(self, history: csr_matrix) -> Floats:
        """The ALS vectors (rows × factors, float32) of readers with these histories (rows × items).

        An article that nobody had read speaks through its text when one reads it. A history over fewer items than are
        known is one from before the last articles were added. Raises ModelError where it is over more.
        """
        if history.shape[1] > self.items:
            raise ModelError(f"content knows {self.items} articles, the history has {history.shape[1]}")
        used, place = np.unique(history.indices, return_inverse=True)
        factors, known = self._factors[used], self._known[used]
        factors[known] = self._reader.item_factors[used[known]]
        shape = (history.shape[0], used.size)
        return self._reader.folded(one_like(shape, history.data, place.astype(np.int32), history.indptr), factors)

    @property
    def scored(self) -> NDArray[np.bool_]:
        """The articles with a known term."""
        return self._scale > 0

    def preference(self, history: csr_matrix) -> Floats:
        """Agreement of reader and text (rows × items, float32)."""
        return self.preference_of(self.fold_in(history))

    def preference_of(self, vectors: Floats) -> Floats:
        """The same for readers that were folded in (rows × factors, float32)."""
        scores: Floats = vectors @ self._factors.T
        scores *= self._scale
        return scores

    def likeness(self, item: int) -> Floats:
        """The cosine of every article's text with that of ``item`` (float32); 0 where one of the two has no known term.

        Raises IndexError.
        """
        if not 0 <= item < self.items:
            raise IndexError(f"no article has the position {item}")
        return self._vectors.products(item)

    def near(self, item: int, k: int) -> tuple[NDArray[np.intp], Floats]:
        """The ``k`` articles whose texts are nearest to that of ``item``, nearest first, and their cosines (float32).

        The article itself and those without a known term are left out, so there may be fewer. Raises IndexError.
        """
        cosine = self.likeness(item)
        order = np.argsort(-cosine, kind="stable")
        told = self._vectors.scale > 0
        order = order[(order != item) & told[order] & told[item]][:k]
        return order, cosine[order]

    def _placed(self, terms: csr_matrix) -> Floats:
        """The vectors of articles with these ``terms``; some at a time, for they are multiplied as float32."""
        found = [np.zeros((0, self._basis.values.shape[1]), np.float32)]
        for start in range(0, terms.shape[0], ARTICLES_AT_ONCE):
            part = terms[start : start + ARTICLES_AT_ONCE].tocsc()
            used = np.flatnonzero(np.diff(part.indptr))
            found.append(_unit(part[:, used] @ self._basis.rows(used)))
        return np.vstack(found)

    def _bare(self) -> TfIdf:
        settings = self.settings
        return TfIdf(fewest=settings.fewest, most=settings.most, characters=settings.characters)

    def _place(self, factors: Floats, reader: Als, known: NDArray[np.bool_]) -> None:
        """Take these ``factors`` from texts, and an ALS whose own are used for the ``known`` ones of the articles."""
        length = np.zeros(len(factors), np.float32)
        for start in range(0, len(factors), ARTICLES_AT_ONCE):  # all at once would take as much memory again
            part = slice(start, start + ARTICLES_AT_ONCE)
            length[part] = np.linalg.norm(factors[part], axis=1)
        self._scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
        self._factors, self._reader, self._known = factors, reader, known


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
