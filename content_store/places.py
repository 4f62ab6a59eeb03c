"""The places of Sichuan that a text names: the 21 prefectures and their 183 counties, by GB/T 2260 codes.

One pass of a compiled pattern finds every name; what it may mean is then settled by the rest of the text, because many
names are words (石棉 is asbestos, 南部 the south) or belong to others too (长宁 is in Shanghai as well). The names are
those of simplified Chinese. How often that is right is told in ``docs/benchmarks/topics.md``.
"""

from __future__ import annotations

import functools
import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from content_store import place_names as data
from content_store.vocabulary import COUNTIES, Prefecture

PROVINCE = "510000"
AUTONOMOUS = {
    Prefecture.ABA: "阿坝藏族羌族自治州",
    Prefecture.GARZE: "甘孜藏族自治州",
    Prefecture.LIANGSHAN: "凉山彝族自治州",
}
PLACES: dict[str, str] = {
    **{entry.value: f"{entry.label}{'州' if entry in AUTONOMOUS else '市'}" for entry in Prefecture},
    **{
        code: full if full not in data.ONLY_BEHIND_PREFECTURE else f"{Prefecture(code[:4] + '00').label}市{full}"
        for code, full in COUNTIES.items()
    },
}
"""Code → what the place is called: 成都市, 凉山州, 旺苍县, 乐山市市中区."""

_SHARED, _WORDS = frozenset(data.SHARED.split()), frozenset(data.WORDS.split())
_SUFFIX = re.compile(r"(羌族|彝族|藏族)?自治县$|[县市区]$")
_JOINTS = frozenset({"", "市", "州", "省", "的", "地区", "·"})
"""What may stand between a name and the one that it qualifies."""


class _Bond(IntEnum):
    """What it takes to believe a name; the greater the more."""

    FULL = 0
    CLEAR = 1
    SHARED = 2
    BEHIND = 3
    BEHIND_PREFECTURE = 4
    PROVINCE = 5
    ELSEWHERE = 6
    NOTHING = 7


_TRUST = {_Bond.FULL: 0.9, _Bond.CLEAR: 0.8, _Bond.SHARED: 0.6, _Bond.BEHIND: 0.85, _Bond.BEHIND_PREFECTURE: 0.85}
_SURE = 0.99


class _Name(NamedTuple):
    bond: _Bond
    codes: tuple[str, ...]


class _Hit(NamedTuple):
    start: int
    end: int
    bond: _Bond
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlaceFound:
    """A place that a text names ``count`` times at ``where`` (start and end of each, characters).

    ``confidence`` in (0, 1]: how sure it is that this place is meant. ``qualifies``: of the ``count``, how many only
    say where another place lies that follows at once (雅安 in 雅安宝兴).
    """

    code: str
    name: str
    count: int
    where: tuple[tuple[int, int], ...]
    confidence: float
    qualifies: int = 0

    @property
    def prefecture(self) -> Prefecture:
        """The prefecture that it is or lies in."""
        return prefecture_of(self.code)


def prefecture_of(code: str) -> Prefecture:
    """The prefecture of a place. Raises ValueError for a code that is none of ``PLACES``."""
    if code not in PLACES:
        raise ValueError(f"{code!r} is no place of Sichuan")
    return Prefecture(code[:4] + "00")


def found_in(text: str) -> list[PlaceFound]:
    """The places that ``text`` names, the most often named first, then in the order of their codes."""
    hits = list(_hits(text))
    if not hits:
        return []
    company = _Company(text, hits)
    where: dict[str, list[tuple[int, int]]] = defaultdict(list)
    trust: dict[str, float] = defaultdict(float)
    qualifies: dict[str, int] = defaultdict(int)
    for place, hit in enumerate(hits):
        code, believed = company.meant(place)
        if not code:
            continue
        where[code].append((hit.start, hit.end))
        trust[code] = max(trust[code], believed)
        if before := company.qualifier(place, code):
            qualifies[before] += 1
    found = [
        PlaceFound(code, PLACES[code], len(spans), tuple(spans), _sum(trust[code], len(spans)), qualifies[code])
        for code, spans in where.items()
    ]
    return sorted(found, key=lambda place: (-place.count, place.code))


def _sum(trust: float, count: int) -> float:
    """The more often a name is there the surer it is, for a slip is seldom repeated."""
    return round(min(_SURE, 1 - (1 - trust) / math.sqrt(count)), 4)


