"""A browser in front of a shelf of articles, over each profile."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.shelves import shelved
from tests.web.conftest import opened

_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')
_CARD = re.compile(r'<h2><a href="/contents/([^"]+)">')


@dataclass
class Browser:
    """What a person without JavaScript can do."""

    client: FlaskClient

    def see(self, path: str) -> str:
        """The page at ``path``, which must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, answer.status
        return answer.get_data(as_text=True)

    def cards(self, path: str) -> list[str]:
        """Ids of the articles that the page at ``path`` lists."""
        return _CARD.findall(self.see(path))

    def send(self, action: str, *, on: str = "/me", **fields: str) -> TestResponse:
        """Send a form of the page ``on``."""
        found = _TOKEN.search(self.see(on))
        assert found
        return self.client.post(action, data={"form_token": found[1], **fields})


@pytest.fixture
def shelf(app: Flask) -> list[str]:
    """Ids of articles that the app serves."""
    ids = shelved(opened(app).database)
    opened(app).recommender.follower.catch_up()
    return ids


@pytest.fixture
def browser(client: FlaskClient, shelf: list[str]) -> Browser:
    """A browser that was never here before."""
    return Browser(client)
