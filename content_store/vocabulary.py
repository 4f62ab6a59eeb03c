"""Every word that is stored or sent: kinds, statuses, topics, places, and the groups they form.

Values are stored in databases and files, so a value is never renamed; a new one is added instead.
"""

from __future__ import annotations

from enum import StrEnum


class EventKind(StrEnum):
    """What happened between a citizen and a content."""

    IMPRESSION = "impression"
    CLICK = "click"
    READ = "read"
    SAVE = "save"
    LIKE = "like"
    SHARE = "share"
    COMMENT = "comment"
    FOLLOW = "follow"
    NOT_INTERESTED = "not_interested"
    REPORT = "report"


READING_KINDS = frozenset({EventKind.CLICK, EventKind.READ})
"""Either of them hides the item from its reader's feed and teaches the recommender."""

POSITIVE_KINDS = READING_KINDS | {
    EventKind.SAVE,
    EventKind.LIKE,
    EventKind.SHARE,
    EventKind.COMMENT,
    EventKind.FOLLOW,
}
"""Signs of interest."""

NEGATIVE_KINDS = frozenset({EventKind.NOT_INTERESTED, EventKind.REPORT})
"""Signs that the item was unwelcome; they hide it too."""


class CitizenKind(StrEnum):
    """Whether a citizen has an account."""

    GUEST = "guest"
    REGISTERED = "registered"


class Role(StrEnum):
    """For whom a service token speaks."""

    SERVICE = "service"
    EDITOR = "editor"
    OPERATOR = "operator"
    BASE = "base"
    CREATOR = "creator"


class ContentStatus(StrEnum):
    """Where a content stands; only a published one may reach citizens."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


LIVE_STATUSES = frozenset({ContentStatus.PUBLISHED})

CONTENT_TRANSITIONS: dict[ContentStatus, frozenset[ContentStatus]] = {
    ContentStatus.DRAFT: frozenset({ContentStatus.IN_REVIEW, ContentStatus.WITHDRAWN}),
    ContentStatus.IN_REVIEW: frozenset(
        {ContentStatus.DRAFT, ContentStatus.SCHEDULED, ContentStatus.PUBLISHED, ContentStatus.WITHDRAWN}
    ),
    ContentStatus.SCHEDULED: frozenset(
        {ContentStatus.DRAFT, ContentStatus.PUBLISHED, ContentStatus.EXPIRED, ContentStatus.WITHDRAWN}
    ),
    ContentStatus.PUBLISHED: frozenset({ContentStatus.EXPIRED, ContentStatus.WITHDRAWN}),
    ContentStatus.EXPIRED: frozenset({ContentStatus.DRAFT, ContentStatus.WITHDRAWN}),
    ContentStatus.WITHDRAWN: frozenset({ContentStatus.DRAFT}),
}
"""From each status to those that may follow it."""


class JobState(StrEnum):
    """Where an occurrence of a job stands: an instant of its schedule at which it is to be done once."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    SKIPPED = "skipped"
    DEAD = "dead"


OVER_STATES = frozenset({JobState.DONE, JobState.SKIPPED, JobState.DEAD})
"""Nothing more happens to these by itself; a dead one is brought back by a person."""


class Topic(StrEnum):
    """The nineteen topics of popular science; ``label`` is what citizens read."""

    HEALTH = "health"
    PSYCHOLOGY = "psychology"
    NUTRITION_FOOD = "nutrition_food"
    AGRICULTURE = "agriculture"
    EMERGENCY = "emergency"
    DISASTER = "disaster"
    FRONTIER = "frontier"
    SPACE = "space"
    ASTRO_GEO = "astro_geo"
    ECOLOGY = "ecology"
    LIFE_SCI = "life_sci"
    DAILY = "daily"
    INFO_TECH = "info_tech"
    ENERGY = "energy"
    MANUFACTURING = "manufacturing"
    MILITARY = "military"
    ANTI_CULT = "anti_cult"
    SPIRIT = "spirit"
    GENERAL = "general"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _TOPIC_LABELS[self]


_TOPIC_LABELS = {
    Topic.HEALTH: "健康",
    Topic.PSYCHOLOGY: "心理",
    Topic.NUTRITION_FOOD: "食品营养",
    Topic.AGRICULTURE: "农业",
    Topic.EMERGENCY: "应急安全",
    Topic.DISASTER: "防灾减灾",
    Topic.FRONTIER: "科技前沿",
    Topic.SPACE: "航空航天",
    Topic.ASTRO_GEO: "天文地理",
    Topic.ECOLOGY: "生态环境",
    Topic.LIFE_SCI: "生命科学",
    Topic.DAILY: "生活解惑",
    Topic.INFO_TECH: "信息技术",
    Topic.ENERGY: "能源",
    Topic.MANUFACTURING: "先进制造",
    Topic.MILITARY: "军事科技",
    Topic.ANTI_CULT: "反邪",
    Topic.SPIRIT: "科学家精神",
    Topic.GENERAL: "科学百科",
}

NEVER_INFERRED = frozenset({Topic.HEALTH, Topic.PSYCHOLOGY})
"""Reads of these enter nobody's vector, tags or reasons without an explicit follow with its own consent (PIPL)."""


class Prefecture(StrEnum):
    """The twenty-one prefectures of Sichuan by their GB/T 2260 codes; ``label`` is what citizens read."""

    CHENGDU = "510100"
    ZIGONG = "510300"
    PANZHIHUA = "510400"
    LUZHOU = "510500"
    DEYANG = "510600"
    MIANYANG = "510700"
    GUANGYUAN = "510800"
    SUINING = "510900"
    NEIJIANG = "511000"
    LESHAN = "511100"
    NANCHONG = "511300"
    MEISHAN = "511400"
    YIBIN = "511500"
    GUANGAN = "511600"
    DAZHOU = "511700"
    YAAN = "511800"
    BAZHONG = "511900"
    ZIYANG = "512000"
    ABA = "513200"
    GARZE = "513300"
    LIANGSHAN = "513400"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _PREFECTURE_LABELS[self]


_PREFECTURE_LABELS = {
    Prefecture.CHENGDU: "成都",
    Prefecture.ZIGONG: "自贡",
    Prefecture.PANZHIHUA: "攀枝花",
    Prefecture.LUZHOU: "泸州",
    Prefecture.DEYANG: "德阳",
    Prefecture.MIANYANG: "绵阳",
    Prefecture.GUANGYUAN: "广元",
    Prefecture.SUINING: "遂宁",
    Prefecture.NEIJIANG: "内江",
    Prefecture.LESHAN: "乐山",
    Prefecture.NANCHONG: "南充",
    Prefecture.MEISHAN: "眉山",
    Prefecture.YIBIN: "宜宾",
    Prefecture.GUANGAN: "广安",
    Prefecture.DAZHOU: "达州",
    Prefecture.YAAN: "雅安",
    Prefecture.BAZHONG: "巴中",
    Prefecture.ZIYANG: "资阳",
    Prefecture.ABA: "阿坝",
    Prefecture.GARZE: "甘孜",
    Prefecture.LIANGSHAN: "凉山",
}

COUNTIES = {"510821": "旺苍县"}
"""Counties that are named on their own; the first four digits are those of their prefecture."""