class _Company:
    """The hits of a text, each seen in the company of the others."""

    def __init__(self, text: str, hits: list[_Hit]) -> None:
        self.text = text
        self.hits = hits
        self.of_sichuan = any(hit.bond == _Bond.PROVINCE for hit in hits)
        self.elsewhere = any(hit.bond == _Bond.ELSEWHERE for hit in hits)
        clear = [(hit.codes[0], hit) for place, hit in enumerate(hits) if self._stands_alone(place)]
        self.full = {code for code, hit in clear if hit.bond == _Bond.FULL}
        self.prefectures = {code[:4] for code, _ in clear}

    def meant(self, place: int) -> tuple[str, float]:
        """The code that this hit means and the trust in it; "" and 0 where it means none of ours."""
        hit = self.hits[place]
        if hit.bond >= _Bond.PROVINCE or self._spoilt(hit):
            return "", 0.0
        if hit.bond != _Bond.FULL and self._behind_elsewhere(place):
            return "", 0.0
        for code in hit.codes:
            behind = self._behind(place, code)
            if believed := self._trust(hit, code, behind):
                return code, believed
        return "", 0.0

    def qualifier(self, place: int, code: str) -> str:
        """The prefecture that is named right before the county ``code``; "" where it is not."""
        if code.endswith("00"):
            return ""
        before = self._neighbour(place)
        own = code[:4] + "00"
        return own if before and before.bond <= _Bond.CLEAR and before.codes == (own,) else ""

    def _trust(self, hit: _Hit, code: str, behind: str) -> float:
        trust = _TRUST[hit.bond]
        if hit.bond <= _Bond.CLEAR:
            if self.of_sichuan or behind:
                return trust + 0.08
            return trust - 0.15 if self.elsewhere and hit.bond == _Bond.CLEAR else trust
        if hit.bond == _Bond.SHARED:
            if behind or code in self.full:
                return 0.9
            return trust + 0.2 * (code[:4] in self.prefectures) if self._in_company(code) else 0.0
        if hit.bond == _Bond.BEHIND and code in self.full:
            return trust
        wanted = ("prefecture",) if hit.bond == _Bond.BEHIND_PREFECTURE else ("prefecture", "province")
        return trust if behind in wanted else 0.0

    def _in_company(self, code: str) -> bool:
        return self.of_sichuan or code[:4] in self.prefectures

    def _spoilt(self, hit: _Hit) -> bool:
        spoiler = data.SPOILT_BY.get(self.text[hit.start : hit.end])
        return spoiler is not None and spoiler in self.text

    def _stands_alone(self, place: int) -> bool:
        return self.hits[place].bond <= _Bond.CLEAR and not self._behind_elsewhere(place)

    def _behind(self, place: int, code: str) -> str:
        """Whether its "prefecture" or the "province" is named right before it; "" where neither is."""
        before = self._neighbour(place)
        if before is None:
            return ""
        if before.bond == _Bond.PROVINCE:
            return "province"
        return "prefecture" if before.bond <= _Bond.CLEAR and before.codes == (code[:4] + "00",) else ""

    def _behind_elsewhere(self, place: int) -> bool:
        """A county that stands right behind another province; of cities 成渝 is full of pairs like 重庆成都."""
        before, hit = self._neighbour(place), self.hits[place]
        return before is not None and before.bond == _Bond.ELSEWHERE and not hit.codes[0].endswith("00")

    def _neighbour(self, place: int) -> _Hit | None:
        if not place:
            return None
        before = self.hits[place - 1]
        return before if self.text[before.end : self.hits[place].start] in _JOINTS else None


def _hits(text: str) -> Iterator[_Hit]:
    names, pattern = _known()
    for match in pattern.finditer(text):
        name = names[match.group()]
        if name.bond != _Bond.NOTHING:
            yield _Hit(match.start(), match.end(), name.bond, name.codes)


@functools.cache
def _known() -> tuple[dict[str, _Name], re.Pattern[str]]:
    # Made when first asked for: compiling takes as long as importing all the rest.
    names = _names()
    return names, _pattern(names)


def _names() -> dict[str, _Name]:
    """Every way to write a place, and what only looks like one."""
    names: dict[str, _Name] = {}
    for bond, group in ((_Bond.PROVINCE, data.PROVINCE), (_Bond.ELSEWHERE, data.ELSEWHERE)):
        names |= {word: _Name(bond, ()) for word in group.split()}
    for entry in Prefecture:
        for word in {entry.label, PLACES[entry], AUTONOMOUS.get(entry, PLACES[entry])}:
            names[word] = _Name(_Bond.CLEAR if word == entry.label else _Bond.FULL, (entry.value,))
    for code, full in COUNTIES.items():
        _add(names, full, code, _Bond.FULL)
        short = _SUFFIX.sub("", full)
        # 广安 and 阿坝 alone are the prefectures, and 市中 is no name at all.
        if len(short) > 1 and short not in names and full not in data.ONLY_BEHIND_PREFECTURE:
            _add(names, short, code, _Bond.CLEAR)
    for code, words in data.ALIASES.items():
        for word in words.split():
            _add(names, word, code, _Bond.FULL if _SUFFIX.search(word) else _Bond.CLEAR)
    names |= {word: _Name(_Bond.NOTHING, ()) for word in f"{data.NO_PLACES} {data.NEVER}".split()}
    return names


def _add(names: dict[str, _Name], word: str, code: str, bond: _Bond) -> None:
    if word in data.ONLY_BEHIND_PREFECTURE:
        bond = _Bond.BEHIND_PREFECTURE
    elif word in _SHARED:
        bond = _Bond.SHARED
    elif word in _WORDS:
        bond = _Bond.BEHIND
    others = names[word].codes if word in names and names[word].bond == bond else ()
    names[word] = _Name(bond, tuple(dict.fromkeys((*others, code))))


def _pattern(names: Mapping[str, _Name]) -> re.Pattern[str]:
    """One alternative for each first character, so that most of a text is passed over at once; longer names first."""
    by_first: dict[str, list[str]] = defaultdict(list)
    for word in sorted(names, key=lambda word: (-len(word), word)):
        by_first[word[0]].append(word)
    return re.compile("|".join(f"{first}(?:{'|'.join(_tails(words))})" for first, words in sorted(by_first.items())))


def _tails(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        # What cuts 形成|都市 another way cuts 形成|都市圈 so, too: guards on the left are those of any beginning.
        left = "".join(data.NOT_BEHIND.get(word[:size], "") for size in range(2, len(word) + 1))
        right = data.NOT_BEFORE.get(word, "")
        behind = f"(?<![{left}]{word[0]})" if left else ""
        yield behind + word[1:] + (f"(?![{right}])" if right else "")
