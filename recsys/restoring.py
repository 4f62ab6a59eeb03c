"""A snapshot's models made ready to rank: placed among the items of a fast layer, with late articles by their text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from content_store.errors import ModelError
from recsys.models.als import Als
from recsys.models.base import ModelT, Recommender
from recsys.models.content import Content
from recsys.models.item_item import ItemItem
from recsys.models.ranker import Ranker
from recsys.ranking import fits
from recsys.slow import SlowLayer
from recsys.snapshots import Snapshot

BLENDED = "a fixed blend orders the list until `kepu train` makes another"

_KINDS: tuple[type[Recommender], ...] = (Als, ItemItem, Content)


@dataclass
class Restored:
    """The slow layer, the ranker (None: the fixed blend), and a sentence for each model that this code cannot use.

    ``known``: ids of the items that the slow layer has, fitted or taken in by their text.
    """

    slow: SlowLayer
    ranker: Ranker | None
    problems: list[str] = field(default_factory=list)
    known: set[str] = field(default_factory=set)


def restore(snapshot: Snapshot, place_of: Callable[[str], int | None], texts: Mapping[str, str]) -> Restored:
    """The models of ``snapshot``. ``place_of``: an item's position in the fast layer, None where it has none.

    ``texts``: the words, by id, of the items that may be shown; what the snapshot does not know joins its text model.
    """
    problems: list[str] = []
    fitted = snapshot.items()
    loaded = [(kind.name, _load(snapshot, kind, problems)) for kind in _KINDS]
    models = {name: model for name, model in loaded if model is not None}
    places = [place_of(item) for item in fitted]
    place = np.array([-1 if found is None else found for found in places], np.int32)
    restored = Restored(SlowLayer(models, place, np.ones(place.size, bool)), None, problems, set(fitted))
    admit(restored, place_of, texts)
    ranker = _load(snapshot, Ranker, problems)
    if ranker is not None and not fits(ranker):
        problems.append(f"the ranker of {snapshot.version} was fitted on other features; {BLENDED}")
        ranker = None
    restored.ranker = ranker
    return restored


def admit(restored: Restored, place_of: Callable[[str], int | None], texts: Mapping[str, str]) -> int:
    """Take those of ``texts`` that the slow layer does not know into its text model; returns how many.

    Nobody may be ranking meanwhile.
    """
    content = restored.slow.models.get(Content.name)
    if not isinstance(content, Content):
        return 0
    new = sorted(id for id, text in texts.items() if text and id not in restored.known and place_of(id) is not None)
    if not new:
        return 0
    content.add([texts[id] for id in new])
    restored.known.update(new)
    restored.slow = restored.slow.with_added([place for id in new if (place := place_of(id)) is not None])
    return len(new)


def _load(snapshot: Snapshot, kind: type[ModelT], problems: list[str]) -> ModelT | None:
    """The model, or None where the snapshot has none or one that this code cannot restore."""
    if kind.name not in snapshot.models:
        return None
    try:
        return snapshot.load(kind)
    except ModelError as error:
        problems.append(f"{snapshot.version} is served without a model: {error.message}")
        return None
