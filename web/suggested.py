"""What a machine suggested about a version, for the person who decides: its sentences, and what they would change.

Nothing is taken over but by a button that says so, and then it is a saving as any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from content_store import suggestions
from content_store.db import Connection
from content_store.places import PLACES
from content_store.review.versions import Version, Words
from content_store.suggestions import Suggested
from content_store.vocabulary import Topic
from recsys import suggesting

TAKEN = "take"
"""The field that names what is taken over: ``topic``, ``place``, or both of them."""


class Told(NamedTuple):
    """A suggestion about ``version``. ``topic`` and ``place`` (a code) are None where the machine was not sure, or
    the version says so already; the sentences tell of both in any case."""

    version: int
    topic: Topic | None
    place: str | None
    topic_sentence: str
    place_sentence: str

    @property
    def place_name(self) -> str:
        """What the suggested place is called."""
        return PLACES[self.place] if self.place else ""

    @property
    def differs(self) -> bool:
        """Whether there is anything to take over."""
        return self.topic is not None or self.place is not None

    def words(self, wanted: Iterable[str]) -> Words:
        """What of it is wanted (``topic``, ``place``), as what may be saved."""
        words = Words()
        if self.topic is not None and "topic" in wanted:
            words["topic"] = self.topic
        if self.place is not None and "place" in wanted:
            words["place"] = self.place
        return words


def about(connection: Connection, version: Version) -> Told | None:
    """What was suggested about a version; None where nothing was yet."""
    found = suggestions.get(connection, version.content_id, version.version)
    return None if found is None else told(found, version.topic, version.place)


def told(found: Suggested, topic: Topic | None, place: str | None) -> Told:
    """A suggestion beside the topic and the place that were chosen."""
    shown = suggesting.shown(found)
    return Told(
        version=found.version,
        topic=None if shown.topic is topic else shown.topic,
        place=None if shown.place == place else shown.place,
        topic_sentence=shown.sentence,
        place_sentence=shown.place_sentence,
    )
