"""From a feed to the queue: the story of what comes in by itself.

``Handler.run`` tells it: what is due is claimed, fetched, read, made whole; each item is new, a copy, changed or
unchanged; and what it is and what came of the fetch are stored in one transaction. Killed anywhere before that, the
feed is due as it was, and nothing of it is stored.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from sqlalchemy.engine import Connection

from content_store import accounts, checks
from content_store.alliance import standing
from content_store.db import Database
from content_store.errors import BadRecord, FeedUnreadable, FetchFailed, LeaseLost
from content_store.ingest import feeds, keeping, leads, originals, sources
from content_store.ingest.completing import Completed, Pages
from content_store.ingest.feeds import Brought, Claim
from content_store.ingest.fetching import Fetched, Fetcher
from content_store.ingest.hosts import Gates
from content_store.ingest.leads import Leads
from content_store.ingest.originals import Found, Verdict, Work
from content_store.ingest.pacing import Bounds
from content_store.ingest.parsed import ParsedFeed, ParsedItem
from content_store.ingest.parsing import parse
from content_store.ingest.robots import Robots
from content_store.ingest.sanitising import html_of_text, plain_text
from content_store.ingest.sources import Source
from content_store.leases import Mark, Watch
from content_store.problems import FetchProblem
from content_store.review import correcting, trail, versions
from content_store.review.versions import Draft, Words
from content_store.review_words import ContentOrigin
from content_store.settings import Settings
from content_store.uploads.shapes import Picture
from content_store.vocabulary import LIVE_STATUSES, SourceKind

_ACTOR = trail.programme("ingest")
_LONGEST_TITLE = 200
_LONGEST_SUMMARY = 300
_MOST_TAGS = 10
_NOTHING = "（无题）"
_CHANGED = "文章来源作了修改。"


@dataclass(slots=True)
class Report:
    """What came of a feed: how many of its items were what; ``problem`` is in Chinese, for whom the feed is."""

    feed_id: str
    url: str
    title: str = ""
    counts: Counter[Verdict] = field(default_factory=Counter)
    waiting: int = 0
    withdrawn: int = 0
    not_modified: bool = False
    problem: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Came:
    """What items were made of: the answer with the feed, those with their pages by their ``key``, and lead pictures by
    their addresses; ``told`` are the items that say something, as works."""

    feed: Fetched
    told: Sequence[tuple[ParsedItem, Work]]
    pages: Mapping[tuple[str, str], Fetched] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)


class Handler:
    """One for a thread: it remembers what other workers' signs of life were."""

    def __init__(
        self, database: Database, settings: Settings, worker: str, fetcher: Fetcher, robots: Robots, watch: Watch[str]
    ) -> None:
        self._database = database
        self._bounds = Bounds.of(settings)
        self._worker = worker
        self._fetcher = fetcher
        self._robots = robots
        self._watch = watch
        self._first_seen: dict[str, Mark] = {}
        # Twice as long as the longest time without a sign of life: one fetch.
        self._lease_ms = round(settings.fetch_timeout_s * 2000)

    def next(self) -> Claim | None:
        """The feed that has been due for longest, of those whose hosts nobody has; None where there is none."""
        with self._database.begin() as connection:
            found = feeds.claim_due(connection, self._worker, limit=1, lease_ms=self._lease_ms, watch=self._watch)
        return found[0] if found else None

    def held_up(self) -> bool:
        """Whether feeds are due at hosts whose holders gave no sign of life since this handler first saw them.

        They may have been killed; ``next`` takes their place once they were silent for the length of their lease.
        """
        with self._database.connect() as connection:
            held = feeds.held_up(connection)
        return any(self._first_seen.setdefault(host, mark) == mark for host, mark in held.items())

    def run(self, claim: Claim) -> Report:
        """Fetch a feed and store what it brings. Raises nothing that the feed or its server can cause."""
        report = Report(claim.feed.id, claim.feed.url, claim.feed.title or "")
        try:
            self._run(claim, report)
        except LeaseLost:
            report.lost = True
        except BaseException:
            with self._database.begin() as connection:
                feeds.release(connection, claim)
            raise
        return report

    def _run(self, claim: Claim, report: Report) -> None:
        gate = Gates(
            self._database,
            self._worker,
            lease_ms=self._lease_ms,
            watch=self._watch,
            held=lambda: (claim.hold.host,),
        )
        try:
            fetched, parsed = self._fetch(claim, gate)
        except FetchFailed as error:
            report.problem = error.problem.label
            with self._database.begin() as connection:
                feeds.record(connection, claim, error, bounds=self._bounds)
            return
        if parsed is None:
            report.not_modified = True
            with self._database.begin() as connection:
                feeds.record(connection, claim, Brought(fetched=fetched), bounds=self._bounds)
            return
        pages = Pages(self._fetcher, self._robots, gate, lambda: self._alive(claim))
        with self._database.connect() as connection:
            known = _known(connection, claim, parsed.items)
        done = pages.complete(parsed.items, lambda item: item.guid in known)
        report.waiting = done.waiting
        told = _works(claim, done.items)
        pictures = self._pictures(claim, told, gate)
        self._alive(claim)
        self._keep(claim, parsed, done, Came(fetched, told, done.pages, pictures), report)

    def _pictures(self, claim: Claim, told: Sequence[tuple[ParsedItem, Work]], gate: Gates) -> dict[str, Picture]:
        """The lead pictures of what is new or changed: what is as it was shows its own already."""
        if not any(item.picture for item, _ in told):
            return {}
        with self._database.connect() as connection:
            same = sources.unchanged(connection, [work for _, work in told])
        other = [item for (item, _), unchanged in zip(told, same, strict=True) if not unchanged]
        return Leads(self._fetcher, self._robots, gate, lambda: self._alive(claim)).fetch(other)

    def _keep(self, claim: Claim, parsed: ParsedFeed, done: Completed, came: Came, report: Report) -> None:
        """Store what came, and that it did, in one transaction."""
        # Where something waits the server must not say next time that there is nothing new.
        fetched = replace(came.feed, etag=None, last_modified=None) if done.waiting else came.feed
        with self._database.begin() as connection:
            if state := standing.why(connection, claim.feed.account_id):
                # Decided while we fetched. The feed stays as it was, for when works are taken again.
                report.problem = f"创作联盟成员状态：{state.label}"
                feeds.release(connection, claim)
                return
            found = store(connection, claim, parsed, done.items, came)
            report.counts.update(one.verdict for one in found)
            report.counts.update([Verdict.UNCHANGED] * done.known)
            report.withdrawn = sum(one.withdrawn for one in found)
            new = sum(one.verdict in (Verdict.NEW, Verdict.COPY) for one in found)
            brought = Brought(fetched=fetched, new_items=new, title=parsed.title or None)
            feeds.record(connection, claim, brought, bounds=self._bounds)
        report.title = parsed.title or report.title

    def _fetch(self, claim: Claim, gate: Gates) -> tuple[Fetched, ParsedFeed | None]:
        """The answer, and the feed in it; None where there is nothing new. Raises FetchFailed."""
        feed = claim.feed
        fetched = self._fetcher.get(feed.url, etag=feed.etag, last_modified=feed.last_modified, gate=gate)
        if fetched.not_modified:
            return fetched, None
        kind = f"{fetched.content_type}; charset={fetched.charset}" if fetched.charset else fetched.content_type
        try:
            return fetched, parse(fetched.body, url=fetched.url, content_type=kind)
        except FeedUnreadable as error:
            raise FetchFailed(FetchProblem.BAD_FEED, error.message) from error

    def _alive(self, claim: Claim) -> None:
        with self._database.begin() as connection:
            if not feeds.renew(connection, claim):
                raise LeaseLost(f"{claim.feed.host} was taken over")


