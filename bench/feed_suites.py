"""Feeds of other readers' own test suites against our parser: ``python -m bench.feed_suites [SUITE [PART]]``.

Reads ``data/feed_suites.tar.xz`` below ``KEPU_DATASETS``. Every file must be parsed or refused within a second of work,
nothing that runs may be left in what comes out, and what the suites themselves say of their files (see
``feed_claims``) is compared with what we made of them. With arguments the claims that do not hold are listed.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import urljoin

from bench.feed_claims import EXPECT, HEADER, Claim, holds, of_feedparser, of_gofeed, of_rss_parser
from content_store.errors import FeedUnreadable
from content_store.ingest.parsing import ParsedFeed, parse
from content_store.ingest.xml_events import MOST_ITEMS
from content_store.settings import load_settings
from tests.support.harmful import harmful

_AT = "http://127.0.0.1:8097/"
"""Where feedparser's tests serve their files."""
ARCHIVE = "data/feed_suites.tar.xz"
_NO_FEED = re.compile(
    r"notafeed|unrecognized|unknown_feed|empty_(?:feed|document)|universal/invalid|json/invalid|\.jsonc$|FirstEntry|\.html$"
    r"|reader/xml/testdata/iso"
)
"""Files that their suites keep because they are no feeds."""
_OTHER = re.compile(r"\.(?:py|md|rst|txt)$|LICENSE|README|/output/|_expected\.json$|tests/json/")


class Outcome(NamedTuple):
    """What became of a file: the feed or why it was refused, seconds of work, and the claims about it."""

    path: str
    feed: ParsedFeed | None
    refusal: str
    seconds: float
    harm: list[str]
    claims: list[tuple[Claim, bool]]

    @property
    def suite(self) -> str:
        """The suite, and its part where a suite has several."""
        parts = PurePosixPath(self.path).parts
        return (
            "/".join(parts[:3])
            if parts[0] == "feedparser"
            else "/".join((parts[0], *parts[2:3]))
            if parts[0] == "gofeed"
            else parts[0]
        )

    @property
    def as_expected(self) -> bool:
        """Parsed where it is a feed, refused where it is none."""
        return (self.feed is None) == bool(_NO_FEED.search(self.path))


def files(archive: Path) -> dict[str, bytes]:
    """Every file of the archive by its path within it."""
    with tarfile.open(archive) as opened:
        members = [member for member in opened if member.isfile()]
        return {member.name.removeprefix("./"): _bytes(opened, member) for member in members}


def _bytes(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = opened.extractfile(member)
    return stream.read() if stream else b""


def outcomes(found: dict[str, bytes]) -> Iterator[Outcome]:
    """What becomes of every feed of the suites."""
    for path, data in sorted(found.items()):
        if _OTHER.search(path) or _is_expectation(path, found):
            continue
        claims = _claims(path, data, found)
        headers = _headers(path, data) if path.startswith("feedparser") else {}
        feed, refusal = None, ""
        start = time.thread_time()
        try:
            feed = parse(
                data,
                url=urljoin(_AT + path, headers.get("content-location", "")) if headers else None,
                content_type=headers.get("content-type"),
                content_language=headers.get("content-language"),
            )
        except FeedUnreadable as error:
            refusal = error.message
        seconds = time.thread_time() - start
        checked = [(claim, bool(claim.field) and holds(claim, feed, data)) for claim in claims] if feed else []
        yield Outcome(path, feed, refusal, seconds, _harm(feed), checked)


def _is_expectation(path: str, found: dict[str, bytes]) -> bool:
    """Whether it is the expected JSON that stands beside a feed."""
    return path.startswith("gofeed") and path.endswith(".json") and f"{path[:-5]}.xml" in found


def _claims(path: str, data: bytes, found: dict[str, bytes]) -> list[Claim]:
    if path.startswith("feedparser"):
        return list(of_feedparser(_comment(data)))
    return [_fair(claim) for claim in _claims_beside(path, found)]


def _fair(claim: Claim) -> Claim:
    """The claim, unless it is on an item beyond our limit or on text that the suite itself has decoded wrongly."""
    if claim.field == "items":
        return claim._replace(value=min(claim.value, MOST_ITEMS))
    return Claim("", None) if claim.item >= MOST_ITEMS or "\ufffd" in str(claim.value) else claim


def _claims_beside(path: str, found: dict[str, bytes]) -> list[Claim]:
    """The claims of the expected JSON that belongs to a feed."""
    name = PurePosixPath(path)
    beside, of = {
        "gofeed": (
            str(name.with_suffix(".json"))
            if name.suffix == ".xml"
            else str(name.with_name(f"{name.stem}_expected.json")),
            of_gofeed,
        ),
        "rss-parser": (f"rss-parser/test/output/{name.stem}.json", of_rss_parser),
    }.get(name.parts[0], ("", of_gofeed))
    if beside not in found:
        return []
    try:
        told: Any = json.loads(found[beside].decode("utf-8", "replace"))
    except ValueError:
        return []
    return list(of(told)) if isinstance(told, dict) else []


def _comment(data: bytes) -> str:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        if EXPECT.search(text := data.decode(encoding, "ignore")):
            return text
    return ""


def _headers(path: str, data: bytes) -> dict[str, str]:
    served = {"content-location": ""} if "http" in path else {}
    return served | {key.lower(): value.strip() for key, value in HEADER.findall(_comment(data))}


def _harm(feed: ParsedFeed | None) -> list[str]:
    if feed is None:
        return []
    return [
        harm
        for item in feed.items
        for harm in (
            *harmful(item.html),
            *(url for url in (item.url, item.link, item.picture) if url and not url.startswith(("http:", "https:"))),
        )
    ]


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.1%})" if whole else "–"


