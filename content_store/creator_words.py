"""The words of the creator alliance (天府科普创作达人联盟): membership, trust, and its series.

As in ``content_store.vocabulary`` a value is never renamed; a new one is added instead.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class Membership(StrEnum):
    """Where a creator stands; ``label`` is what people read."""

    APPLIED = "applied"
    ADMITTED = "admitted"
    REFUSED = "refused"
    SUSPENDED = "suspended"
    LEFT = "left"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _MEMBERSHIP_LABELS[self]


_MEMBERSHIP_LABELS = {
    Membership.APPLIED: "已申请，等待审核",
    Membership.ADMITTED: "联盟成员",
    Membership.REFUSED: "未通过，可修改后再申请",
    Membership.SUSPENDED: "已暂停",
    Membership.LEFT: "已退出",
}

MEMBERSHIP_TRANSITIONS: dict[Membership, frozenset[Membership]] = {
    Membership.APPLIED: frozenset({Membership.ADMITTED, Membership.REFUSED, Membership.LEFT}),
    Membership.ADMITTED: frozenset({Membership.SUSPENDED, Membership.LEFT}),
    Membership.REFUSED: frozenset({Membership.APPLIED}),
    Membership.SUSPENDED: frozenset({Membership.ADMITTED, Membership.LEFT}),
    Membership.LEFT: frozenset({Membership.APPLIED}),
}
"""From each state to those that may follow it."""


class Trust(IntEnum):
    """How far a member is trusted: it decides how many works a day are taken, never whether they are reviewed."""

    NEW = 0
    PROVEN = 1
    TRUSTED = 2

    @property
    def label(self) -> str:
        """The Chinese name."""
        return ("新成员", "稳定成员", "可信成员")[self]


class Licence(StrEnum):
    """On what terms a work may be shown; ``label`` is what people read."""

    ALLIANCE = "alliance"
    CC_BY = "cc_by"
    CC_BY_SA = "cc_by_sa"
    CC_BY_NC = "cc_by_nc"
    CC_BY_ND = "cc_by_nd"
    PUBLIC_DOMAIN = "public_domain"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _LICENCE_LABELS[self]


_LICENCE_LABELS = {
    Licence.ALLIANCE: "授权天府科普平台使用",
    Licence.CC_BY: "CC BY 4.0（署名）",
    Licence.CC_BY_SA: "CC BY-SA 4.0（署名—相同方式共享）",
    Licence.CC_BY_NC: "CC BY-NC 4.0（署名—非商业性使用）",
    Licence.CC_BY_ND: "CC BY-ND 4.0（署名—禁止演绎）",
    Licence.PUBLIC_DOMAIN: "公有领域",
}


class SeriesKind(StrEnum):
    """大咖说 is by invitation, 大家说 open to every member; ``label`` is what people read."""

    INVITED = "invited"
    OPEN = "open"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return {SeriesKind.INVITED: "大咖说", SeriesKind.OPEN: "大家说"}[self]


class Unmet(StrEnum):
    """What of the published criteria an application does not meet."""

    EXPERTISE = "expertise"
    FOLLOWERS = "followers"
    SAMPLES = "samples"
    STATEMENT = "statement"
