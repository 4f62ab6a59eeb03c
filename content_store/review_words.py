"""The words of review and publishing: who must look at a content before anybody reads it, and what became of it.

As in ``content_store.vocabulary`` a value is never renamed; a new one is added instead. 三审三校: three reviews (初审,
复审, 终审) and three proofreadings, each by another person.
"""

from __future__ import annotations

from enum import StrEnum


class ContentOrigin(StrEnum):
    """By which road a content came; all but the first need review, ``label`` is what people read."""

    IMPORT = "import"
    FEED = "feed"
    UPLOAD = "upload"
    EDITOR = "editor"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _ORIGIN_LABELS[self]


_ORIGIN_LABELS = {
    ContentOrigin.IMPORT: "历史导入",
    ContentOrigin.FEED: "订阅源",
    ContentOrigin.UPLOAD: "上传",
    ContentOrigin.EDITOR: "编辑撰写",
}


class AiUse(StrEnum):
    """What part an artificial intelligence had in a content; ``label`` must be shown (标识办法, 2025)."""

    NONE = "none"
    ASSISTED = "assisted"
    GENERATED = "generated"

    @property
    def label(self) -> str:
        """The Chinese sentence; empty where there is nothing to be told."""
        return _AI_LABELS[self]


_AI_LABELS = {
    AiUse.NONE: "",
    AiUse.ASSISTED: "创作中使用了人工智能辅助，内容经人工审核。",
    AiUse.GENERATED: "内容由人工智能生成，经人工审核。",
}


class Route(StrEnum):
    """Which steps a version has to pass; ``label`` is what people read."""

    FULL = "full"
    SHORT = "short"
    MINOR = "minor"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _ROUTE_LABELS[self]


_ROUTE_LABELS = {Route.FULL: "三审三校", Route.SHORT: "简化流程", Route.MINOR: "小幅修改"}


class ReviewStep(StrEnum):
    """One person's look at a version; ``label`` is what people read."""

    FIRST_REVIEW = "first_review"
    SCIENCE_REVIEW = "science_review"
    SECOND_REVIEW = "second_review"
    FINAL_REVIEW = "final_review"
    FIRST_PROOF = "first_proof"
    SECOND_PROOF = "second_proof"
    THIRD_PROOF = "third_proof"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _STEP_LABELS[self]


_STEP_LABELS = {
    ReviewStep.FIRST_REVIEW: "初审",
    ReviewStep.SCIENCE_REVIEW: "科学性审核",
    ReviewStep.SECOND_REVIEW: "复审",
    ReviewStep.FINAL_REVIEW: "终审",
    ReviewStep.FIRST_PROOF: "一校",
    ReviewStep.SECOND_PROOF: "二校",
    ReviewStep.THIRD_PROOF: "三校",
}

THREE_REVIEWS = (ReviewStep.FIRST_REVIEW, ReviewStep.SECOND_REVIEW, ReviewStep.FINAL_REVIEW)
THREE_PROOFS = (ReviewStep.FIRST_PROOF, ReviewStep.SECOND_PROOF, ReviewStep.THIRD_PROOF)

ROUTE_STEPS: dict[Route, tuple[ReviewStep, ...]] = {
    Route.FULL: (
        ReviewStep.FIRST_REVIEW,
        ReviewStep.SCIENCE_REVIEW,
        ReviewStep.SECOND_REVIEW,
        ReviewStep.FINAL_REVIEW,
        *THREE_PROOFS,
    ),
    Route.SHORT: (ReviewStep.FIRST_REVIEW, ReviewStep.FINAL_REVIEW, ReviewStep.FIRST_PROOF),
    Route.MINOR: (ReviewStep.SCIENCE_REVIEW, ReviewStep.FINAL_REVIEW, ReviewStep.FIRST_PROOF),
}
"""The steps of each route in their order; the science review only where the topic asks for it. The database has the
same in ``route_steps``, which only a migration changes."""


class ReviewState(StrEnum):
    """Where the review of a version stands; ``label`` is what people read."""

    OPEN = "open"
    PASSED = "passed"
    RETURNED = "returned"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _REVIEW_LABELS[self]


_REVIEW_LABELS = {
    ReviewState.OPEN: "审核中",
    ReviewState.PASSED: "审核通过",
    ReviewState.RETURNED: "已退回",
    ReviewState.CANCELLED: "已撤回",
}

