"""``kepu review``: the queue of reviews, and the acts of those who take its steps, for whoever runs the machine.

Who acts is named by ``--as``. That they wrote none of the words and take no second step the database sees to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from content_store import clock
from content_store.db import Connection, open_database
from content_store.review import (
    comments,
    correcting,
    deciding,
    publishing,
    queue,
    records,
    trail,
    versions,
    withdrawing,
)
from content_store.review.records import Review, Step
from content_store.review_words import ReturnReason, ReviewStep, WithdrawReason
from content_store.settings import Settings
from content_store.vocabulary import Topic

_AS = click.option("--as", "login", required=True, help="The login of the person who does it.")
_STEP = click.argument("step", type=click.Choice([step.value for step in ReviewStep]))
_VERSION = click.option("--version", type=int, required=True, help="The version that the person has read.")


@contextmanager
def _writing(settings: Settings) -> Iterator[Connection]:
    database = open_database(settings)
    try:
        with database.begin() as connection:
            yield connection
    finally:
        database.close()


@click.group()
def review() -> None:
    """Show the queue of reviews (三审三校), and take its steps.

    A content is published once its version has passed every step of its route, each by another person and none by who
    wrote any of it.
    """


@review.command("queue")
@click.option("--step", type=click.Choice([step.value for step in ReviewStep]), help="Only this step.")
@click.option("--topic", type=click.Choice([topic.value for topic in Topic]), help="Only this topic.")
@click.option("--org", "organisation", help="Only this organisation and all below it.")
@click.option("--as", "login", help="Only what this person may do.")
@click.pass_obj
def queue_(
    settings: Settings, step: str | None, topic: str | None, organisation: str | None, login: str | None
) -> None:
    """List what waits, urgent things first and then what is due soonest."""
    with _writing(settings) as connection:
        found = queue.waiting(
            connection,
            step=ReviewStep(step) if step else None,
            topic=Topic(topic) if topic else None,
            organisation_id=organisation,
            account_id=trail.actor(connection, login).account_id if login else None,
        )
    if not found:
        click.echo("nothing waits")
    for waits in found:
        marks = [
            word
            for word, there in (("urgent", waits.urgent), ("overdue", waits.overdue), ("held", waits.held))
            if there
        ]
        marks += [f"{waits.claimed_name} until {clock.shown(waits.claimed_until)}"] if waits.claimed_until else []
        told = [
            waits.review_id,
            waits.step.value,
            waits.step.label,
            f"{waits.content_id} v{waits.version}",
            waits.title,
        ]
        click.echo("  ".join([*told, f"due {clock.shown(waits.due_at)}", *marks]))


@review.command()
@click.argument("review_id")
@click.pass_obj
def show(settings: Settings, review_id: str) -> None:
    """Show a review: its steps, what was said, and the words."""
    with _writing(settings) as connection:
        found = records.get(connection, review_id)
        words = versions.get(connection, found.content_id, found.version)
        said, correction = comments.of(connection, review_id), correcting.of_version(connection, *_which(found))
    click.echo(f"{found.content_id} v{found.version}  {found.route.value} {found.route.label}  {found.state.value}")
    for step in found.steps:
        click.echo(f"  {step.step.value} {step.step.label}  {_standing(step)}")
    for comment in said:
        click.echo(f"  {comment.name}: {comment.text}")
    if correction is not None:
        click.echo(f"更正说明：{correction.note}")
    click.echo(f"{words.title}\n{words.summary or ''}\n{words.body or ''}")


@review.command()
@click.argument("review_id")
@_STEP
@_AS
@click.pass_obj
def claim(settings: Settings, review_id: str, step: str, login: str) -> None:
    """Take a step, for as long as KEPU_REVIEW_CLAIM_H says."""
    with _writing(settings) as connection:
        who = trail.actor(connection, login)
        taken = queue.claim(connection, review_id, ReviewStep(step), who, hours=settings.review_claim_h)
    click.echo(f"{who.name} has {step} until {clock.shown(taken.claimed_until or 0)}")


@review.command("pass")
@click.argument("review_id")
@_STEP
@_VERSION
@_AS
@click.option("--note", default="", help="A word to it.")
@click.pass_obj
def pass_(settings: Settings, review_id: str, step: str, version: int, login: str, note: str) -> None:
    """Let the version pass a claimed step."""
    with _writing(settings) as connection:
        who = trail.actor(connection, login)
        found = deciding.approve(connection, review_id, ReviewStep(step), who, version=version, note=note)
    click.echo(_next(found))


@review.command("return")
@click.argument("review_id")
@_STEP
@_VERSION
@_AS
@click.option("--reason", type=click.Choice([reason.value for reason in ReturnReason]), required=True, help="Why.")
@click.option("--note", default="", help="In words.")
@click.pass_obj
def return_(settings: Settings, review_id: str, step: str, version: int, login: str, reason: str, note: str) -> None:
    """Send the version back to its author."""
    with _writing(settings) as connection:
        who, why = trail.actor(connection, login), ReturnReason(reason)
        found = deciding.send_back(connection, review_id, ReviewStep(step), who, version=version, reason=why, note=note)
    click.echo(_next(found))


@review.command()
@click.argument("content_id")
@_VERSION
@_AS
@click.option("--at", type=click.DateTime(), help="When, in Shanghai; without it now.")
@click.pass_obj
def publish(settings: Settings, content_id: str, version: int, login: str, at: datetime | None) -> None:
    """Publish a version that passed its review, now or at its time."""
    instant = None if at is None else round(at.replace(tzinfo=clock.SHANGHAI).timestamp() * 1000)
    with _writing(settings) as connection:
        who = trail.actor(connection, login)
        found = publishing.publish(connection, content_id, who, version=version, at=instant)
    click.echo(f"{content_id} v{version} is {found.status.value} at {clock.shown(found.published_at or 0)}")


@review.command()
@click.argument("content_id")
@_AS
@click.option("--reason", type=click.Choice([reason.value for reason in WithdrawReason]), required=True, help="Why.")
@click.option("--note", default="", help="In words that everybody may read.")
@click.pass_obj
def withdraw(settings: Settings, content_id: str, login: str, reason: str, note: str) -> None:
    """Take a content back at once; a tombstone says why."""
    with _writing(settings) as connection:
        who = trail.actor(connection, login)
        found = withdrawing.withdraw(connection, content_id, who, WithdrawReason(reason), note)
    click.echo(f"{content_id} is withdrawn: {found.text}")


def _which(found: Review) -> tuple[str, int]:
    return found.content_id, found.version


def _standing(step: Step) -> str:
    if step.verdict is not None and step.decided_at is not None:
        reason = f"{step.reason.label} " if step.reason else ""
        return f"{step.verdict.value} {reason}{step.note or ''} {clock.shown(step.decided_at)}"
    return f"claimed until {clock.shown(step.claimed_until)}" if step.claimed_until else "waits"


def _next(found: Review) -> str:
    current = found.current
    told = f"next is {current.step.value} {current.step.label}" if current else found.state.label
    return f"review {found.id} of {found.content_id} v{found.version}: {told}"