def store(
    connection: Connection, claim: Claim, parsed: ParsedFeed, items: Sequence[ParsedItem], came: Came | None = None
) -> list[Found]:
    """What each item is; new ones become drafts, changed ones have another version; ``came`` is kept for audit.

    Raises BadRecord.
    """
    told = came.told if came else _works(claim, items)
    works = [work for _, work in told]
    pictures = came.pictures if came else {}
    name = accounts.get(connection, claim.feed.account_id).name
    words = [_words(claim, parsed, item, work, pictures, name) for item, work in told]

    def create(wanted: Mapping[int, str]) -> None:
        feed = claim.feed
        drafts = [Draft(id, words[at], feed.account_id, feed.organisation_id) for at, id in wanted.items()]
        versions.create_all(connection, _ACTOR, ContentOrigin.FEED, drafts)

    found = originals.find_or_add(connection, works, create)
    for (item, _), one, new in zip(told, found, words, strict=True):
        if one.verdict is Verdict.CHANGED and not one.withdrawn:
            _change(connection, claim, one, new, item, pictures)
        elif one.verdict is Verdict.NEW:
            leads.keep(connection, one.content_id, new["body"], pictures)
    if came is not None:
        pairs = zip(told, found, strict=True)
        brought = [(item, one.content_id) for (item, _), one in pairs if one.verdict is not Verdict.UNCHANGED]
        keeping.keep(connection, claim.feed.id, came.feed, came.pages, brought)
    return found


