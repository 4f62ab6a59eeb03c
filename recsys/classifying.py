"""What a new content may be about: a topic and a place, suggested to the person who decides.

A suggestion is never silent: it says that it is one, how sure it is and which words spoke for it; where it is not sure
it suggests nothing and says that, too. Topics come from ``recsys.models.topics``, which begins with lists of words and
learns from what was reviewed; places from the names in the text (``content_store.places``).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, Self

from content_store.errors import ModelError
from content_store.places import PLACES, PlaceFound, found_in, prefecture_of
from content_store.vocabulary import COUNTIES, Prefecture, Topic
from recsys.models import keywords
from recsys.models.topics import Guess, Topics

AT_ONCE = 500
WORDS_SHOWN = 6
SURE_OF_PLACE = 0.5
"""The confidence from which on a place is suggested."""
LEAD = 100
"""Characters at the beginning of a text: what it is about is named there."""
IN_TITLE = 2.0
IN_LEAD = 0.5
COUNTY_SHARE = 0.5
"""A county is suggested instead of its prefecture where so much of what names the prefecture names it."""
LISTS = "lists"
"""The name of the model that has learnt nothing yet."""
_TOPICS = tuple(Topic)


class Row(NamedTuple):
    """A content to be classified: plain text, no markup."""

    id: str
    title: str
    text: str


class Taught(NamedTuple):
    """A content whose topic a person has decided: plain text, no markup."""

    title: str
    text: str
    topic: Topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What the content ``id`` may be about; to be shown with its sentences, never taken over alone.

    ``topic`` is None where ``likeliest`` is not sure enough. ``confidence`` in (0, 1] is the probability of
    ``likeliest``, ``words`` what spoke for it, strongest first. ``place`` is a code of ``content_store.places``, or
    None where the text is about none or about many; ``place_confidence`` in [0, 1] and ``place_words`` tell of
    ``likeliest_place`` ("" where none is named). ``model`` tells which model it was.
    """

    id: str
    topic: Topic | None
    likeliest: Topic
    confidence: float
    runner_up: Topic
    words: tuple[str, ...]
    place: str | None
    likeliest_place: str
    place_confidence: float
    place_words: tuple[str, ...]
    model: str = LISTS

    @property
    def prefecture(self) -> Prefecture | None:
        """The prefecture that is suggested, or in which the suggested county lies."""
        return prefecture_of(self.place) if self.place else None

    @property
    def county(self) -> str | None:
        """The code of the county that is suggested."""
        return self.place if self.place in COUNTIES else None

    @property
    def sentence(self) -> str:
        """The topic in a sentence for the editor."""
        because = f"依据：{'、'.join(self.words)}" if self.words else "没有认得的词"
        if self.topic is None:
            likeliest = f"较可能是“{self.likeliest.label}”或“{self.runner_up.label}”；" if self.words else ""
            return f"机器没有把握，不作主题建议（{likeliest}{because}）"
        other = f"其次：{self.runner_up.label}"
        return f"机器建议主题：{self.topic.label}，把握{self.confidence:.0%}（{because}；{other}），请您确认或改正"

    @property
    def place_sentence(self) -> str:
        """The place in a sentence for the editor."""
        named = f"文中提到：{'、'.join(self.place_words)}"
        if self.place is not None:
            sure = f"把握{self.place_confidence:.0%}"
            return f"机器建议地区：{PLACES[self.place]}，{sure}（{named}），请您确认或改正"
        return f"机器没有把握，不作地区建议（{named}）" if self.place_words else "文中没有认得的四川地名，不作地区建议"


class PlaceGuess(NamedTuple):
    """The place that a text is most about ("" where it names none), and the names as they stand there."""

    code: str
    confidence: float
    words: tuple[str, ...]


class Classifier:
    """Suggests by a model of topics, which ``version`` names."""

    def __init__(self, model: Topics | None = None, version: str = LISTS) -> None:
        """Without a ``model`` the lists of words that come with the programme. Raises ModelError for other topics."""
        self.model = model or Topics([topic.value for topic in _TOPICS], keywords.shipped())
        self.version = version
        if self.model.topics != tuple(topic.value for topic in _TOPICS):
            raise ModelError("topics: the model has other topics than the programme")

    @classmethod
    def learnt(cls, taught: Iterable[Taught], version: str = LISTS) -> Self:
        """One that has learnt from what people decided; the same contents in the same order make the same one."""
        rows = list(taught)
        classifier = cls(version=version)
        labels = [_TOPICS.index(row.topic) for row in rows]
        classifier.model.fit([(row.title, row.text) for row in rows], labels)
        return classifier

    def suggest(self, rows: Iterable[Row]) -> list[Suggestion]:
        """A suggestion for each of ``rows``, in their order."""
        found: list[Suggestion] = []
        ahead = iter(rows)
        while part := list(islice(ahead, AT_ONCE)):
            guesses = self.model.guess([(row.title, row.text) for row in part], WORDS_SHOWN)
            found += [_suggestion(row, guess, self.version) for row, guess in zip(part, guesses, strict=True)]
        return found


def suggest(rows: Iterable[Row | tuple[str, str, str]], classifier: Classifier | None = None) -> list[Suggestion]:
    """A suggestion for each (id, title, text), in their order; without a ``classifier`` by the lists of words."""
    return (classifier or Classifier()).suggest(Row(*row) for row in rows)


def place_of(title: str, text: str) -> PlaceGuess:
    """The prefecture or county that a text is about.

    Its weight is how often and where it is named, a county counting for its prefecture too; the confidence is the
    prefecture's share of all weight, less where there is little of it.
    """
    whole = f"{title}\n{text}"
    found = found_in(whole)
    if not found:
        return PlaceGuess("", 0.0, ())
    weight = {place.code: _weight(place, len(title)) for place in found}
    total: dict[str, float] = defaultdict(float)
    for place in found:
        total[place.prefecture] += weight[place.code]
    best = max(sorted(total), key=lambda code: total[code])
    counties = [code for code in sorted(weight) if code[:4] == best[:4] and code != best]
    code = max(counties, key=lambda code: weight[code], default=best)
    if weight[code] < COUNTY_SHARE * total[best] or weight[code] == 0:
        code = best
    share = total[best] / sum(total.values()) if total[best] else 0.0
    named = sorted((place for place in found if place.prefecture == best), key=lambda place: -weight[place.code])
    names = dict.fromkeys(whole[start:end] for place in named for start, end in place.where)
    return PlaceGuess(code, share * (1 - 0.5 ** total[best]), tuple(names)[:WORDS_SHOWN])


def _weight(place: PlaceFound, title: int) -> float:
    """How much a text whose title has ``title`` characters is about ``place``."""
    first = place.where[0][0]
    headed = IN_TITLE if first < title else IN_LEAD if first < title + LEAD else 0.0
    alone = place.count - place.qualifies
    return place.confidence * (math.sqrt(alone) + headed * (alone > 0))


def _suggestion(row: Row, guess: Guess, version: str) -> Suggestion:
    place = place_of(row.title, row.text)
    likeliest = _TOPICS[guess.topic]
    return Suggestion(
        id=row.id,
        topic=likeliest if guess.sure else None,
        likeliest=likeliest,
        confidence=guess.confidence,
        runner_up=_TOPICS[guess.runner_up],
        words=guess.because,
        place=place.code if place.confidence >= SURE_OF_PLACE else None,
        likeliest_place=place.code,
        place_confidence=place.confidence,
        place_words=place.words,
        model=version,
    )
