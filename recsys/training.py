"""Training, from the event log to a published snapshot: dataset → fit → evaluate → gate → fit on everything → publish.

The models are fitted twice: on what was known before the newest readings, to be measured on those, and, once the gate
has let them pass, with the same constants on everything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from content_store.errors import DataMissing, ModelError
from recsys.evaluation.holdout import Bundle, Measured, holdout
from recsys.features import Dataset, InterestConfig
from recsys.features.articles import Article
from recsys.gate import Incumbent, Margins, Verdict, judge
from recsys.models.als import Als, AlsConfig
from recsys.models.base import Model
from recsys.models.content import Content, ContentConfig
from recsys.models.item_item import ItemItem, ItemItemConfig
from recsys.snapshots import Draft, Snapshot, SnapshotStore, TakingOver

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """Every constant of a training; kept in the manifest of what it publishes.

    ``holdout``: share of the log, its newest rows, on which a candidate is measured. ``fewest_reads``,
    ``fewest_citizens``, ``fewest_items``: with less there is nothing to learn. ``fewest_tail``: rows after the active
    snapshot's knowledge with which the two can be compared fairly. ``fewest_texts``: items with words of their own
    below which there is no content model.
    """

    holdout: float = 0.1
    fewest_reads: int = 100
    fewest_citizens: int = 5
    fewest_items: int = 5
    fewest_tail: int = 500
    fewest_texts: int = 20
    margins: Margins = field(default_factory=Margins)
    interest: InterestConfig = field(default_factory=lambda: InterestConfig(half_life_days=30.0))
    als: AlsConfig = field(default_factory=AlsConfig)
    item_item: ItemItemConfig = field(default_factory=lambda: ItemItemConfig(covered=10_000))
    content: ContentConfig = field(default_factory=ContentConfig)

    def __post_init__(self) -> None:
        """Raises ValueError where the held-out share is not one."""
        if not 0 < self.holdout < 1:
            raise ValueError("the held-out share must lie between 0 and 1")


@dataclass(frozen=True, slots=True)
class Material:
    """What models are made of: a dataset, and what is known of contents by id (also of those nobody has met yet)."""

    dataset: Dataset
    articles: Mapping[str, Article] = field(default_factory=dict)

    def texts(self) -> list[str]:
        """The words of each item of the dataset, empty where none are known."""
        return [self.articles[name].text if name in self.articles else "" for name in self.dataset.items]

    def before(self, as_of: int) -> Material:
        """What was known before ``as_of`` (epoch ms): an article once it was published or met."""
        dataset = self.dataset.before(as_of)
        met = set(dataset.items)
        known = {
            name: article
            for name, article in self.articles.items()
            if name in met or (article.published_at is not None and article.published_at < as_of)
        }
        return Material(dataset, known)


@dataclass(frozen=True, slots=True)
class Builder:
    """One step of the pipeline: makes a model of ``kind`` from the material and, by name, the models of earlier steps.

    ``fit`` returns None where there is too little to learn from; the snapshot is then published without that model.
    Without ``refit`` the very model that the gate measured is published: what learns how signals matter, and not which
    articles are new, gains little from the held-out tail.
    """

    kind: type[Model]
    fit: Callable[[Material, Mapping[str, Model]], Model | None]
    refit: bool = True


class Evaluator(Protocol):
    """Measures what citizens would get from ``bundle`` on what ``material`` holds from ``cut`` (epoch ms) on."""

    def __call__(self, material: Material, cut: int, bundle: Bundle, /) -> Measured: ...


@dataclass(frozen=True, slots=True)
class Timing:
    """A step and how long it took."""

    step: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training came to; ``snapshot`` is None where the gate refused.

    ``cut`` is where the held-out tail began (epoch ms), ``forced`` the reason for overriding the gate.
    """

    snapshot: Snapshot | None
    verdict: Verdict
    forced: str | None
    cut: int
    candidate: Measured
    incumbent: Incumbent | None
    counts: Mapping[str, int]
    timings: tuple[Timing, ...]


def default_builders(config: TrainingConfig) -> list[Builder]:
    """The slow models, in the order in which they are fitted."""

    def content(material: Material, before: Mapping[str, Model]) -> Content | None:
        texts = material.texts()
        if sum(map(bool, texts)) < config.fewest_texts:
            return None
        als = before.get(Als.name)
        return Content(config.content).fit(material.dataset.matrix, texts, als=als if isinstance(als, Als) else None)

    return [
        Builder(Als, lambda material, _: Als(config.als).fit(material.dataset.matrix)),
        Builder(ItemItem, lambda material, _: ItemItem(config.item_item).fit(material.dataset.matrix)),
        Builder(Content, content),
    ]


def quick_look(material: Material, cut: int, bundle: Bundle) -> Measured:
    """The evaluator that needs nothing but the slow models, see ``recsys.evaluation.holdout``."""
    return holdout(material.dataset, cut, bundle)