REVIEW_TRANSITIONS: dict[ReviewState, frozenset[ReviewState]] = {
    ReviewState.OPEN: frozenset({ReviewState.PASSED, ReviewState.RETURNED, ReviewState.CANCELLED}),
    ReviewState.PASSED: frozenset(),
    ReviewState.RETURNED: frozenset(),
    ReviewState.CANCELLED: frozenset(),
}
"""From each state to those that may follow it: what was decided stays decided, another version is another review."""


class Verdict(StrEnum):
    """What the person of a step says."""

    PASSED = "passed"
    RETURNED = "returned"


class ReturnReason(StrEnum):
    """Why a version goes back to its author; ``label`` is what people read."""

    FACT = "fact"
    SCIENCE = "science"
    SOURCE = "source"
    LICENCE = "licence"
    WORDING = "wording"
    STANCE = "stance"
    PRIVACY = "privacy"
    DUPLICATE = "duplicate"
    AI_UNSTATED = "ai_unstated"
    QUALITY = "quality"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _RETURN_LABELS[self]


_RETURN_LABELS = {
    ReturnReason.FACT: "事实有误",
    ReturnReason.SCIENCE: "科学性存疑",
    ReturnReason.SOURCE: "来源不清",
    ReturnReason.LICENCE: "授权不清",
    ReturnReason.WORDING: "文字差错",
    ReturnReason.STANCE: "导向不妥",
    ReturnReason.PRIVACY: "涉及隐私",
    ReturnReason.DUPLICATE: "与已有内容重复",
    ReturnReason.AI_UNSTATED: "人工智能使用情况没有如实说明",
    ReturnReason.QUALITY: "质量不够",
    ReturnReason.OTHER: "其他",
}


class Severity(StrEnum):
    """What a word of the term list does to a text that has it; ``label`` is what people read."""

    NOTICE = "notice"
    QUARANTINE = "quarantine"
    FORBIDDEN = "forbidden"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return _SEVERITY_LABELS[self]


_SEVERITY_LABELS = {Severity.NOTICE: "提示", Severity.QUARANTINE: "隔离", Severity.FORBIDDEN: "禁用"}

HOLDING = frozenset({Severity.QUARANTINE, Severity.FORBIDDEN})
"""Those that hold a text back; of a forbidden word the text must be rid, the others a person may let pass."""


class WithdrawReason(StrEnum):
    """Why a content was taken back; ``label`` is what people read."""

    FACT = "fact"
    LICENCE = "licence"
    AUTHOR = "author"
    OUTDATED = "outdated"
    UNLAWFUL = "unlawful"
    PRIVACY = "privacy"
    DUPLICATE = "duplicate"
    OTHER = "other"

    @property
    def label(self) -> str:
        """The Chinese sentence."""
        return _WITHDRAW_LABELS[self]


_WITHDRAW_LABELS = {
    WithdrawReason.FACT: "内容有误",
    WithdrawReason.LICENCE: "版权或授权有问题",
    WithdrawReason.AUTHOR: "应作者要求",
    WithdrawReason.OUTDATED: "内容已经过时",
    WithdrawReason.UNLAWFUL: "不符合法律法规",
    WithdrawReason.PRIVACY: "涉及个人隐私",
    WithdrawReason.DUPLICATE: "与其他内容重复",
    WithdrawReason.OTHER: "其他原因",
}


class InboxKind(StrEnum):
    """What a message in a citizen's inbox is about; ``label`` is what people read."""

    CORRECTION = "correction"

    @property
    def label(self) -> str:
        """The Chinese name."""
        return {InboxKind.CORRECTION: "更正"}[self]


class NotificationState(StrEnum):
    """Where an attempt to reach somebody stands."""

    QUEUED = "queued"
    CANCELLED = "cancelled"


class QualityGap(StrEnum):
    """Why a published content is no quality item (优质内容); ``label`` is what people read."""

    NOT_REVIEWED = "not_reviewed"
    NO_LICENCE = "no_licence"
    NO_SOURCE = "no_source"
    DUPLICATE = "duplicate"
    TOO_SHORT = "too_short"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """The Chinese sentence."""
        return _QUALITY_LABELS[self]


_QUALITY_LABELS = {
    QualityGap.NOT_REVIEWED: "没有经过三审",
    QualityGap.NO_LICENCE: "授权没有写明",
    QualityGap.NO_SOURCE: "来源没有写明",
    QualityGap.DUPLICATE: "与其他内容重复",
    QualityGap.TOO_SHORT: "篇幅不够",
    QualityGap.WITHDRAWN: "发布后不久下架",
}
