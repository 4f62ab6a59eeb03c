"""What stands beside an article: who reviewed it, under which licence, what an AI did, and what was corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from content_store import schema
from content_store import schema_review as tables
from content_store.content_records import Content
from content_store.review import correcting, records
from content_store.review_words import AiUse, ReviewStep, Verdict


class Reviewer(NamedTuple):
    """Who let the words pass which step, and when (epoch ms)."""

    step: ReviewStep
    name: str
    at: int


class Note(NamedTuple):
    """A correction as readers see it: when (epoch ms), and what was wrong."""

    at: int
    note: str


@dataclass(frozen=True, slots=True)
class Credits:
    """Of the words that are out: ``reviewers`` by step, ``corrections`` the newest first.

    An imported content that was never corrected has no reviewers, and neither licence nor statement is known of it.
    """

    reviewers: tuple[Reviewer, ...] = ()
    licence: str | None = None
    ai_use: AiUse | None = None
    corrections: tuple[Note, ...] = ()


def of(connection: Connection, content: Content) -> Credits:
    """The credits of the words that ``content`` shows."""
    if not content.wording:
        return Credits()
    versions = tables.content_versions.c
    mine = sa.and_(versions.content_id == content.id, versions.version == content.wording)
    row = connection.execute(sa.select(versions.licence, versions.ai_use).where(mine)).one()
    notes = tuple(Note(one.published_at or 0, one.note) for one in correcting.of(connection, content.id))
    ai_use = AiUse(row.ai_use) if row.ai_use else None
    return Credits(_reviewers(connection, content.id, content.wording), row.licence, ai_use, notes)


def _reviewers(connection: Connection, content_id: str, version: int) -> tuple[Reviewer, ...]:
    """Whoever passed each step; for the steps that a minor change left out, whoever passed them before."""
    found: dict[ReviewStep, tuple[str, int]] = {}
    wanted: int | None = version
    while wanted is not None:
        review = records.passed(connection, content_id, wanted)
        if review is None:
            break
        for step in review.steps:
            if step.verdict is Verdict.PASSED and step.step not in found:
                found[step.step] = step.decided_by or "", step.decided_at or 0
        wanted = review.basis
    accounts = schema.accounts.c
    people = {account for account, _ in found.values()}
    query = sa.select(accounts.id, accounts.name).where(accounts.id.in_(sorted(people)))
    names = {row.id: row.name for row in connection.execute(query)} if people else {}
    return tuple(Reviewer(step, names[found[step][0]], found[step][1]) for step in ReviewStep if step in found)
