"""Every word that is stored or sent: kinds, statuses, topics, places, and the groups they form.

Values are stored in databases and files, so a value is never renamed; a new one is added instead.
"""

from __future__ import annotations

from enum import StrEnum

from content_store.counties import COUNTIES as COUNTIES


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


class Rejection(StrEnum):
    """Why an event that was sent to us is not stored; the others of its batch are."""

    BAD_ID = "bad_id"
    UNKNOWN_KIND = "unknown_kind"
    UNKNOWN_CONTENT = "unknown_content"
    BAD_TIME = "bad_time"
    IN_THE_FUTURE = "in_the_future"
    BAD_DWELL = "bad_dwell"
    BAD_SCROLL = "bad_scroll"
    NOT_YOURS = "not_yours"
    OTHER_EVENT = "other_event"


class ServiceKind(StrEnum):
    """What a citizen was served with; ``label`` is what people read."""

    OPENED = "opened"
    READ = "read"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _SERVICE_LABELS[self]


_SERVICE_LABELS = {ServiceKind.OPENED: "打开推送", ServiceKind.READ: "有效阅读"}

SERVICE_STRENGTH = {ServiceKind.OPENED: 1, ServiceKind.READ: 2}
"""Of the services to one citizen with one object on one day only the strongest kind is kept."""


class Exclusion(StrEnum):
    """Why something that was done for a citizen does not count as a service; ``label`` is what people read."""

    NO_TOKEN = "no_token"
    BAD_TOKEN = "bad_token"
    FOREIGN_TOKEN = "foreign_token"
    TOKEN_EXPIRED = "token_expired"
    NOT_PUBLISHED = "not_published"
    OWN_CONTENT = "own_content"
    TOO_SHORT = "too_short"
    NOT_SCROLLED = "not_scrolled"
    ALREADY_COUNTED = "already_counted"
    CITIZEN_CAP = "citizen_cap"
    DEVICE_CAP = "device_cap"
    NETWORK_CAP = "network_cap"

    @property
    def label(self) -> str:
        """The Chinese sentence."""
        return _EXCLUSION_LABELS[self]


_EXCLUSION_LABELS = {
    Exclusion.NO_TOKEN: "没有阅读凭证",
    Exclusion.BAD_TOKEN: "阅读凭证无效",
    Exclusion.FOREIGN_TOKEN: "阅读凭证属于另一次阅读",
    Exclusion.TOKEN_EXPIRED: "阅读凭证已过期",
    Exclusion.NOT_PUBLISHED: "内容当时没有发布",
    Exclusion.OWN_CONTENT: "阅读的是自己的作品",
    Exclusion.TOO_SHORT: "阅读时间太短",
    Exclusion.NOT_SCROLLED: "没有读到一半",
    Exclusion.ALREADY_COUNTED: "当天已经计过一次",
    Exclusion.CITIZEN_CAP: "已达每人每天的上限",
    Exclusion.DEVICE_CAP: "已达同一设备游客每天的上限",
    Exclusion.NETWORK_CAP: "已达同一网络游客每天的上限",
}

TOKEN_EXCLUSIONS = frozenset(
    {Exclusion.NO_TOKEN, Exclusion.BAD_TOKEN, Exclusion.FOREIGN_TOKEN, Exclusion.TOKEN_EXPIRED}
)
"""Those that say what is wrong with the reading token."""


class SharedCap(StrEnum):
    """What guests share a daily cap by: nobody knows them, so their number alone would be no limit."""

    DEVICE = "device"
    NETWORK = "network"


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


class OrganisationKind(StrEnum):
    """What an organisation is in the tree whose root is the province; ``label`` is what people read."""

    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"
    SOCIETY = "society"
    BASE = "base"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _ORGANISATION_LABELS[self]


_ORGANISATION_LABELS = {
    OrganisationKind.PROVINCE: "省",
    OrganisationKind.PREFECTURE: "市州",
    OrganisationKind.COUNTY: "县区",
    OrganisationKind.SOCIETY: "学会",
    OrganisationKind.BASE: "科普基地",
}


class FeedState(StrEnum):
    """Where a creator's feed stands; ``label`` is what people read.

    A failing one is still asked, ever more seldom; one that is gone (HTTP 410) is not, until a person resumes it.
    """

    ACTIVE = "active"
    FAILING = "failing"
    PAUSED = "paused"
    GONE = "gone"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _FEED_LABELS[self]


_FEED_LABELS = {
    FeedState.ACTIVE: "正常",
    FeedState.FAILING: "抓取失败",
    FeedState.PAUSED: "已暂停",
    FeedState.GONE: "源已关闭",
}

FETCHED_STATES = frozenset({FeedState.ACTIVE, FeedState.FAILING})
"""The feeds that are asked for news."""


class ContentStatus(StrEnum):
    """Where a content stands; only a published one may reach citizens. ``label`` is what people read."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _STATUS_LABELS[self]


_STATUS_LABELS = {
    ContentStatus.DRAFT: "草稿",
    ContentStatus.IN_REVIEW: "审核中",
    ContentStatus.SCHEDULED: "已定时",
    ContentStatus.PUBLISHED: "已发布",
    ContentStatus.EXPIRED: "已到期",
    ContentStatus.WITHDRAWN: "已下架",
}


class SourceKind(StrEnum):
    """By which road a work came in; ``label`` is what people read."""

    FEED = "feed"
    UPLOAD = "upload"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _SOURCE_LABELS[self]


class SourceRole(StrEnum):
    """What a source is to a content: it was made from one, the others republish it; ``label`` is what people read."""

    ORIGINAL = "original"
    COPY = "copy"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _SOURCE_LABELS[self]


_SOURCE_LABELS: dict[StrEnum, str] = {
    SourceKind.FEED: "订阅源",
    SourceKind.UPLOAD: "上传",
    SourceRole.ORIGINAL: "首发来源",
    SourceRole.COPY: "转载来源",
}


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


class ServeJobs(StrEnum):
    """Whether a process that serves does what is due by the clock, too; ``AUTO``: where it is all there is."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


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