def _row(name: str, rows: list[Outcome]) -> str:
    claims = [checked for row in rows for checked in row.claims]
    ours = [good for claim, good in claims if claim.field]
    told = [row for row in rows if any(claim.field for claim, _ in row.claims)]
    whole = sum(all(good for claim, good in row.claims if claim.field) for row in told)
    return (
        f"| {name} | {len(rows)} | {sum(row.feed is not None for row in rows)} "
        f"| {sum(row.feed is None for row in rows)} "
        f"| {_share(sum(row.as_expected for row in rows), len(rows))} | {_share(sum(ours), len(ours))} "
        f"| {len(claims) - len(ours)} | {_share(whole, len(told))} | {max(row.seconds for row in rows):.3f} |"
    )


def table(rows: list[Outcome], name: Callable[[Outcome], str]) -> str:
    """The rows as a Markdown table, by ``name``."""
    lines = [
        "| suite | files | parsed | refused | as its name says | claims that hold | claims on what we have not "
        "| files whose claims all hold | slowest, s |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    names = sorted({name(row) for row in rows})
    lines += [_row(one, [row for row in rows if name(row) == one]) for one in names]
    return "\n".join([*lines, _row("**all**", rows)])


def _failures(rows: list[Outcome]) -> None:
    for row in rows:
        if not row.as_expected:
            print(f"{row.path}: {row.refusal or 'parsed'}")
        for claim, good in row.claims:
            if claim.field and not good and row.feed:
                kind, _, name = claim.field.partition(".")
                item = row.feed.items[claim.item] if claim.item < len(row.feed.items) else None
                ours = getattr(
                    item if kind == "item" else row.feed,
                    {"text": "html", "author": "authors", "category": "categories"}.get(name, name),
                    None,
                )
                print(
                    f"{row.path}: {claim.field}[{claim.item}]\n    told {str(claim.value)[:300]!r}"
                    f"\n    ours {str(ours)[:300]!r}"
                )


def main() -> None:
    """Print the tables, or the claims that do not hold."""
    rows = list(outcomes(files(load_settings().datasets / ARCHIVE)))
    if wanted := sys.argv[1:]:
        _failures([row for row in rows if all(one in row.path for one in wanted)])
        return
    print(table(rows, lambda row: row.path.split("/")[0]))
    print()
    print(table([row for row in rows if row.path.startswith(("feedparser", "gofeed"))], lambda row: row.suite))
    print()
    failed = Counter(claim.field for row in rows for claim, good in row.claims if claim.field and not good)
    print("claims that do not hold, by field:", ", ".join(f"{field} {times}" for field, times in failed.most_common()))
    print(
        "slowest:",
        ", ".join(f"{row.path} {row.seconds:.2f} s" for row in sorted(rows, key=lambda row: -row.seconds)[:5]),
    )
    print(
        "refused:",
        ", ".join(f"{why} ({n})" for why, n in Counter(row.refusal for row in rows if row.refusal).most_common(8)),
    )
    print("left that runs:", [(row.path, row.harm[:3]) for row in rows if row.harm] or "nothing")


if __name__ == "__main__":
    main()
