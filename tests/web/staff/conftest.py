"""A browser in front of the pages for those who work here, over each profile."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from content_store.accounts import Account
from content_store.staff_vocabulary import StaffRole
from tests.support.staff import CHENGDU, PASSWORD, found_organisations, somebody
from tests.web.conftest import opened

_TOKEN = re.compile(r'name="form_token" value="([^"]+)"')


@dataclass
class Desk:
    """What a person without JavaScript can do."""

    client: FlaskClient

    def see(self, path: str) -> str:
        """The page at ``path``, which must be there."""
        answer = self.client.get(path)
        assert answer.status_code == 200, (answer.status, answer.headers.get("Location"))
        return answer.get_data(as_text=True)

    def send(self, action: str, *, on: str = "/staff/me", **fields: str) -> TestResponse:
        """Send a form of the page ``on``."""
        found = _TOKEN.search(self.see(on))
        assert found
        return self.client.post(action, data={"form_token": found[1], **fields})

    def sign_in(self, login: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        """Send the form of the sign-in page."""
        return self.send("/staff/login", on="/staff/login", login=login, password=password, **fields)


@pytest.fixture
def wang(app: Flask, cheap_passwords: None) -> Iterator[Account]:
    """The administrator of Chengdu."""
    with opened(app).database.begin() as connection:
        found_organisations(connection)
        made = somebody(connection, "wang", organisation_id=CHENGDU, role=StaffRole.ADMINISTRATOR)
    yield made


@pytest.fixture
def desk(app: Flask, wang: Account) -> Desk:
    """A browser that was never here before."""
    return Desk(app.test_client())
