"""How long an item takes to read, and whether a feed gives no more of it than a taste."""

from __future__ import annotations

import re

from content_store.ingest.parsed import ParsedItem
from content_store.ingest.sanitising import plain_text
from content_store.ledger_rules import CURRENT
from content_store.readables import length_of

SHORTEST_ARTICLE = 200
"""Characters (see ``length_of``) of an article that is told in full without a word of there being more."""
_MORE = re.compile(
    r"(?:…|\.{3}|。{2,}|\[…\]|\[\.{3}\]"
    r"|(?:阅读|查看|点击|点此|展开|浏览|前往)(?:阅读|查看|浏览)?(?:全文|原文|更多|详情|全部|剩余\S{0,6})"
    r"|全文(?:阅读|链接)"
    r"|(?:read (?:more|on|the (?:full|rest)\b.{0,40})|continue reading.{0,200}|\(?more\)?))[\s»›→>.。)\]】）]*$",
    re.IGNORECASE,
)
_POSTED = re.compile(r"^The post .{1,300} (?:first )?appeared first on .{1,200}$", re.MULTILINE)


def reading_minutes(text: str) -> int:
    """Whole minutes, at least 1, that the pace of the rule in force takes for a plain text."""
    return max(1, -(-length_of(text) // CURRENT.characters_per_minute))


def is_teaser(item: ParsedItem) -> bool:
    """Whether the page has more than the feed tells: the text is short, or ends where there is more to be read."""
    text = _POSTED.sub("", plain_text(item.html)).strip()
    return length_of(text) < SHORTEST_ARTICLE or bool(_MORE.search(text[-300:]))
