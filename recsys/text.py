"""Words and weights of Chinese, English and mixed text.

Chinese runs are cut by rjieba into search words (long words and the words inside them), everything else into lowercase
words with their plural ending taken off (the S-stemmer of Harman 1991, "How effective is suffixing?"). Beside the words
stand pieces of them, because titles are short and two texts on one matter often share no whole word: pieces of 3 to 5
letters of a word, single characters and pairs of characters of Chinese. How each part was chosen by measurement is told
in ``docs/benchmarks/cold.md``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, hstack

HAN = "\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"([{HAN}]+)|([^\\W_{HAN}]+)")
_BRACES = str.maketrans("", "", "{}")
LONGEST_WORD = 30
PIECES = range(3, 6)
HAN_PIECES = range(1, 3)
_END_OF_TERM = "\n"

Tokeniser = Callable[[str], list[str]]


def normalise(text: str) -> str:
    """``text`` in NFKC and lowercase, without the braces that protect capitals in bibliographic titles ("{DNA}s")."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower()).translate(_BRACES)


def stem(word: str) -> str:
    """An English ``word`` without its plural ending; words of four letters or fewer stay as they are."""
    if len(word) <= 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith("sses") else word[:-1]


def words(text: str) -> list[str]:
    """The words of ``text`` in their order, at most 30 letters each; marks, spaces and lone surrogates are left out."""
    # 33 MB, which a server whose catalogue has nothing new does without.
    import rjieba

    found: list[str] = []
    for han, other in _RUN.findall(normalise(text)):
        if han:
            found += [word[:LONGEST_WORD] for word in rjieba.cut_for_search(han, True)]
        else:
            found.append(stem(other[:LONGEST_WORD]))
    return found


def phrases(text: str) -> list[str]:
    """The words of ``text``, and its neighbouring pairs of words that are not Chinese, joined by a space."""
    found = words(text)
    return found + [f"{left} {right}" for left, right in pairwise(found) if not (_is_han(left) or _is_han(right))]


def pieces(text: str) -> list[str]:
    """Parts of words: 3 to 5 letters, a space marking the word's border; one or two characters in Chinese runs."""
    found: list[str] = []
    for han, other in _RUN.findall(normalise(text)):
        run = han or f" {other[:LONGEST_WORD]} "
        for size in HAN_PIECES if han else PIECES:
            found += [run[start : start + size] for start in range(len(run) - size + 1)]
    return found


def _is_han(word: str) -> bool:
    match = _RUN.match(word)
    return bool(match and match.group(1))


@dataclass(frozen=True, slots=True)
class Family:
    """Terms of one kind with their weights: ``terms`` sorted, ``idf`` (terms, float32)."""

    terms: tuple[str, ...]
    idf: NDArray[np.float32]


class TfIdf:
    """Texts as sparse vectors of unit length, weighted by (1 + ln tf)·(1 + ln((1 + n) / (1 + df))).

    Each tokeniser makes a family of terms whose part of the vector has the same length, whatever the number of its
    terms. A term must occur in ``fewest`` texts; of each family the ``most`` commonest are kept; of a text the first
    ``characters`` characters count.
    """

    def __init__(
        self,
        tokenisers: Sequence[Tokeniser] = (phrases, pieces),
        *,
        fewest: int = 2,
        most: int = 75_000,
        characters: int = 1_000,
    ) -> None:
        self.tokenisers = tuple(tokenisers)
        self.fewest = fewest
        self.most = most
        self.characters = characters
        self.families: tuple[Family, ...] = ()

    @property
    def size(self) -> int:
        """The number of terms, that is of columns of ``transform``."""
        return sum(len(family.terms) for family in self.families)

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn the terms and their weights from ``texts``."""
        known = [text[: self.characters] for text in texts]
        self.families = tuple(self._family(known, tokeniser) for tokeniser in self.tokenisers)
        return self

    def transform(self, texts: Sequence[str]) -> csr_matrix:
        """The vectors of ``texts`` (texts × terms, float32 CSR, rows of length 1, or 0 where no term is known)."""
        known = [text[: self.characters] for text in texts]
        if not self.families:
            return csr_matrix((len(known), 0), dtype=np.float32)
        parts = [
            _counted(known, tokeniser, family) for tokeniser, family in zip(self.tokenisers, self.families, strict=True)
        ]
        return _unit_rows(hstack(parts, format="csr"))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state without a pickle: per family the terms as UTF-8 bytes, one a line, and their weights."""
        kept: dict[str, NDArray[Any]] = {}
        for place, family in enumerate(self.families):
            kept[f"terms_{place}"] = np.frombuffer(_END_OF_TERM.join(family.terms).encode(), np.uint8)
            kept[f"idf_{place}"] = family.idf
        return kept

    def take(self, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Become what gave ``arrays``."""
        families = []
        for place in range(len(self.tokenisers) if "terms_0" in arrays else 0):
            joined = arrays[f"terms_{place}"].tobytes().decode()
            families.append(Family(tuple(joined.split(_END_OF_TERM)) if joined else (), arrays[f"idf_{place}"]))
        self.families = tuple(families)
        return self

    def _family(self, texts: Sequence[str], tokeniser: Tokeniser) -> Family:
        count: dict[str, int] = {}
        for text in texts:
            for term in set(tokeniser(text)):
                count[term] = count.get(term, 0) + 1
        common = sorted((-times, term) for term, times in count.items() if times >= self.fewest)[: self.most]
        terms = tuple(sorted(term for _, term in common))
        times = np.array([count[term] for term in terms], np.float64)
        return Family(terms, (1 + np.log((1 + len(texts)) / (1 + times))).astype(np.float32))


def _counted(texts: Sequence[str], tokeniser: Tokeniser, family: Family) -> csr_matrix:
    """The weighted terms of one family in each text, rows of length 1."""
    column = {term: place for place, term in enumerate(family.terms)}
    indices: list[NDArray[np.int32]] = []
    for text in texts:
        places = [column[term] for term in tokeniser(text) if term in column]
        indices.append(np.array(places, np.int32))
    ends = np.concatenate([[0], np.cumsum([found.size for found in indices], dtype=np.int64)])
    flat = np.concatenate(indices) if indices else np.zeros(0, np.int32)
    counts = csr_matrix((np.ones(flat.size, np.float32), flat, ends), shape=(len(texts), len(family.terms)))
    counts.sum_duplicates()
    counts.data = (1 + np.log(counts.data)) * family.idf[counts.indices]
    return _unit_rows(counts)


def _unit_rows(matrix: csr_matrix) -> csr_matrix:
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1))).ravel()
    scale = np.divide(1, length, out=np.zeros_like(length), where=length > 0)
    return csr_matrix(diags(scale) @ matrix, dtype=np.float32)
