"""Item–item weights of a long tail: only the items read most take part."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix, hstack

from recsys.models.item_item import ItemItem, ItemItemConfig


def shelves(readers: int = 40, books: int = 6) -> csr_matrix:
    """Readers × books: each reads most of one of two shelves."""
    rng = np.random.default_rng(0)
    rows = np.zeros((readers, 2 * books), np.float32)
    for reader in range(readers):
        shelf = reader % 2 * books
        rows[reader, shelf + rng.permutation(books)[: books - 1]] = 1
    return csr_matrix(rows)


def test_items_beyond_the_covered_ones_are_unknown_and_the_others_are_as_without_them() -> None:
    read = shelves()
    rare = csr_matrix((np.ones(2, np.float32), ([0, 1], [0, 1])), shape=(read.shape[0], 3))
    whole = csr_matrix(hstack([rare, read]))
    config = ItemItemConfig(covered=read.shape[1], threads=1)
    covered, alone = ItemItem(config).fit(whole), ItemItem(ItemItemConfig(threads=1)).fit(read)
    assert covered.known.tolist() == [False] * 3 + [True] * read.shape[1]
    scores, expected = covered.score(whole[:5]), alone.score(read[:5])
    assert np.isneginf(scores[:, :3]).all()
    np.testing.assert_allclose(scores[:, 3:], expected, rtol=1e-6)
