"""The form in which a creator tells of themselves, as typed and as it is understood."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from flask import request

from content_store.alliance.admission import (
    LONGEST_STATEMENT,
    MOST_CHANNELS,
    MOST_SAMPLES,
    Application,
    Channel,
    Sample,
)
from content_store.creator_words import Licence
from content_store.review_words import AiUse
from content_store.vocabulary import Topic
from web.creators import forms

_NUMBER = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,4})?)(万|亿)?")
_TIMES = {None: 1, "万": 10_000, "亿": 100_000_000}
_MOST = 10**10
SPARE = 2
"""Empty rows at the end of each list."""

Rows = list[dict[str, str]]


@dataclass
class Typed:
    """What is in the fields. ``wrong`` tells what to mend by field; ``channel-0-url`` is that of the first row."""

    expertise: list[str] = field(default_factory=list)
    channels: Rows = field(default_factory=list)
    samples: Rows = field(default_factory=list)
    statement: str = ""
    licence: str = Licence.ALLIANCE
    ai_use: str = AiUse.NONE
    wrong: dict[str, str] = field(default_factory=dict)

    def with_spare(self, least: int, more: int = SPARE) -> Typed:
        """The same with ``more`` empty rows in each list, and no fewer than ``least`` in all."""
        for rows, names, most in ((self.channels, _CHANNEL, MOST_CHANNELS), (self.samples, _SAMPLE, MOST_SAMPLES)):
            wanted = min(most, max(least, len(rows) + more))
            rows += [dict.fromkeys(names, "") for _ in range(wanted - len(rows))]
        return self


_CHANNEL, _SAMPLE = ("platform", "url", "followers"), ("title", "url")


def of(application: Application | None) -> Typed:
    """The fields of what was told before."""
    if application is None:
        return Typed()
    return Typed(
        expertise=[topic.value for topic in application.expertise],
        channels=[
            {"platform": one.platform, "url": one.url, "followers": str(one.followers)} for one in application.channels
        ],
        samples=[{"title": one.title, "url": one.url} for one in application.samples],
        statement=application.statement or "",
        licence=application.licence,
        ai_use=application.ai_use,
    )


def sent() -> Typed:
    """The fields of the form at hand; rows in which nothing was typed are left out."""
    return Typed(
        expertise=request.form.getlist("expertise"),
        channels=_rows("channel", _CHANNEL)[:MOST_CHANNELS],
        samples=_rows("sample", _SAMPLE)[:MOST_SAMPLES],
        statement=forms.typed("statement"),
        licence=request.form.get("licence", ""),
        ai_use=request.form.get("ai_use", ""),
    )


def understood(form: Typed) -> Application | None:
    """What the form says; None where something is wrong, which it then tells."""
    wrong: dict[str, str | None] = {}
    topics = [Topic(code) for code in form.expertise if code in set(Topic)]
    wrong["expertise"] = None if topics else "请至少选择一个擅长领域。"
    wrong["statement"] = (
        forms.too_long(form.statement, LONGEST_STATEMENT) if form.statement else "请写几句自我介绍，让审核人员认识你。"
    )
    wrong["licence"] = None if form.licence in set(Licence) else "请选择一种授权方式。"
    wrong["ai_use"] = None if form.ai_use in set(AiUse) else "请选择一项。"
    for at, row in enumerate(form.channels):
        wrong[f"channel-{at}-platform"] = forms.bad_label(row["platform"])
        wrong[f"channel-{at}-url"] = forms.bad_address(row["url"])
        if followers(row["followers"]) is None:
            wrong[f"channel-{at}-followers"] = "请填写数字，例如 12000 或 1.2万。"
    for at, row in enumerate(form.samples):
        wrong[f"sample-{at}-title"] = forms.bad_label(row["title"])
        wrong[f"sample-{at}-url"] = forms.bad_address(row["url"])
    form.wrong = {name: what for name, what in wrong.items() if what}
    if form.wrong:
        return None
    return Application(
        expertise=topics,
        channels=[Channel(row["platform"], row["url"], followers(row["followers"]) or 0) for row in form.channels],
        samples=[Sample(row["title"], row["url"]) for row in form.samples],
        statement=form.statement,
        licence=Licence(form.licence),
        ai_use=AiUse(form.ai_use),
    )


def followers(text: str) -> int | None:
    """A number as people write it: 12000, 12,000, 1.2万; None for what is none."""
    found = _NUMBER.fullmatch(re.sub(r"[,，\s+人]", "", text))
    if found is None or not text.isprintable():
        return None
    number = round(float(found[1]) * _TIMES[found[2]])
    return number if number <= _MOST else None


def _rows(kind: str, names: tuple[str, ...]) -> Rows:
    columns = [[forms.tidy(text) for text in request.form.getlist(f"{kind}_{name}")] for name in names]
    length = max(map(len, columns))
    padded = [column + [""] * (length - len(column)) for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*padded, strict=True) if any(row)]
