"""What the generator of simulated reading knows of the articles, and nothing else may know.

Set by hand for each article, by how it is written and not by what it is about: articles on one topic differ, articles
on different topics are alike. The recommender never sees any of it; it has to find out from who reads what.
"""

from __future__ import annotations

from typing import NamedTuple

STYLES = ("mechanism", "practical", "story", "wonder", "caution", "craft", "pride")
"""Why someone reads: how it works; what to do tonight; people and their fate; the vast and the old; what could harm
the family; how hands make it; what one's own country can be proud of."""


class Traits(NamedTuple):
    """How much an article gives to each style (0 to 3), how its title draws anyone (−1 to 1), how easily it reads
    (0 to 1)."""

    mechanism: int
    practical: int
    story: int
    wonder: int
    caution: int
    craft: int
    pride: int
    hook: float
    ease: float


TRAITS = {
    "spring-drought-tea": Traits(2, 3, 0, 0, 1, 1, 2, 0.0, 0.8),
    "earthquake-early-warning": Traits(3, 2, 1, 1, 3, 0, 1, 0.5, 0.7),
    "home-blood-pressure": Traits(1, 3, 0, 0, 2, 0, 0, 0.1, 0.9),
    "panda-eats-bamboo": Traits(2, 0, 1, 2, 0, 0, 3, 0.6, 0.8),
    "dujiangyan-without-dam": Traits(2, 0, 2, 1, 0, 3, 3, 0.2, 0.6),
    "lhaaso-shower": Traits(3, 0, 0, 3, 0, 1, 2, -0.2, 0.2),
    "anyue-lemon": Traits(2, 2, 0, 0, 1, 0, 2, -0.1, 0.8),
    "carbon-monoxide": Traits(1, 3, 0, 0, 3, 0, 0, 0.2, 0.9),
    "sanxingdui-lab": Traits(1, 0, 3, 2, 0, 2, 3, 0.5, 0.6),
    "zigong-dinosaurs": Traits(1, 0, 1, 3, 0, 0, 3, 0.6, 0.7),
    "zigong-salt-well": Traits(2, 0, 2, 1, 0, 3, 3, 0.1, 0.7),
    "panzhihua-vanadium-titanium": Traits(3, 0, 2, 0, 0, 3, 2, -0.4, 0.3),
    "forging-press": Traits(2, 0, 0, 1, 0, 3, 2, 0.1, 0.5),
    "liangshan-wildfire": Traits(1, 2, 1, 0, 3, 0, 1, 0.1, 0.8),
    "xichang-latitude": Traits(3, 0, 1, 2, 0, 1, 2, 0.2, 0.4),
    "wind-tunnel": Traits(3, 0, 1, 1, 0, 2, 2, -0.1, 0.4),
    "jinping-dark-matter": Traits(2, 0, 1, 3, 0, 1, 2, 0.1, 0.2),
    "pit-mud-microbes": Traits(3, 0, 1, 0, 0, 2, 2, 0.0, 0.6),
    "pickle-nitrite": Traits(2, 3, 0, 0, 2, 1, 1, 0.3, 0.8),
    "huajiao-tingle": Traits(3, 1, 1, 1, 0, 0, 2, 0.4, 0.7),
    "sour-gas-puguang": Traits(2, 1, 0, 0, 2, 2, 1, -0.3, 0.5),
    "kela-hydro-solar": Traits(2, 0, 0, 1, 0, 2, 2, -0.2, 0.5),
    "zoige-peat": Traits(2, 0, 0, 2, 1, 0, 2, -0.1, 0.6),
    "yangtze-sturgeon": Traits(1, 1, 2, 1, 1, 0, 2, 0.0, 0.7),
    "debris-flow": Traits(1, 3, 0, 0, 3, 0, 1, 0.3, 0.9),
    "bashan-night-rain": Traits(3, 0, 1, 1, 0, 0, 2, 0.1, 0.6),
    "dog-bite": Traits(0, 3, 0, 0, 3, 0, 0, 0.4, 0.9),
    "retrieval-practice": Traits(1, 3, 1, 0, 0, 0, 0, 0.1, 0.8),
    "after-the-quake-mind": Traits(0, 3, 1, 0, 2, 0, 0, -0.2, 0.8),
    "static-shock": Traits(3, 2, 0, 0, 1, 0, 0, 0.3, 0.8),
    "boiling-on-plateau": Traits(3, 2, 0, 0, 1, 0, 1, 0.0, 0.6),
    "ebike-battery": Traits(1, 3, 0, 0, 3, 0, 0, 0.2, 0.9),
    "recommender-guess": Traits(2, 1, 0, 0, 1, 1, 0, 0.2, 0.6),
    "qr-code": Traits(3, 1, 1, 0, 1, 1, 0, 0.3, 0.6),
    "stealth-radar": Traits(3, 0, 0, 1, 0, 2, 0, 0.4, 0.4),
    "night-vision": Traits(3, 0, 0, 1, 0, 1, 0, 0.1, 0.4),
    "cold-reading": Traits(1, 2, 2, 0, 2, 0, 0, 0.4, 0.8),
    "doomsday-prophecy": Traits(1, 2, 2, 1, 2, 0, 0, 0.3, 0.7),
    "zhu-kezhen-diary": Traits(0, 0, 3, 1, 0, 0, 0, 0.0, 0.7),
    "deng-jiaxian-zitong": Traits(0, 0, 3, 1, 0, 0, 2, 0.2, 0.8),
}
"""By the article's id."""
