"""The order as citizens get it: the records and the active snapshot put together, and every item with a true reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.features import Dataset
from recsys.features.articles import Article
from recsys.features.table import columns
from recsys.live import HOUR_MS, RECENT, Live
from recsys.models.ranker import Ranker
from recsys.ranking import Ranked, Ranking
from recsys.reasons import Reason, reasons
from recsys.restoring import restore
from recsys.slow import SlowLayer
from recsys.snapshots import Snapshot
from recsys.statics import static_of

SOURCES = ("share_30m", "share_1d", "share_7d", "around", "alike_1d", "als", "item_item", "content")


@dataclass(frozen=True)
class Recommended:
    """An item of a citizen's list: its content id, the ranker's score, what each source says, and why it is there."""

    id: str
    score: float
    sources: Mapping[str, float]
    reason: Reason


class Served:
    """A ranking over the records of one moment; items and citizens by their ids.

    ``problems``: a sentence for each model of the snapshot that is not used because this code cannot use it.
    """

    def __init__(
        self, dataset: Dataset, articles: Mapping[str, Article], live_ids: frozenset[str], snapshot: Snapshot | None
    ) -> None:
        known = set(dataset.items.tolist())
        self.items = [*dataset.items.tolist(), *sorted(live_ids - known)]
        self.articles = articles
        self._place = {item: place for place, item in enumerate(self.items)}
        self.problems: list[str] = []
        self._user = {citizen: place for place, citizen in enumerate(dataset.citizens.tolist())}
        self.live = Live(static_of(self.items, articles), len(self._user))
        self._follow(dataset, live_ids)
        slow, ranker = (None, None) if snapshot is None else self._restore(snapshot, live_ids)
        self.ranking = Ranking(self.live, slow, ranker)

    def _follow(self, dataset: Dataset, live_ids: frozenset[str]) -> None:
        """Replay the newest events, hide what was met before them, and open what is published."""
        live, log = self.live, dataset.log
        live.unprofiled, live.forgotten = set(np.flatnonzero(~dataset.profiled).tolist()), dataset.silent()
        for item in live_ids & self.articles.keys():
            appeared = _appeared(self.articles[item], dataset)
            if appeared is not None:
                live.publish(self._place[item], appeared / HOUR_MS)
        old, hours = max(0, len(log) - RECENT), log.at / HOUR_MS
        live.remember(log.user[:old], log.item[:old], hours[:old], log.kind[:old])
        columns = (log.user, log.item, hours, log.kind, log.region, log.device)
        for event in zip(*(column[old:].tolist() for column in columns), strict=True):
            live.update(*event)
        live.withdrawn[: live.items] = [item not in live_ids for item in self.items]

    def _restore(self, snapshot: Snapshot, live_ids: frozenset[str]) -> tuple[SlowLayer, Ranker | None]:
        texts = {item: self.articles[item].text for item in live_ids & self.articles.keys()}
        restored = restore(snapshot, self._place.get, texts)
        self.problems += restored.problems
        return restored.slow, restored.ranker

    def place_of(self, citizen: str) -> int:
        """The position of ``citizen``; one that is nobody's where they have no events."""
        return self._user.get(citizen, len(self._user))

    def recommend(self, citizen: str, at: int, limit: int) -> list[Recommended]:
        """The best ``limit`` items for ``citizen`` at ``at`` (epoch ms); without events it is not personal."""
        ranked = self.ranking.rank(self.place_of(citizen), at / HOUR_MS)
        shown = ranked.items[:limit]
        why = reasons(self.live, ranked.request.now, shown)
        parts = zip(shown.tolist(), ranked.scores.tolist(), self._sources(ranked, shown), why, strict=False)
        return [Recommended(self.items[item], score, said, reason) for item, score, said, reason in parts]

    def _sources(self, ranked: Ranked, shown: NDArray[np.intp]) -> list[dict[str, float]]:
        request = ranked.request
        found = columns(request)
        place = np.searchsorted(request.candidates, shown)
        told = {name: np.asarray(found[name], np.float64) for name in SOURCES}
        return [{name: float(values[index]) for name, values in told.items()} for index in place]


def _appeared(article: Article, dataset: Dataset) -> int | None:
    """When ``article`` came out (epoch ms), for want of that when it was recorded; None where neither is known.

    Nobody knows how old an article is that was recorded after the log had ended, but it is there.
    """
    if article.published_at is not None or article.created_at is None:
        return article.published_at
    span = dataset.span()
    return min(article.created_at, span[1]) if span else article.created_at