def _works(claim: Claim, items: Sequence[ParsedItem]) -> list[tuple[ParsedItem, Work]]:
    """The items that say something, and what they are as works."""
    told = [(item, plain_text(item.html) or item.summary) for item in items]
    return [(item, Work(_title(item, text), text, _source(claim, item))) for item, text in told if text or item.title]


def _change(
    connection: Connection,
    claim: Claim,
    found: Found,
    words: Words,
    item: ParsedItem,
    pictures: Mapping[str, Picture],
) -> None:
    """Another version of a content that its source has changed. What is out stays as it was reviewed until somebody
    takes the new words through review, too."""
    content = versions.hold(connection, found.content_id)
    latest = versions.adopt(connection, content)
    had = item.picture in pictures
    words["body"] = leads.as_before(words["body"], latest.body, had=had, wanted=bool(item.picture))
    leads.keep(connection, content.id, words["body"], pictures)
    if found.status in LIVE_STATUSES:
        whose = claim.feed.account_id
        correcting.correct(connection, content.id, _ACTOR, based_on=latest.version, note=_CHANGED, by=whose, **words)
    else:
        versions.change(connection, content, latest, _ACTOR, latest.version, words)


def _known(connection: Connection, claim: Claim, items: Sequence[ParsedItem]) -> set[str]:
    """The guids of the items that were stored before and have not been changed since the feed was fetched."""
    last = claim.feed.last_fetched_at
    there = sources.known_names(connection, SourceKind.FEED, claim.feed.id, [item.guid for item in items])
    same = [item for item in items if item.updated is None or last is None or item.updated <= last]
    return {item.guid for item in same if item.guid in there}


def _source(claim: Claim, item: ParsedItem) -> Source:
    feed = claim.feed
    return Source(
        kind=SourceKind.FEED,
        id=feed.id,
        account_id=feed.account_id,
        guid=item.guid or None,
        url=item.url or None,
        published_at=item.published,
    )


def _words(
    claim: Claim, parsed: ParsedFeed, item: ParsedItem, work: Work, pictures: Mapping[str, Picture], name: str
) -> Words:
    """What an item says; ``name`` is its author's where it names none."""
    body = leads.body_of(item.html or html_of_text(work.text), item.picture, pictures)
    summary = item.summary if item.summary and item.summary != work.text else work.text
    return Words(
        title=work.title,
        summary=_cut(summary, _LONGEST_SUMMARY) or None,
        body=body or None,
        tags=_tags(item.categories),
        source=_cut(parsed.title or urlsplit(claim.feed.url).hostname or "", _LONGEST_TITLE) or None,
        author=_cut("、".join(item.authors), _LONGEST_TITLE) or name,
        url=item.url or None,
        licence=claim.feed.licence,
    )


def _title(item: ParsedItem, text: str) -> str:
    return _cut(item.title, _LONGEST_TITLE) or _cut(text.split("\n", 1)[0], 40) or _NOTHING


def _tags(categories: Sequence[str]) -> list[str]:
    tags = []
    for tag in categories[:_MOST_TAGS]:
        try:
            tags.append(checks.identifier(tag.strip(), "a tag"))
        except BadRecord:
            continue
    return tags


def _cut(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
