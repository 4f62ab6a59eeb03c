"""robots.txt as RFC 9309 has it: whose rules they are, which one wins, and what a site that says nothing means."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from content_store import clock
from content_store.errors import FetchFailed
from content_store.ingest.limits import Limits
from content_store.ingest.robots import ASKED_AGAIN_MS, KEPT_MS, Robots
from content_store.problems import FetchProblem
from tests.support.hostile import Hostile, page, reach, redirect

NOON = 1_735_704_000_000


def allows(rules: str | bytes, path: str) -> bool:
    body = rules.encode() if isinstance(rules, str) else rules
    with Hostile(page(body, "Content-Type: text/plain")) as server:
        return permits(Robots(reach(server)), server, path)


def permits(robots: Robots, server: Hostile, path: str = "/page") -> bool:
    try:
        robots.require(server.url(path))
    except FetchFailed as error:
        assert error.problem is FetchProblem.ROBOTS
        return False
    return True


EXAMPLE = """
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html

User-Agent: barbot
User-Agent: Tianfu-Kepu
Disallow: /example/page.html

User-Agent: quxbot
"""


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("", "/", True),
        ("User-agent: *\nDisallow:", "/", True),
        ("User-agent: *\nDisallow: /", "/", False),
        (EXAMPLE, "/example/page.html", False),
        (EXAMPLE, "/example/other.html", True),
        (EXAMPLE, "/x.gif", True),
        (EXAMPLE.replace("Tianfu", "Other"), "/x.gif", False),
        (EXAMPLE.replace("Tianfu", "Other"), "/x.gif?y", True),
        (EXAMPLE.replace("Tianfu", "Other"), "/publications/", True),
        ("User-agent: kepu\nDisallow: /", "/", True),
        ("User-agent: tianfu-kepu\nDisallow: /a\n\nUser-agent: tianfu-kepu\nDisallow: /b", "/b", False),
        ("User-agent: *\nDisallow: /p\nAllow: /p", "/p", True),
        ("User-agent: *\nAllow: /page\nDisallow: /*.htm", "/page.htm", False),
        ("User-agent: *\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif", "/example/page/x", True),
        ("User-agent: *\nDisallow: /foo/bar/ツ", "/foo/bar/%E3%83%84", False),
        ("User-agent: *\nDisallow: /foo/bar/%E3%83%84", "/foo/bar/ツ", False),
        ("\ufeffUser-agent: *\r\nDisallow: /a # a comment\r\n", "/a", False),
        (b"User-agent: *\nDisallow: /\xff\xfe\nDisallow: /a", "/a", False),
        ("<!DOCTYPE html><html>Not here</html>", "/", True),
    ],
)
def test_the_rules_are_read_as_the_standard_says(rules: str | bytes, path: str, allowed: bool) -> None:
    assert allows(rules, path) == allowed


def test_rules_with_many_wildcards_cost_little() -> None:
    rules = "User-agent: *\n" + "".join(f"Disallow: /{'a*' * 100}{number}$\n" for number in range(1_000))
    assert allows(rules, "/" + "a" * 1_500)


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("401 Unauthorized", True),
        ("403 Forbidden", True),
        ("404 Not Found", True),
        ("410 Gone", True),
        ("429 Too Many", False),
        ("500 Oops", False),
        ("503 Busy", False),
    ],
)
def test_no_file_forbids_nothing_and_no_answer_everything(status: str, allowed: bool) -> None:
    with Hostile(page(b"", status=status)) as server:
        assert permits(Robots(reach(server)), server) == allowed


def test_a_site_that_cannot_be_reached_forbids_everything() -> None:
    with Hostile(b"") as server:
        assert not permits(Robots(reach(server)), server)
        assert not permits(Robots(reach(server, limits=Limits(total_s=1e-9))), server)


def redirecting(times: int) -> Callable[[bytes], bytes]:
    """A site that says no after so many redirects."""

    def answer(request: bytes) -> bytes:
        steps = int(request.split(b" ")[1].partition(b"?")[2] or b"0")
        return page(b"User-agent: *\nDisallow: /") if steps == times else redirect(f"/robots.txt?{steps + 1}")

    return answer


@pytest.mark.parametrize(("times", "allowed"), [(1, False), (5, False), (6, True)])
def test_five_redirects_are_followed_and_more_mean_that_there_is_nothing(times: int, allowed: bool) -> None:
    with Hostile(redirecting(times)) as server:
        assert permits(Robots(reach(server)), server) == allowed


def test_what_was_said_is_believed_for_a_day_and_then_asked_for_again() -> None:
    said = [b"User-agent: *\nDisallow: /"]
    with Hostile(lambda _: page(said[0])) as server:
        robots = Robots(reach(server))
        with clock.fixed(NOON):
            assert not permits(robots, server)
            said[0] = b""
            assert not permits(robots, server)
        with clock.fixed(NOON + KEPT_MS):
            assert permits(robots, server)
        assert len(server.requests) == 2


def test_a_site_that_fails_keeps_its_last_word_and_is_asked_again_soon() -> None:
    said = [page(b"")]
    with Hostile(lambda _: said[0]) as server:
        robots = Robots(reach(server))
        with clock.fixed(NOON):
            assert permits(robots, server)
        said[0] = page(b"", status="503 Busy")
        with clock.fixed(NOON + KEPT_MS):
            assert permits(robots, server)
        said[0] = page(b"User-agent: *\nDisallow: /")
        with clock.fixed(NOON + KEPT_MS + ASKED_AGAIN_MS):
            assert not permits(robots, server)


def test_a_clock_that_is_set_back_makes_nothing_be_believed_for_longer() -> None:
    with Hostile(page(b"")) as server:
        robots = Robots(reach(server))
        for now in (NOON, NOON - 2 * KEPT_MS):
            with clock.fixed(now):
                assert permits(robots, server)
        assert len(server.requests) == 2


def test_of_many_sites_those_asked_last_are_remembered() -> None:
    with Hostile(page(b"")) as first, Hostile(page(b"")) as second:
        robots = Robots(reach(first, second), most_sites=1)
        for server in (first, second, second, first):
            assert permits(robots, server)
        assert (len(first.requests), len(second.requests)) == (2, 1)
