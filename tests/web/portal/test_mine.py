"""我的: what a citizen sees and changes of what is known of them."""

from __future__ import annotations

import re

import pytest
from flask import Flask

from content_store import contents
from content_store.vocabulary import ContentStatus
from tests.web.conftest import opened
from tests.web.portal.conftest import Browser


def test_interests_are_added_and_deleted(browser: Browser) -> None:
    for topic in ("space", "daily"):
        assert browser.send("/me/interests", add=topic).location == "/me?notice=saved"
    assert browser.client.get("/api/v1/me").get_json()["interests"] == ["daily", "space"]
    browser.send("/me/interests", remove="space")
    assert browser.client.get("/api/v1/me").get_json()["interests"] == ["daily"]


def test_channels_of_interest_come_first(browser: Browser) -> None:
    browser.send("/me/interests", add="general")
    channels = re.findall(r'href="/\?topic=(\w+)"', browser.see("/").partition("<main")[0])
    assert (channels[0], len(channels), len(set(channels))) == ("general", 19, 19)


def test_a_topic_that_does_not_exist_changes_nothing(browser: Browser) -> None:
    assert browser.send("/me/interests", add="ufo").status_code == 422
    assert browser.client.get("/api/v1/me").get_json()["interests"] == []


def test_the_prefecture_is_kept_and_forgotten(browser: Browser) -> None:
    browser.send("/me/prefecture", prefecture="513400")
    assert re.search(r'value="513400" selected>凉山州', browser.see("/me"))
    browser.send("/me/prefecture", prefecture="")
    assert browser.client.get("/api/v1/me").get_json()["prefecture"] is None


def test_the_switch_acts_on_the_next_page_and_back(browser: Browser) -> None:
    told = "个性化推荐没有参与这个列表"
    assert told not in browser.see("/")
    assert browser.send("/me/personalised", personalised="off").location == "/me?notice=plain"
    assert told in browser.see("/")
    browser.send("/me/personalised", personalised="on")
    assert told not in browser.see("/")


def test_the_history_lists_what_was_opened_latest_first_each_once(app: Flask, browser: Browser) -> None:
    assert "还没有读过的文章" in browser.see("/me")
    for id in ("a003", "a007", "a003"):
        browser.see(f"/contents/{id}")
    listed = re.findall(r'<li><a href="/contents/(\w+)">', browser.see("/me"))
    assert listed == ["a007", "a003"]
    with opened(app).database.begin() as connection:
        contents.set_status(connection, "a007", ContentStatus.WITHDRAWN)
    assert "第7篇文章（已下架）" in browser.see("/me")


@pytest.mark.parametrize("path", ["/me/interests", "/me/prefecture", "/me/personalised"])
def test_nothing_is_changed_without_the_token(browser: Browser, path: str) -> None:
    browser.see("/me")
    assert browser.client.post(path, data={"add": "space", "prefecture": "510100"}).status_code == 403
    assert browser.client.get("/api/v1/me").get_json()["interests"] == []
