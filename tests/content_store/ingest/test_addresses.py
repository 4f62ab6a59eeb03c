"""Addresses: one reading of each text, and nothing but public servers."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from content_store.errors import FetchFailed
from content_store.ingest.addresses import LONGEST_URL, Rules, Url, follow, parse
from content_store.problems import FetchProblem
from content_store.settings import load_settings

ANY = Url("http", "example.org", 80, "/")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://example.org", "http://example.org/"),
        ("HTTP://Example.ORG:80/Feed?a=B#part", "http://example.org/Feed?a=B"),
        ("https://example.org:443/", "https://example.org/"),
        ("https://example.org:8443/", "https://example.org:8443/"),
        ("http://example.org./", "http://example.org/"),
        ("http://例子.中国/订阅?页=一", "http://xn--fsqu00a.xn--fiqs8s/%E8%AE%A2%E9%98%85?%E9%A1%B5=%E4%B8%80"),
        ("http://xn--fsqu00a.xn--fiqs8s/", "http://xn--fsqu00a.xn--fiqs8s/"),
        ("http://ｅｘａｍｐｌｅ。org/", "http://example.org/"),
        ("http://a_b.example.org/%7e%e4", "http://a_b.example.org/%7e%e4"),
        ("http://61.139.2.69/rss.xml", "http://61.139.2.69/rss.xml"),
        ("http://[2001:DB8:0::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://example.org?a", "http://example.org/?a"),
    ],
)
def test_each_spelling_of_a_url_is_read_as_one(text: str, url: str) -> None:
    assert str(parse(text)) == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org/feed",
        "//example.org/feed",
        "ftp://example.org/",
        "file:///etc/passwd",
        "data:text/xml,<rss/>",
        "http:///feed",
        "http://",
        "http://example.org:0/",
        "http://example.org:65536/",
        "http://example.org:+80/",
        "http://example.org:８０/",
        "http://me@example.org/",
        "http://me:secret@example.org/",
        "http://@example.org/",
        "http://exam ple.org/",
        "http://example.org/a b",
        "http://example.org/\r\nX: y",
        "http://exa\tmple.org/",
        "http://example.org\\@evil.test/",
        "http://example..org/",
        "http://.example.org/",
        "http://example.org../",
        "http://-example.org/",
        "http://ex%61mple.org/",
        "http://a,b/",
        "http://[::1/",
        "http://[::1%25eth0]/",
        "http://[v1.x]/",
        "http://[v1.x:y]/",
        "http://[example.org]/",
        "http://[::1]example.org/",
        "http://[2400:3200::1]example.org:80/",
        "http://example.org[2400:3200::1]/",
        "http://[]/",
        "http://[127.0.0.1]/",
        "http://xn--a/",
        "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 127 + "org/",
        "http://example.org/" + "a" * LONGEST_URL,
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://1.2.3.4.5/",
        "http://example.org.1/",
        "http://256.1.1.1/",
        "http://①②⑦.⓪.⓪.①./x y",
        "http://example.org/\ud800",
    ],
)
def test_what_may_be_read_in_two_ways_is_no_url(text: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        parse(text)
    assert caught.value.problem is FetchProblem.BAD_URL
    assert caught.value.hint == FetchProblem.BAD_URL.label


@given(st.text(max_size=80) | st.from_regex(r"https?://[^\s]{0,40}", fullmatch=True))
def test_what_is_read_is_read_the_same_again(text: str) -> None:
    try:
        url = parse(text)
    except FetchFailed:
        return
    assert parse(str(url)) == url
    assert str(url).isascii()
    assert not set(url.host) & set("@/?#\\ %")


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/feed.xml", "http://example.org/feed.xml"),
        ("feed.xml", "http://example.org/a/feed.xml"),
        ("../feed.xml?x", "http://example.org/feed.xml?x"),
        ("//other.org/", "http://other.org/"),
        ("https://other.org", "https://other.org/"),
        (" /with a space ", "http://example.org/with%20a%20space"),
        ("/科普".encode().decode("latin-1"), "http://example.org/%E7%A7%91%E6%99%AE"),
        ("/caf\xe9", "http://example.org/caf%C3%A9"),
    ],
)
def test_a_redirect_is_read_as_browsers_do(location: str, url: str) -> None:
    assert str(follow(parse("http://example.org/a/b"), location)) == url


@pytest.mark.parametrize(
    "location", ["http://[", "/\x00", "/\x01", "mailto:a@b", "http://u@h/", "x" * 3000, "http://0/"]
)
def test_a_redirect_to_what_is_no_url_is_refused(location: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        follow(ANY, location)
    assert caught.value.problem is FetchProblem.BAD_URL


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
        *("168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1"),
        *("192.31.196.1", "192.52.193.1", "192.88.99.1", "192.168.1.1", "192.175.48.1", "198.18.0.1", "198.19.255.255"),
        *("198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::7f00:1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "100::1", "5f00::1"),
        *(
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:808:808::",
            "3fff::1",
        ),
        *("2620:4f:8000::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
        *("64:ff9b::a9fe:a9fe", "64:ff9b:1::808:808", "2400:3200::5efe:a00:1", "2400:3200::200:5efe:a00:1"),
        *("fe80::1%eth0", "2400:3200::1%1"),
    ],
)
def test_what_is_not_public_is_refused(address: str) -> None:
    assert Rules().refusal(ANY, address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "61.139.2.69", "100.63.255.255", "100.128.0.1", "172.15.0.1", "172.32.0.1"),
        *("192.0.1.1", "192.167.1.1", "198.17.1.1", "198.20.1.1", "223.255.255.255", "126.255.255.255", "128.0.0.1"),
        *("2400:3200::1", "2606:4700::1111", "240e::1", "2001:250:2000::1", "::ffff:8.8.8.8", "64:ff9b::808:808"),
    ],
)
def test_what_is_public_is_let_pass(address: str) -> None:
    assert Rules().refusal(ANY, address) is None


@given(st.integers(0, 2**32 - 1))
def test_an_address_of_ipv4_is_judged_alike_however_ipv6_writes_it(number: int) -> None:
    plain = Rules().refusal(ANY, str(IPv4Address(number))) is None
    for prefix in (0xFFFF << 32, 0x64FF9B << 96):
        assert (Rules().refusal(ANY, str(IPv6Address(prefix | number))) is None) == plain


@given(st.ip_addresses())
def test_what_python_knows_to_be_private_is_refused(address: IPv4Address | IPv6Address) -> None:
    wrapped = isinstance(address, IPv6Address) and (address.ipv4_mapped or address in IPv6Network("64:ff9b::/96"))
    if not wrapped and (address.is_private or address.is_multicast or address.is_reserved or address.is_link_local):
        assert Rules().refusal(ANY, str(address))


def test_a_named_host_may_be_private_at_the_ports_it_is_named_with() -> None:
    named = "Feeds.Example.org:8080, intranet, [::1]:81, 127.0.0.1"
    rules = Rules.of(load_settings({"KEPU_FETCH_NAMED_HOSTS": named}))
    feeds = Url("http", "feeds.example.org", 8080, "/")
    rules.require_port(feeds)
    assert rules.refusal(feeds, "10.0.0.1") is None
    assert rules.refusal(feeds, "127.0.0.1") is None
    assert rules.refusal(feeds, "fd00::1") is None
    assert rules.refusal(feeds._replace(port=80), "10.0.0.1")
    assert rules.refusal(feeds._replace(host="other.example.org"), "10.0.0.1")
    assert rules.refusal(Url("http", "intranet", 443, "/"), "192.168.0.1") is None
    assert rules.refusal(Url("http", "::1", 81, "/"), "::1") is None
    assert rules.refusal(Url("http", "127.0.0.1", 80, "/"), "127.0.0.1") is None
    for port in (8080, 81, 22):
        with pytest.raises(FetchFailed) as caught:
            rules.require_port(Url("http", "intranet", port, "/"))
        assert caught.value.problem is FetchProblem.REFUSED_PORT


def test_the_ports_are_a_setting() -> None:
    rules = Rules.of(load_settings({"KEPU_FETCH_PORTS": "8080, 80,443"}))
    rules.require_port(ANY._replace(port=8080))
    with pytest.raises(FetchFailed):
        Rules().require_port(ANY._replace(port=8080))
