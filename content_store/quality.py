"""Which published content is a quality item (优质内容): the table of rules, and the count against the target.

A rule is never changed once it has been in force; the next one gets the next version. Each content that is none has
the first reason why not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import clock, schema
from content_store import schema_review as tables
from content_store.errors import UnknownRule
from content_store.review import admitting
from content_store.review_words import THREE_REVIEWS, QualityGap, ReviewState, ReviewStep, Verdict
from content_store.vocabulary import ContentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What makes a quality item.

    All of ``steps`` passed, licence and source given, no copy of another content, a body of at least ``shortest``
    Chinese characters, and not withdrawn within ``days`` of being published.
    """

    version: int
    steps: frozenset[ReviewStep]
    shortest: int
    days: int


RULES = {
    rule.version: rule
    for rule in (
        # 300 characters are read in 36 s at 500 a minute: below that an item tells one fact, and explains none.
        Rule(version=1, steps=frozenset(THREE_REVIEWS), shortest=300, days=30),
    )
}
"""Every rule that was ever in force, by its version."""

CURRENT = RULES[max(RULES)]
"""The rule that the target is counted by."""


class Item(NamedTuple):
    """What is judged of a content: the steps its words passed, and the rest as its name says. Instants are epoch ms."""

    id: str
    steps: frozenset[ReviewStep]
    licence: str | None
    source: str | None
    duplicate: bool
    length: int
    published_at: int
    withdrawn_at: int | None


class Count(NamedTuple):
    """How many contents of a window are quality items; ``young`` of them are not as old yet as the rule wants them to
    have lasted. ``gaps`` tells of the others how many have which first reason why not."""

    items: int
    young: int
    gaps: Mapping[QualityGap, int]


def rule(version: int) -> Rule:
    """The rule of this version. Raises UnknownRule."""
    if version not in RULES:
        raise UnknownRule(f"quality has no rule {version}", hint=f"there are: {', '.join(map(str, RULES))}")
    return RULES[version]


def shortfall(rule: Rule, item: Item) -> QualityGap | None:
    """The first reason why ``item`` is no quality item; None where it is one."""
    if not rule.steps <= item.steps:
        return QualityGap.NOT_REVIEWED
    if item.withdrawn_at is not None and item.withdrawn_at < item.published_at + rule.days * clock.DAY_MS:
        return QualityGap.WITHDRAWN
    if not item.licence:
        return QualityGap.NO_LICENCE
    if not item.source:
        return QualityGap.NO_SOURCE
    if item.length < rule.shortest:
        return QualityGap.TOO_SHORT
    return QualityGap.DUPLICATE if item.duplicate else None


def count(connection: Connection, since: int, before: int, rule: Rule = CURRENT) -> Count:
    """Judge what was published from ``since`` on and before ``before`` (epoch ms)."""
    now, gaps = clock.now_ms(), dict.fromkeys(QualityGap, 0)
    gaps[QualityGap.NOT_REVIEWED] = _imported(connection, since, before)
    items = young = 0
    for item in judged(connection, since, before):
        gap = shortfall(rule, item)
        if gap is not None:
            gaps[gap] += 1
            continue
        items += 1
        young += item.published_at + rule.days * clock.DAY_MS > now
    return Count(items, young, {gap: number for gap, number in gaps.items() if number})


def judged(connection: Connection, since: int, before: int) -> list[Item]:
    """What there is to judge of each content that was published in the window after a review, by id."""
    contents, versions = schema.contents.c, tables.content_versions.c
    words = sa.and_(versions.content_id == contents.id, versions.version == contents.wording)
    gone = sa.select(sa.func.max(tables.tombstones.c.withdrawn_at)).where(tables.tombstones.c.content_id == contents.id)
    withdrawn = sa.case((contents.status == ContentStatus.WITHDRAWN, gone.scalar_subquery()))
    columns = (contents.id, contents.wording, contents.published_at, versions.licence, versions.source, versions.length)
    source = schema.contents.join(tables.content_versions, words)
    query = sa.select(*columns, withdrawn.label("withdrawn_at")).select_from(source)
    query = query.where(contents.published_at >= since, contents.published_at < before, versions.live_from.is_not(None))
    rows = connection.execute(query.order_by(contents.id)).all()
    # A copy enters no review; what was corrected until it had the words of another content is one all the same.
    copies = admitting.copies(connection, [row.id for row in rows])
    steps = _passed(connection, since, before)
    return [_item(row, steps, row.id in copies) for row in rows]


def _item(row: Any, passed: Mapping[tuple[str, int], frozenset[ReviewStep]], duplicate: bool) -> Item:
    steps = passed.get((row.id, row.wording), frozenset())
    return Item(row.id, steps, row.licence, row.source, duplicate, row.length, row.published_at, row.withdrawn_at)


def _passed(connection: Connection, since: int, before: int) -> dict[tuple[str, int], frozenset[ReviewStep]]:
    """The steps that versions passed, with those of the versions that they are minor changes of."""
    reviews, steps, contents = tables.reviews.c, tables.review_steps.c, schema.contents.c
    source = tables.reviews.join(tables.review_steps, steps.review_id == reviews.id)
    source = source.join(schema.contents, contents.id == reviews.content_id)
    query = sa.select(reviews.content_id, reviews.version, reviews.basis, steps.step).select_from(source)
    query = query.where(reviews.state == ReviewState.PASSED, steps.verdict == Verdict.PASSED)
    query = query.where(contents.published_at >= since, contents.published_at < before)
    own: dict[tuple[str, int], set[ReviewStep]] = {}
    basis: dict[tuple[str, int], int] = {}
    for row in connection.execute(query):
        own.setdefault((row.content_id, row.version), set()).add(ReviewStep(row.step))
        if row.basis is not None:
            basis[row.content_id, row.version] = row.basis
    found = {}
    for content_id, version in own:
        taken, wanted = set(own[content_id, version]), basis.get((content_id, version))
        while wanted is not None:
            taken |= own.get((content_id, wanted), set())
            wanted = basis.get((content_id, wanted))
        found[content_id, version] = frozenset(taken)
    return found


def _imported(connection: Connection, since: int, before: int) -> int:
    """How many contents of the window were published without a review here."""
    contents = schema.contents.c
    which = sa.and_(contents.published_at >= since, contents.published_at < before, contents.wording.is_(None))
    out = contents.status.in_((ContentStatus.PUBLISHED, ContentStatus.EXPIRED))
    return connection.execute(sa.select(sa.func.count()).select_from(schema.contents).where(which, out)).scalar_one()