class Training:
    """A pipeline ready to run: ``builders`` make the models, ``evaluate`` measures them, ``store`` takes the result.

    ``code_version`` and ``occasion`` (why there was a training) go into the manifest; ``announce`` is told the name of
    each step as it begins; ``taking_over`` has the last word on the publication, see ``SnapshotStore.publish``.
    """

    def __init__(
        self,
        store: SnapshotStore,
        config: TrainingConfig | None = None,
        *,
        builders: Sequence[Builder] | None = None,
        evaluate: Evaluator = quick_look,
        code_version: str = "",
        occasion: str = "",
        taking_over: TakingOver = nullcontext,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.store = store
        self.config = config or TrainingConfig()
        self.builders = default_builders(self.config) if builders is None else builders
        self.evaluate = evaluate
        self.code_version = code_version
        self.occasion = occasion
        self._taking_over = taking_over
        self._announce = announce
        self._timings: list[Timing] = []
        self._kept: Mapping[str, Model] = {}

    def run(self, read: Callable[[], Material], *, force: str | None = None) -> Trained:
        """Train on what ``read`` gives; publish what the gate lets pass, or whatever it is where ``force`` tells why.

        Raises DataMissing where there is too little to learn from; nothing is written then.
        """
        self._timings = []
        with self._step("read"):
            material = read()
        require(material.dataset, self.config)
        active = self.store.active().snapshot
        cut = tail_start(material.dataset, active, self.config)
        measured, incumbent = self._measure(material, cut, active)
        verdict = judge(measured, incumbent, self.config.margins)
        forced = force if not verdict.passed else None
        trained = Trained(None, verdict, forced, cut, measured, incumbent, material.dataset.counts(), ())
        snapshot = self._publish(material, trained) if verdict.passed or force else None
        return replace(trained, snapshot=snapshot, timings=tuple(self._timings))

    def _measure(self, material: Material, cut: int, active: Snapshot | None) -> tuple[Measured, Incumbent | None]:
        with self._step("look back"):
            past = material.before(cut)
        candidate = self._fit(past, "", {})
        once = {builder.kind.name for builder in self.builders if not builder.refit}
        self._kept = {name: model for name, model in candidate.models.items() if name in once}
        with self._step("evaluate"):
            measured = self.evaluate(material, cut, candidate)
        del candidate
        if active is None:
            return measured, None
        with self._step("evaluate the active snapshot"):
            return measured, self._incumbent(active, material, cut)

    def _incumbent(self, active: Snapshot, material: Material, cut: int) -> Incumbent:
        if known_until(active) > cut:
            return Incumbent(active.version, recorded_ratio=active.facts["measured"]["ratio"])
        kinds = [builder.kind for builder in self.builders if builder.kind.name in active.models]
        try:
            models = {kind.name: active.load(kind) for kind in kinds}
            bundle = Bundle(np.array(active.items(), object), models)
            return Incumbent(active.version, measured=self.evaluate(material, cut, bundle))
        except ModelError as error:
            log.warning("the active snapshot %s cannot be used by this code: %s", active.version, error)
            return Incumbent(active.version)

    def _publish(self, material: Material, trained: Trained) -> Snapshot:
        final = self._fit(material, " on everything", self._kept)
        with self._step("publish"):
            facts = self._facts(material.dataset, trained)
            draft = Draft(list(final.models.values()), final.items.tolist(), facts)
            return self.store.publish(draft, self._taking_over)

    def _fit(self, material: Material, label: str, kept: Mapping[str, Model]) -> Bundle:
        models: dict[str, Model] = {}
        for builder in self.builders:
            if builder.kind.name in kept:
                models[builder.kind.name] = kept[builder.kind.name]
                continue
            with self._step(f"fit {builder.kind.name}{label}"):
                model = builder.fit(material, models)
            if model is not None:
                models[builder.kind.name] = model
        return Bundle(material.dataset.items, models)

    def _facts(self, dataset: Dataset, trained: Trained) -> dict[str, Any]:
        first, last = dataset.span() or (None, None)
        span = {"as_of": dataset.as_of, "first_at": first, "last_at": last, "fingerprint": dataset.fingerprint()}
        measured = asdict(trained.candidate) | {"ratio": trained.candidate.ratio, "cut": trained.cut}
        return {
            "code_version": self.code_version,
            "occasion": self.occasion,
            "config": asdict(self.config),
            "data": span | dataset.counts(),
            "measured": measured,
            "gate": {**asdict(trained.verdict), "forced": trained.forced},
            "seconds": {timing.step: round(timing.seconds, 3) for timing in self._timings},
        }

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        self._announce(name)
        start = time.perf_counter()
        yield
        self._timings.append(Timing(name, time.perf_counter() - start))


def require(dataset: Dataset, config: TrainingConfig) -> None:
    """Raises DataMissing, with what to do, where ``dataset`` is too small to learn from."""
    hint = "`kepu import events FILE --create-missing` brings in a reading log"
    counts = dataset.counts()
    if not counts["events"]:
        raise DataMissing("there are no events to learn from", hint=hint)
    needed = {
        "reads": (counts["reads"], config.fewest_reads),
        "citizens with a profile": (counts["profiled"], config.fewest_citizens),
        "items": (counts["items"], config.fewest_items),
    }
    for name, (found, fewest) in needed.items():
        if found < fewest:
            raise DataMissing(f"{found} {name} are too few to learn from: at least {fewest} are needed", hint=hint)
    if not dataset.matrix.nnz:
        raise DataMissing("no event tells an interest of anyone with a profile", hint=hint)


def tail_start(dataset: Dataset, active: Snapshot | None, config: TrainingConfig) -> int:
    """Where the held-out tail begins (epoch ms): after what ``active`` was fitted on, where that leaves enough rows."""
    at = dataset.log.at
    usual = int(at[int(np.floor((1 - config.holdout) * at.size))])
    seen = usual if active is None else known_until(active)
    enough = at.size - int(np.searchsorted(at, seen)) >= config.fewest_tail
    return seen if seen > usual and enough else usual


def known_until(snapshot: Snapshot) -> int:
    """The instant before which lies everything that ``snapshot`` was fitted on (epoch ms).

    Of an old log that was imported in parts it is the end of the part, not the day of the training.
    """
    return int(snapshot.facts["data"]["last_at"]) + 1
