"""Training examples: which queries are kept, and that the read row is the one that is marked."""

from __future__ import annotations

import numpy as np

from content_store.vocabulary import EventKind
from recsys.examples import OTHERS, Examples
from recsys.features.log import KIND_CODE
from recsys.features.table import COLUMNS, Request, table
from recsys.live import Live, Static
from recsys.models.ranker import Ranker, RankerConfig
from recsys.ranking import Ranking

HOUR = 473_000.0
SMALL = RankerConfig(trees=10, least_rows=5, threads=1)


def request(items: int = 40, user: int = 500) -> Request:
    """Everything that stands to choose from when each item was read a different number of times."""
    live = Live(Static.unknown(items))
    for item in range(items):
        for reader in range(1 + item % 7):
            live.update(reader, item, HOUR + item / 10, KIND_CODE[EventKind.READ])
    return Ranking(live).request(user, HOUR + items / 10)[0]


def test_a_target_that_was_no_candidate_teaches_nothing() -> None:
    asked = request(user=0)  # has met everything
    examples = Examples(10)
    for item in (0, 39):
        examples.add(asked, item)
    assert len(examples) == 0


def test_a_candidate_that_was_read_teaches() -> None:
    asked = request()
    examples = Examples(10)
    for target in asked.candidates.tolist():
        examples.add(asked, target)
    assert len(examples) >= 10


def test_only_the_newest_queries_are_kept() -> None:
    asked = request(5)
    examples = Examples(3)
    for _ in range(50):
        examples.add(asked, 2)
    assert len(examples) <= 6


def test_the_ranker_learns_to_put_first_what_was_read() -> None:
    asked = request()
    column = table(asked)
    most_read = int(asked.candidates[np.nanargmax(column[:, COLUMNS.index("readers")])])
    examples = Examples(200)
    for _ in range(120):
        examples.add(asked, most_read)
    ranker = examples.fit(SMALL)
    assert ranker.columns == COLUMNS
    scores = ranker.score(column)
    assert scores[asked.candidates.tolist().index(most_read)] == scores.max()


def test_the_read_row_stays_marked_among_many_candidates() -> None:
    """Of a long list only some unread rows are kept; the one read must be among them whatever is drawn."""
    asked = request(400)
    assert asked.candidates.size > OTHERS + 1
    features = np.zeros((asked.candidates.size, len(COLUMNS)), np.float32)
    place = asked.candidates.size // 2
    features[place, 0] = 1
    examples = Examples(300)
    for _ in range(120):
        examples.add(asked, int(asked.candidates[place]), features)
    scores = examples.fit(SMALL).score(features)
    assert scores.argmax() == place
    assert (np.delete(scores, place) < scores[place]).all()


def test_the_same_queries_give_the_same_ranker() -> None:
    asked = request(400)

    def learnt() -> Ranker:
        examples = Examples(100, seed=4)
        for target in asked.candidates[:60].tolist():
            examples.add(asked, target)
        return examples.fit(SMALL)

    rows = table(asked)
    assert learnt().score(rows).tolist() == learnt().score(rows).tolist()
