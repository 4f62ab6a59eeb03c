"""Suggests a topic and a place for every wording that waits for an editor, and learns from what editors decided.

``fill`` is a job: it may be done twice, stopped anywhere and run beside itself, for a version has one suggestion and
the first stays. ``learn`` makes the classifier that the next ``fill`` uses, a version in a folder of its own that is
published whole or not at all, and only where it does better than the lists of words alone.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple

from content_store import suggestions
from content_store.db import Database
from content_store.errors import ModelError, SnapshotError
from content_store.markdown import plain_text
from content_store.settings import Settings
from content_store.suggestions import Reviewed, Suggested, Unclassified
from content_store.vocabulary import Topic
from recsys.classifying import Classifier, Row, Suggestion, Taught
from recsys.models.topics import Topics, TopicsConfig
from recsys.snapshots import Draft, SnapshotStore

log = logging.getLogger(__name__)

LEAST_REVIEWED = TopicsConfig().tell
"""Fewer reviewed contents are not learnt from: what they taught could not be measured."""
AT_ONCE = 500
MOST = 10_000
"""So many suggestions at most are made in one run; the next one goes on."""
MOST_REVIEWED = 5_000
"""So many reviewed contents are learnt from, the last ones: they are read into memory."""


class Filled(NamedTuple):
    """How many suggestions were stored, and for how many of them the machine was not sure of any topic."""

    stored: int
    unsure: int


class Learnt(NamedTuple):
    """What came of learning: the ``version`` that was published, None where there was none, and why, in a sentence."""

    version: str | None
    told: str


def fill(
    database: Database,
    classifier: Classifier,
    *,
    most: int = MOST,
    at_once: int = AT_ONCE,
    between: Callable[[], object] = lambda: None,
) -> Filled:
    """Suggest for the wordings that wait and have no suggestion, in batches of their own transactions.

    ``between`` is called before each batch and may raise to stop; what was stored stays.
    """
    stored = unsure = looked_at = 0
    while looked_at < most:
        between()
        with database.connect() as connection:
            rows = suggestions.lacking(connection, min(at_once, most - looked_at))
        if not rows:
            break
        found = [_stored(row, one) for row, one in zip(rows, classifier.suggest(map(_row, rows)), strict=True)]
        with database.begin() as connection:
            stored += suggestions.store(connection, found)
        looked_at += len(rows)
        unsure += sum(one.topic is None for one in found)
    return Filled(stored, unsure)


def learn(database: Database, store: SnapshotStore) -> Learnt:
    """Learn from the contents that passed their review, and publish the classifier where that made it better.

    The same contents are not learnt from twice. Raises SnapshotError.
    """
    with database.connect() as connection:
        rows = suggestions.reviewed(connection, MOST_REVIEWED)
    if len(rows) < LEAST_REVIEWED:
        return Learnt(None, f"{len(rows)} reviewed contents, {LEAST_REVIEWED} are needed: the lists of words are used")
    learnt_from = _digest(rows)
    known = store.active().snapshot
    if known is not None and known.facts.get("learnt_from") == learnt_from:
        return Learnt(None, f"nothing new since {known.version}")
    classifier = Classifier.learnt(Taught(row.title, readable(row.summary, row.body), row.topic) for row in rows)
    model = classifier.model
    told = f"{len(rows)} reviewed contents: right {model.accuracy:.1%} of the time, the lists {model.listed:.1%}"
    if model.accuracy < model.listed:
        return Learnt(None, f"not published: {told}")
    facts = {"learnt_from": learnt_from, "reviewed": len(rows), "accuracy": model.accuracy, "listed": model.listed}
    return Learnt(store.publish(Draft([model], (), facts | {"threshold": model.threshold})).version, told)


def store_of(settings: Settings) -> SnapshotStore:
    """Where classifiers are kept, in the data folder."""
    return SnapshotStore(settings.data_dir / "classifier", keep=3)


def active(store: SnapshotStore) -> Classifier:
    """The classifier in use; where there is none that this code can restore, the one that knows the lists alone."""
    snapshot = store.active().snapshot
    if snapshot is None:
        return Classifier()
    try:
        return Classifier(snapshot.load(Topics), snapshot.version)
    except (ModelError, SnapshotError) as error:
        log.warning("%s; suggesting by the lists of words", error.message)
        return Classifier()


def shown(stored: Suggested) -> Suggestion:
    """A stored suggestion with its sentences for the editor."""
    told = stored.evidence
    return Suggestion(
        id=stored.content_id,
        topic=stored.topic,
        likeliest=Topic(told["likeliest"]),
        confidence=stored.confidence,
        runner_up=Topic(told["runner_up"]),
        words=tuple(told["words"]),
        place=stored.county or stored.prefecture,
        likeliest_place=told["place"],
        place_confidence=stored.place_confidence,
        place_words=tuple(told["names"]),
        model=stored.model,
    )


def readable(summary: str | None, body: str | None) -> str:
    """What a stored wording says, without markup: a summary is plain text, a body Markdown."""
    return "\n".join(filter(None, (summary, plain_text(body) if body else None)))


def _row(found: Unclassified) -> Row:
    return Row(found.content_id, found.title, readable(found.summary, found.body))


def _stored(row: Unclassified, one: Suggestion) -> Suggested:
    return Suggested(
        content_id=row.content_id,
        version=row.version,
        topic=one.topic,
        confidence=one.confidence,
        prefecture=one.prefecture,
        county=one.county,
        place_confidence=one.place_confidence,
        evidence={
            "likeliest": one.likeliest.value,
            "runner_up": one.runner_up.value,
            "words": list(one.words),
            "place": one.likeliest_place,
            "names": list(one.place_words),
        },
        model=one.model,
    )


def _digest(rows: Sequence[Reviewed]) -> str:
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()
