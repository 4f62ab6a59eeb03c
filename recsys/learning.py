"""The ranker as one more step of the training: learnt from the newest first contacts of the records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from recsys.evaluation.replay import drawn
from recsys.evaluation.replayed import of_dataset
from recsys.examples import Examples
from recsys.models.base import Model
from recsys.models.ranker import CONFIGURATIONS, Ranker, RankerConfig
from recsys.training import Builder, Material
from recsys.walk import Cadence, Walker, builders

QUERIES = 6_000
RECENT = 400_000  # newest rows that are walked
WARM = 0.2  # share of the walked rows that only fill the state
FEWEST = 500  # examples; below them the fixed blend serves

# The walk is bounded in time: fewer refits on fewer items than a replay that is only measured.
CADENCE = Cadence(growth=0.25, items=2_000)


def ranker_builder(configs: Sequence[RankerConfig] = CONFIGURATIONS, *, queries: int = QUERIES) -> Builder:
    """The builder of the ranker; its model is None while there are fewer than ``FEWEST`` examples."""

    def fit(material: Material, before: Mapping[str, Model]) -> Ranker | None:
        data = of_dataset(material.dataset, material.articles, RECENT)
        targets = data.targets(int(WARM * len(data.log)))
        dataset = material.dataset
        lawful = dataset.profiled[data.log.user[targets]] & dataset.inferable[data.log.item[targets]]
        lawful &= ~dataset.is_forgotten(data.log.user[targets], data.log.item[targets])
        lessons = drawn(targets[lawful], queries)
        examples = Examples(queries)
        walker = Walker(
            data.log, replace(data.static, private=~dataset.inferable), data.users, CADENCE, builders(data.texts)
        )
        walker.live.unprofiled = set(np.flatnonzero(~dataset.profiled).tolist())
        walker.live.forgotten = dataset.silent()
        for row in walker.states(lessons):
            request, _ = walker.ranking.request(int(data.log.user[row]), walker.hours[row])
            examples.add(request, int(data.log.item[row]))
        return examples.fit(examples.chosen(configs)) if len(examples) >= FEWEST else None

    return Builder(Ranker, fit, refit=False)
