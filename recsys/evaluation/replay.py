"""The replay protocol: at a reader's first contact with an article, was it in the top of everything known by then?

Rows, targets, state, what is ranked, ties and metrics are those of the reference script ``replay_baselines``; this
evaluator agrees with it. ``feed`` is the order of ``recsys.ranking.Ranking``, which serving calls too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from content_store.errors import EvaluationError
from recsys.diversity import diversified
from recsys.evaluation.ranks import LEADING, rank_of, ratios, summarised
from recsys.evaluation.replayed import Replayed, read
from recsys.examples import Examples
from recsys.features.table import Request, table
from recsys.live import HOUR_MS
from recsys.models.ranker import CONFIGURATIONS, Ranker, RankerConfig
from recsys.slow import SlowLayer
from recsys.walk import Cadence, Walker, builders

SINGLES = ("newest", *(f"popular_{name}" for name in ("6m", "15m", "30m", "1h", "2.4h", "6h", "1d", "3d", "7d")))
FEED, DIVERSE = "feed", "feed_diverse"
FEWEST_LESSONS = 100

Progress = Callable[[str], None]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ReplayConfig:
    """How the ranker learns during a replay; everything was chosen on rows before ``--from``.

    The ranker learns from ``queries`` of the rows after share ``warm`` of the log. Whenever the test has grown by
    ``refit_share`` of the rows before it (None: never) it is learnt again, from earlier rows, their lessons drawn as
    densely; at most the newest ``kept`` lessons count. Of ``rankers`` the one serves that does best on the last fifth
    of the lessons before the test.
    """

    queries: int = 20_000
    warm: float = 0.1
    refit_share: float | None = None
    kept: int = 30_000
    cadence: Cadence = field(default_factory=Cadence)
    rankers: tuple[RankerConfig, ...] = CONFIGURATIONS


def run(
    events: Path,
    items: Path | None = None,
    *,
    start: float = 0.6,
    sample: int | None = None,
    models: Sequence[str] | None = None,
    seed: int = 0,
    progress: Progress = lambda _: None,
    config: ReplayConfig | None = None,
) -> dict[str, Any]:
    """The report of the protocol as plain JSON values; ``models`` are the names to measure, all by default.

    Raises EvaluationError where the files cannot be used or a name is unknown.
    """
    if not 0 < start < 1:
        raise EvaluationError(f"--from {start} is no share of the log", hint="give a number between 0 and 1, e.g. 0.6")
    progress("read")
    data = read(events, items)
    first = int(np.floor(start * len(data.log)))
    targets = data.targets(first)
    if not targets.size:
        raise EvaluationError(f"no row of {events} from share {start} on is a first reading of an item known by then")
    if sample is not None and sample < targets.size:
        targets = np.sort(np.random.default_rng(seed).choice(targets, sample, replace=False))
    replay = Replay(data, config or ReplayConfig(), models, progress)
    replay.walk(first, targets)
    arguments = {"events": str(events), "items": str(items) if items else None, "from": start, "sample": sample}
    return {"protocol": "replay", "args": arguments | {"seed": seed}} | replay.report(first, targets, seed)


@dataclass(frozen=True)
class Asked:
    """What one target asked of the ranking, and the features of its candidates."""

    request: Request
    features: NDArray[np.float32]


class Replay:
    """One walk through a log: learns before ``first``, ranks the targets after it.

    With ``served`` nothing is learnt on the way: these models rank.
    """

    def __init__(
        self,
        data: Replayed,
        config: ReplayConfig,
        models: Sequence[str] | None = None,
        progress: Progress = lambda _: None,
        *,
        served: tuple[SlowLayer, Ranker | None] | None = None,
    ) -> None:
        self.data, self.config, self._progress = data, config, progress
        fitted = builders(data.texts) if served is None else {}
        slow = tuple(fitted) if served is None else tuple(served[0].models)
        diverse = (DIVERSE,) if (data.static.topic >= 0).any() else ()
        self.names = _chosen((*SINGLES, "covisit", *slow, FEED, *diverse), models)
        self._serves = FEED in self.names or DIVERSE in self.names
        self._learns = self._serves and served is None
        self._plain = set(self.names) <= set(SINGLES)
        if self._plain:
            fitted = {}
        self.walker = Walker(data.log, data.static, data.users, config.cadence, fitted)
        if served is not None:
            self.walker.ranking.slow, self.walker.ranking.ranker = served
        self.ranks: dict[str, list[int]] = {name: [] for name in self.names}
        self._topped = {name: np.zeros(data.items.size, bool) for name in self.names}
        self._chosen: RankerConfig | None = None
        self._ranked = np.zeros(data.items.size, bool)

    def walk(self, first: int, targets: NDArray[np.intp]) -> None:
        """Learn from the rows before ``first``, then rank ``targets`` (rows, sorted)."""
        config, log = self.config, self.data.log
        lessons = self._lessons(first) if self._learns else targets[:0]
        wanted, asked_for = np.union1d(lessons, targets), set(targets.tolist())
        taught = set(lessons.tolist())
        examples = Examples(config.kept)
        relearn = first
        for done, row in enumerate(self.walker.states(wanted)):
            if row >= relearn and self._learns:
                self._learn(examples, row)
                step = config.refit_share
                relearn = len(log) if step is None else row + max(1, round(step * first))
            asked = None if self._plain else self._ask(row)
            if row in asked_for:
                self._rank(row, asked)
            if asked is not None and row in taught:
                examples.add(asked.request, int(log.item[row]), asked.features)
            if done % 500 == 0:
                self._progress(f"{'rank' if row >= first else 'learn'} {done:,} of {wanted.size:,}")

    def _lessons(self, first: int) -> NDArray[np.intp]:
        """The rows that the ranker learns from, those inside the test among them where it is learnt again there."""
        config, rows = self.config, len(self.data.log)
        before = self.data.targets(int(config.warm * rows), first)
        lessons = drawn(before, config.queries)
        if config.refit_share is None or not before.size:
            return lessons
        inside = self.data.targets(first)
        dice = np.random.default_rng(0).random(rows)  # row by row: what comes later does not change what is drawn
        return np.union1d(lessons, inside[dice[inside] < lessons.size / before.size])

    def _learn(self, examples: Examples, row: int) -> None:
        self._progress(f"fit the ranker on {len(examples):,} queries before row {row:,}")
        if len(examples) >= FEWEST_LESSONS:
            self._chosen = self._chosen or examples.chosen(self.config.rankers)
            self.walker.ranking.ranker = examples.fit(self._chosen)

    def _ask(self, row: int) -> Asked:
        request, _ = self.walker.ranking.request(int(self.data.log.user[row]), self.data.log.at[row] / HOUR_MS)
        return Asked(request, table(request))

    def _rank(self, row: int, asked: Asked | None) -> None:
        live, log = self.walker.live, self.data.log
        target = int(log.item[row])
        ranked = np.flatnonzero(live.open_items(int(log.user[row])))
        self._ranked[ranked] = True
        for name, score in self._scores(log.at[row] / HOUR_MS, asked):
            rank, top = rank_of(target, score, live.last, ranked)
            self.ranks[name].append(rank)
            self._topped[name][top] = True

    def _scores(self, hour: float, asked: Asked | None) -> Iterator[tuple[str, Floats]]:
        """Each model's score of every item; ``-inf`` where it has none."""
        live = self.walker.live
        for name in self.names:
            if name == "newest":
                yield name, live.born
            elif name in SINGLES:
                yield name, live.popular.score(name.removeprefix("popular_"), hour)
            elif asked is not None and name not in (FEED, DIVERSE):
                yield name, self._scored(name, asked)
        if asked is not None and self._serves:
            yield from self._served(asked)

    def _scored(self, name: str, asked: Asked) -> Floats:
        """What one signal or one model of the slow layer says of every item."""
        request, items = asked.request, self.walker.live.items
        if name == "covisit":
            return request.signals.dense("around", items)
        if name not in request.slow:
            return np.full(items, -np.inf)
        return request.slow[name].astype(np.float64)

    def _served(self, asked: Asked) -> Iterator[tuple[str, Floats]]:
        live, ranking = self.walker.live, self.walker.ranking
        judged = ranking.judge(asked.request, asked.features)
        if FEED in self.ranks:
            yield FEED, _placed(live.items, asked.request.candidates, judged)
        if DIVERSE in self.ranks:
            order = ranking.sorted(asked.request, judged).items
            order = order[diversified(live.static.topic[order], live.static.author[order])]
            yield DIVERSE, _placed(live.items, order, -np.arange(order.size, dtype=float))

    def report(self, first: int, targets: NDArray[np.intp], seed: int) -> dict[str, Any]:
        """Metrics, shares and ratios of the walk."""
        data = self.data
        tail = np.arange(len(data.log)) >= first
        read_rows = int((tail & data.read).sum())
        owner = data.log.user[targets]
        ranks = {name: np.array(values, np.int64) for name, values in self.ranks.items()}
        coverage = {name: float(topped.sum() / self._ranked.sum()) for name, topped in self._topped.items()}
        models = summarised(ranks, coverage, owner, seed)
        singles = [name for name in SINGLES if name in models]
        best = max(singles, key=lambda name: models[name][LEADING]["value"] or 0.0, default="")
        return {
            "n": int(targets.size),
            "rows": len(data.log),
            "tail_reads": read_rows,
            "repeat_share": float((tail & data.read & ~data.first_of_pair).sum() / max(1, read_rows)),
            "unseen_share": float((tail & data.read & data.first_of_item).sum() / max(1, read_rows)),
            "models": models,
            "best_single": best,
            "ratio_to_best_single": ratios(ranks, best, owner, seed) if best else {},
        }


def drawn(rows: NDArray[np.intp], queries: int, seed: int = 0) -> NDArray[np.intp]:
    """``queries`` of ``rows`` (sorted), drawn evenly: the newest alone would be the lessons of a few readers."""
    if queries >= rows.size:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, queries, replace=False))


def _placed(items: int, chosen: NDArray[np.intp], values: Floats) -> Floats:
    score = np.full(items, -np.inf)
    score[chosen] = values
    return score


def _chosen(names: tuple[str, ...], wanted: Sequence[str] | None) -> tuple[str, ...]:
    unknown = sorted(set(wanted or ()) - set(names))
    if unknown:
        raise EvaluationError(f"no model is called {', '.join(unknown)}", hint=f"models: {', '.join(names)}")
    return names if wanted is None else tuple(name for name in names if name in wanted)
