"""Dates as people write them in feeds."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from feedparser.datetimes import _parse_date
from hypothesis import given
from hypothesis import strategies as st

from content_store.ingest.dates import instant


def ms(text: str) -> int:
    """An ISO time of UTC in epoch milliseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("written", "chinese", "utc"),
    [
        ("Wed, 01 May 2024 12:00:00 +0800", True, "2024-05-01T04:00:00"),
        ("Wed, 01 May 2024 12:00:00 GMT", True, "2024-05-01T12:00:00"),
        ("Wed, 01 May 2024 12:00:00", True, "2024-05-01T04:00:00"),
        ("Wed, 01 May 2024 12:00:00", False, "2024-05-01T12:00:00"),
        ("Wed, 01 May 2024 12:00:00 CST", True, "2024-05-01T04:00:00"),
        ("Wed, 01 May 2024 12:00:00 CST", False, "2024-05-01T18:00:00"),
        ("2024-05-01T12:00:00Z", True, "2024-05-01T12:00:00"),
        ("2024-05-01T12:00:00.123+08:00", False, "2024-05-01T04:00:00"),
        ("2024-05-01 12:00:00", True, "2024-05-01T04:00:00"),
        ("2024-5-1 9:05", False, "2024-05-01T09:05:00"),
        ("2024/05/01 12:00:00", True, "2024-05-01T04:00:00"),
        ("2024年5月1日 12:30", True, "2024-05-01T04:30:00"),
        ("2024年5月1日下午3时20分", True, "2024-05-01T07:20:00"),
        ("2024-05-01", True, "2024-05-01T00:00:00"),
        ("1714521600", True, "2024-05-01T00:00:00"),
        ("1714521600000", True, "2024-05-01T00:00:00"),
    ],
)
def test_a_date_is_the_instant_that_was_meant(written: str, chinese: bool, utc: str) -> None:
    assert instant(written, _parse_date(written), chinese=chinese) == ms(utc)


@pytest.mark.parametrize(
    "written", ["", "gestern", "0001-01-01T00:00:00Z", "9999-12-31", "2024-13-45", "2024-02-30 25:61", "99999999999999"]
)
def test_what_is_no_date_of_an_article_is_none(written: str) -> None:
    assert instant(written, _parse_date(written), chinese=True) is None


@given(st.text(max_size=60), st.booleans())
def test_any_text_is_a_date_or_none(text: str, chinese: bool) -> None:
    found = instant(text, None, chinese=chinese)
    assert found is None or 0 < found <= 4_102_444_800_000
