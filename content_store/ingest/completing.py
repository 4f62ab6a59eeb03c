"""Items of a feed made whole: where a feed gives only a taste, the page that it leads to is read.

A page that its site keeps to itself, or that is not there any more, leaves the item as the feed tells it; one that
cannot be had just now leaves the item for the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from content_store.errors import FetchFailed
from content_store.ingest.article import main_text
from content_store.ingest.encodings import decode
from content_store.ingest.fetching import PAGES, Fetched, Fetcher, Gate
from content_store.ingest.parsed import ParsedItem
from content_store.ingest.robots import Robots
from content_store.ingest.sanitising import plain_text
from content_store.ingest.teasers import is_teaser
from content_store.problems import FetchProblem

MOST_PAGES = 30
"""Pages that are read for one fetch of a feed; the others wait for the next."""

_FOR_GOOD = frozenset(
    {
        FetchProblem.NOT_FOUND,
        FetchProblem.GONE,
        FetchProblem.FORBIDDEN,
        FetchProblem.ROBOTS,
        FetchProblem.BAD_URL,
        FetchProblem.TOO_LARGE,
    }
)
"""What will be so tomorrow: waiting would keep the item out for ever."""


@dataclass(slots=True)
class Completed:
    """The items that can be stored now, how many wait for the next time, how many are ``known``; ``pages`` are those
    whose words were taken, by the ``key`` of their item."""

    items: list[ParsedItem] = field(default_factory=list)
    waiting: int = 0
    known: int = 0
    pages: dict[tuple[str, str], Fetched] = field(default_factory=dict)


class Pages:
    """Reads the pages of one feed; ``alive`` is called before each, and raises where the work is somebody else's."""

    def __init__(self, fetcher: Fetcher, robots: Robots, gate: Gate, alive: Callable[[], object]) -> None:
        self._fetcher = fetcher
        self._robots = robots
        self._gate = gate
        self._alive = alive

    def complete(self, items: Sequence[ParsedItem], known: Callable[[ParsedItem], bool]) -> Completed:
        """``items`` with the words of their pages where the feed has only a taste of them.

        ``known`` says of which the page was read before and need not be again: those are left out.
        """
        done, left = Completed(), MOST_PAGES
        for item in items:
            if not (item.link and is_teaser(item)):
                done.items.append(item)
            elif known(item):
                done.known += 1
            elif left:
                left -= 1
                self._add(item, done)
            else:
                done.waiting += 1
        return done

    def _add(self, item: ParsedItem, done: Completed) -> None:
        self._alive()
        try:
            self._robots.require(item.link, self._gate)
            page = self._fetcher.get(item.link, accept=PAGES, gate=self._gate)
        except FetchFailed as error:
            if error.problem in _FOR_GOOD:
                done.items.append(item)
            else:
                done.waiting += 1
            return
        found = main_text(decode(page.body, page.charset).text, page.url)
        if len(plain_text(found.html)) <= len(plain_text(item.html)):
            done.items.append(item)
            return
        done.pages[item.key] = page
        done.items.append(
            replace(
                item,
                html=found.html,
                url=found.canonical_url or item.url,
                title=item.title or found.title,
                authors=item.authors or ((found.author,) if found.author else ()),
                picture=item.picture or found.lead_picture,
                published=found.published if item.published is None else item.published,
                full=True,
            )
        )
