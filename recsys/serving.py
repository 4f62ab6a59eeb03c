"""The order as citizens get it: the records and the active snapshot put together, and every item with a true reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recsys.features import Dataset
from recsys.features.articles import Article
from recsys.features.table import columns
from recsys.live import HOUR_MS, Live
from recsys.models.als import Als
from recsys.models.base import Recommender
from recsys.models.content import Content
from recsys.models.item_item import ItemItem
from recsys.models.ranker import Ranker
from recsys.ranking import Ranked, Ranking
from recsys.reasons import Reason, reasons
from recsys.slow import SlowLayer
from recsys.snapshots import Snapshot
from recsys.statics import static_of

RECENT = 500_000  # newest events that make the fast layer; what a citizen met before them stays hidden all the same
SOURCES = ("share_30m", "share_1d", "share_7d", "around", "alike_1d", "als", "item_item", "content")


@dataclass(frozen=True)
class Recommended:
    """An item of a citizen's list: its content id, the ranker's score, what each source says, and why it is there."""

    id: str
    score: float
    sources: Mapping[str, float]
    reason: Reason


class Served:
    """A ranking over the records of one moment; items and citizens by their ids."""

    def __init__(
        self, dataset: Dataset, articles: Mapping[str, Article], live_ids: frozenset[str], snapshot: Snapshot | None
    ) -> None:
        known = set(dataset.items.tolist())
        self.items = [*dataset.items.tolist(), *sorted(live_ids - known)]
        self.articles = articles
        self._place = {item: place for place, item in enumerate(self.items)}
        self._user = {citizen: place for place, citizen in enumerate(dataset.citizens.tolist())}
        self.live = Live(static_of(self.items, articles), len(self._user))
        self._follow(dataset, live_ids)
        slow, ranker = (None, None) if snapshot is None else self._restore(snapshot)
        self.ranking = Ranking(self.live, slow, ranker)

    def _follow(self, dataset: Dataset, live_ids: frozenset[str]) -> None:
        """Replay the newest events, hide what was met before them, and open what is published."""
        live, log = self.live, dataset.log
        live.unprofiled = set(np.flatnonzero(~dataset.profiled).tolist())
        for item in live_ids:
            published = self.articles[item].published_at if item in self.articles else None
            if published is not None:
                live.publish(self._place[item], published / HOUR_MS)
        old = max(0, len(log) - RECENT)
        for user, item in set(zip(log.user[:old].tolist(), log.item[:old].tolist(), strict=True)):
            live.met[user].append(item)
        columns = (log.user, log.item, log.at / HOUR_MS, log.kind, log.region, log.device)
        for event in zip(*(column[old:].tolist() for column in columns), strict=True):
            live.update(*event)
        live.withdrawn = np.array([item not in live_ids for item in self.items], bool)

    def _restore(self, snapshot: Snapshot) -> tuple[SlowLayer, Ranker | None]:
        place = np.array([self._place.get(item, -1) for item in snapshot.items()], np.int32)
        kinds: dict[str, type[Recommender]] = {kind.name: kind for kind in (Als, ItemItem, Content)}
        models = {name: snapshot.load(kind) for name, kind in kinds.items() if name in snapshot.models}
        ranker = snapshot.load(Ranker) if Ranker.name in snapshot.models else None
        return SlowLayer(models, place, np.ones(place.size, bool)), ranker

    def recommend(self, citizen: str, at: int, limit: int) -> list[Recommended]:
        """The best ``limit`` items for ``citizen`` at ``at`` (epoch ms); without events it is not personal."""
        user = self._user.get(citizen, len(self._user))
        ranked = self.ranking.rank(user, at / HOUR_MS)
        shown = ranked.items[:limit]
        why = reasons(self.live, ranked.request.now, shown)
        parts = zip(shown.tolist(), ranked.scores.tolist(), self._sources(ranked, shown), why, strict=False)
        return [Recommended(self.items[item], score, said, reason) for item, score, said, reason in parts]

    def _sources(self, ranked: Ranked, shown: NDArray[np.intp]) -> list[dict[str, float]]:
        request = ranked.request
        found = columns(request)
        place = np.searchsorted(request.candidates, shown)
        return [{name: float(found[name][index]) for name in SOURCES} for index in place]
