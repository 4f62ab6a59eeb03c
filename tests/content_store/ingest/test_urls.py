"""Addresses of strangers: absolute, safe, and the same for the same page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.ingest.urls import canonical_url, is_web, safe_url


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTPS://WWW.Example.COM:443/a?b=1#c", "https://www.example.com/a?b=1"),
        ("http://example.com", "http://example.com/"),
        ("http://example.com/a?utm_source=x&id=2&fbclid=y&spm=z", "http://example.com/a?id=2"),
        ("http://example.com/a?b=2&a=1", "http://example.com/a?a=1&b=2"),
        ("http://user:pass@example.com/", "http://example.com/"),
        ("http://例子.中国/科普", "http://xn--fsqu00a.xn--fiqs8s/%E7%A7%91%E6%99%AE"),
        ("http://example.com/%7Ea/%e7", "http://example.com/~a/%E7"),
        (
            "https://mp.weixin.qq.com/s?__biz=A&mid=1&idx=2&sn=3&chksm=4&scene=27",
            "https://mp.weixin.qq.com/s?__biz=A&idx=2&mid=1&sn=3",
        ),
        ("http://example.com/#!/page", "http://example.com/#!/page"),
        ("javascript:x", ""),
        ("/relative", ""),
        ("http://", ""),
        ("http://a:b/", ""),
        ("", ""),
    ],
)
def test_copies_of_a_page_share_an_address(written: str, canonical: str) -> None:
    assert canonical_url(written) == canonical


@given(st.text(max_size=80))
def test_a_canonical_address_is_its_own(text: str) -> None:
    url = canonical_url("http://a.example/" + text)
    assert url == canonical_url(url)
    assert url == "" or is_web(url)


@given(st.text(max_size=60), st.sampled_from([None, "https://a.example/b/c", "http://[::1]/"]))
def test_whatever_is_written_leads_to_the_web_or_nowhere(text: str, base: str | None) -> None:
    url = safe_url(text, base)
    assert url == "" or is_web(url) or (base is None and ":" not in url.split("/", 1)[0])
    assert safe_url(url, base) == url or base is None


def test_an_address_longer_than_any_is_none() -> None:
    assert safe_url("http://a.example/" + "x" * 3000) == ""
