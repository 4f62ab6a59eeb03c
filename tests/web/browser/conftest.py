"""A real Chromium in front of a real ``kepu serve`` over a small town, in which time passes when a test says so."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from content_store.db import Database, open_database
from content_store.settings import Settings, load_settings
from tests.support import portal_town
from tests.support.chromium import chromium_program, running
from tests.support.ci import missing
from tests.support.clockwork import until
from tests.support.serving import ROOT, Server, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder runs in Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.backend("chromium"))


@dataclass
class Portal:
    """The server, its records, and a clock that the browser shares."""

    server: Server
    address: str
    settings: Settings
    database: Database
    clock_file: Path
    snapshot: str

    def pass_time(self, seconds: float) -> None:
        """Let the server's time pass."""
        ahead = int(self.clock_file.read_text("utf-8")) + int(seconds * 1000)
        new = self.clock_file.with_suffix(".new")
        new.write_text(str(ahead), "utf-8")
        new.replace(self.clock_file)

    def rows(self, query: str, *values: object) -> list[Any]:
        """What the records answer."""
        with self.database.connect() as connection:
            return list(connection.exec_driver_sql(query, values))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium."""
    if importlib.util.find_spec("playwright") is None:
        missing("playwright is not installed (`./kepu test` installs it)")
    program = chromium_program()
    if program is None:
        missing("no Chromium is installed (`./kepu test` says how to get it)")
    with running(program) as browser:
        yield browser


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """One server for all tests of a module."""
    folder = tmp_path_factory.mktemp("portal")
    given = {"KEPU_DATA_DIR": str(folder / "data"), "KEPU_RATE_PER_NETWORK": "0", "KEPU_RATE_PER_CITIZEN": "0"}
    settings = load_settings(given)
    version = portal_town.make(settings)
    clock_file = folder / "ahead"
    clock_file.write_text("0", "utf-8")
    path = os.pathsep.join([str(ROOT / "tests" / "support" / "moved_clock"), str(ROOT)])
    with serving(given | {"PYTHONPATH": path, "MOVED_CLOCK": str(clock_file)}) as server:
        database = open_database(settings)
        address = f"http://127.0.0.1:{server.port}"
        yield Portal(server, address, settings, database, clock_file, version)
        database.close()


@dataclass
class Visitor:
    """A person at a browser of their own; ``told``: ids of events, each time they were told by a page that stayed;
    ``beacons``: how often one told something that was being left; ``complaints``: what went wrong in it."""

    portal: Portal
    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    beacons: int = 0
    scripted: bool = True

    def listen(self, page: Page) -> Page:
        """Note what ``page`` complains of and tells."""
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self._note)
        if self.scripted:
            page.clock.install()
        return page

    def _note(self, request: Request) -> None:
        if request.url.endswith("/api/v1/events"):
            if request.resource_type == "ping":  # what a beacon holds is not to be seen from here
                self.beacons += 1
            else:
                self.told += [event["id"] for event in json.loads(request.post_data or "")["events"]]

    def go(self, path: str = "/") -> None:
        """Open a page of the portal."""
        self.page.goto(self.portal.address + path)

    def open(self, id: str) -> None:
        """Follow the link to an article on the page that is open; the page has told that it was opened."""
        with self.page.expect_response("**/api/v1/events"):
            self.page.locator(f'#items a[href="/contents/{id}"]').click()

    def open_directly(self, id: str) -> None:
        """Open an article by its address; the page has told that it was opened."""
        with self.page.expect_response("**/api/v1/events"):
            self.go(f"/contents/{id}")

    def deaf(self) -> None:
        """From now on the server takes no events, as far as this browser can see, but those of beacons."""
        self.context.route("**/api/v1/events", lambda route: route.fulfill(status=503, body=""))

    def stay(self, seconds: float) -> None:
        """Let time pass for the server and for the page."""
        self.portal.pass_time(seconds)
        self.page.clock.run_for(int(seconds * 1000))

    def wait_for(self, condition: str) -> None:
        """Wait until ``condition`` (JavaScript) holds in the page, whose policy lets nobody else evaluate text."""
        until(lambda: self.page.evaluate(condition), condition, 15)

    def told_all(self) -> None:
        """Wait until the browser keeps nothing that is still to be told."""
        self.wait_for("localStorage.getItem('kepu.readings') === null")

    def look_away(self) -> None:
        """Turn to another tab and back."""
        for state in ("hidden", "visible"):
            self.page.evaluate(
                "state => { Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });"
                " document.dispatchEvent(new Event('visibilitychange', { bubbles: true })); }",
                state,
            )

    def scroll_to_end(self) -> None:
        """Scroll the article through."""
        self.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        self.wait_for("window.scrollY > 0 || document.body.scrollHeight <= window.innerHeight")

    def read(self, id: str, *, on: str = "/") -> None:
        """Open an article on a page, read it whole and come to the feed."""
        self.go(on)
        self.open(id)
        self.stay(portal_town.ENOUGH_S / 2)
        self.scroll_to_end()
        self.stay(portal_town.ENOUGH_S / 2)
        self.go()
        self.told_all()

    def scroll_through(self) -> None:
        """Scroll the feed until it has no more."""
        while (before := len(self.shown())) and self.page.locator("#more a").count():
            self.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
            self.wait_for(f"document.querySelectorAll('#items > li').length > {before}")

    def dismiss(self, id: str) -> None:
        """Say of an article on the page that it is of no interest."""
        card = self.page.locator("#items > li").filter(has=self.page.locator(f'a[href="/contents/{id}"]'))
        with self.page.expect_response("**/not-interested"):
            card.get_by_role("button", name="不感兴趣").click()

    def press(self, path: str, button: str) -> None:
        """Press a button of a page and wait for what comes of it."""
        self.go(path)
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button).click()

    def shown(self) -> list[str]:
        """Ids of the articles on the page, in their order."""
        links = self.page.locator("#items h2 a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
        return [link.removeprefix("/contents/") for link in links]

    def reasons(self) -> list[str]:
        """The reasons on the page, in their order."""
        return self.page.locator("#items .reason").all_inner_texts()

    @property
    def citizen(self) -> str:
        """Their id."""
        found: str = self.page.evaluate("fetch('/api/v1/me').then(answer => answer.json()).then(me => me.id)")
        return found

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        found: int = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        return found


@pytest.fixture
def visit(portal: Portal, chromium: Browser) -> Iterator[Callable[..., Visitor]]:
    """``visit(viewport=…, java_script_enabled=…)``: someone who was never here before."""
    visitors: list[Visitor] = []

    def enter(**given: Any) -> Visitor:
        context = chromium.new_context(**{"viewport": PHONE, "locale": "zh-CN"} | given)
        context.set_default_timeout(15_000)
        visitor = Visitor(portal, context, context.new_page(), scripted=given.get("java_script_enabled", True))
        visitor.listen(visitor.page)
        visitors.append(visitor)
        return visitor

    yield enter
    for visitor in visitors:
        visitor.context.close()
