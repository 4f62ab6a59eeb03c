"""Why an act was refused, in Chinese, and what to do now: told from how things stand a moment later."""

from __future__ import annotations

from content_store import clock
from content_store.errors import (
    AlreadyClaimed,
    AltMissing,
    BadRecord,
    DuplicateWork,
    KepuError,
    MayNotReview,
    NotAllowed,
    NotClaimed,
    Quarantined,
    ReviewClosed,
    Unreviewed,
)
from content_store.review.desk import Case
from content_store.review_words import ReviewState, ReviewStep, Verdict
from web import untold

REFUSALS = (
    *(AlreadyClaimed, AltMissing, BadRecord, DuplicateWork, MayNotReview, NotAllowed),
    *(NotClaimed, Quarantined, ReviewClosed, Unreviewed),
)
"""What is told on the page itself, above what was typed."""

KEPT = "你写的内容没有丢，还在下面。"


def of_review(error: KepuError, found: Case, step: ReviewStep | None, me: str) -> str:
    """Why an act on the review failed."""
    match error:
        case AlreadyClaimed():
            return _taken(found)
        case NotClaimed():
            return "你没有领取这一步，或者领取已经过期、退回了队列。请先重新领取，再提交；" + KEPT
        case MayNotReview():
            return unfit(found, me) or "这一步不能由你来做：每一步必须由不同的人完成，也不能审自己写的稿件。"
        case Quarantined():
            return "这一版命中词表，正在隔离。要先由有终审权限的人说明理由解除隔离，审核才能继续。"
        case NotAllowed():
            return "你没有这一步的审核权限。需要的话，请联系本单位的管理员。"
        case ReviewClosed():
            return closed(found, step)
    return "没有办成：填写的内容不合要求，请检查后再试。"


def unfit(found: Case, me: str) -> str | None:
    """Why somebody may take no step of the review at all."""
    for step in found.review.steps:
        if step.decided_by == me:
            return f"你已经做过这篇稿件的{step.step.label}。三审三校每一步必须由不同的人完成，请交给其他同事。"
    if me in (found.version.created_by, found.version.author_id):
        return "这是你写的或改过的稿件，不能由你自己审，请交给其他同事。"
    return None


def closed(found: Case, step: ReviewStep | None) -> str:
    """What became of the review meanwhile."""
    match found.review.state:
        case ReviewState.CANCELLED:
            return "这次审核已经撤回：稿件有了新的一版，或者作者收回了稿件。请看最新的一版。"
        case ReviewState.RETURNED:
            return "这一稿刚刚被退回作者，不用再审了。"
        case ReviewState.PASSED:
            return "这一稿已经全部通过，不用再审了。"
    decided = next((one for one in found.review.steps if one.step is step and one.verdict is Verdict.PASSED), None)
    current = found.review.current
    if decided is not None and current is not None:
        who = found.names.get(decided.decided_by or "", "同事")
        return f"{decided.step.label}刚刚由{who}完成，现在到了{current.step.label}。{KEPT}"
    return "这个页面打开以后稿件有了变化，请看清最新的内容再做决定。" + KEPT


def of_content(error: KepuError) -> str:
    """Why an act on a content failed."""
    match error:
        case AltMissing():
            return f"没有办成：{untold.sentence(error.numbers)}图片和填写的地方在“修改文字”里。"
        case MayNotReview():
            return "这是你写的或改过的稿件，要由其他人来解除隔离。"
        case Quarantined():
            return "这一版命中词表，正在隔离，不能发布。命中禁用词的，要先改掉再重新送审。"
        case Unreviewed():
            return "这一版还没有走完审核，不能发布。"
        case NotAllowed():
            return "你没有这项权限。需要的话，请联系本单位的管理员。"
        case DuplicateWork():
            which = f"《{error.title}》（{error.status.label}）"
            return f"没有送审：这份稿件和{which}是同一篇。确认不是重复的，请写明理由再送审。"
        case ReviewClosed():
            return "稿件已经在审核中，或者有了更新的一版。请看最新的内容再操作。"
    return "稿件的状态刚刚有了变化，这个操作现在不能做。请看下面最新的情况。"


def _taken(found: Case) -> str:
    current = found.review.current
    if current is None or current.claimed_by is None:
        return "你的领取已经过期，这一步退回了队列。请重新领取；" + KEPT
    who, until = found.names.get(current.claimed_by, "同事"), clock.shown(current.claimed_until or 0)
    return f"{current.step.label}已由{who}领取，时限到 {until}。可以先审别的稿件，或者请{who}归还。"
