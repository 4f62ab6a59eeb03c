"""Pictures as browsers get them: the right type, nothing that runs, for every cache to keep."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from content_store import contents
from content_store.uploads import store
from content_store.uploads.pictures import check_picture
from content_store.vocabulary import ContentStatus
from tests.support.uploads import photograph
from tests.web.conftest import opened

OURS = check_picture(photograph(size=(900, 600)))


@pytest.fixture
def address(app: Flask) -> str:
    """Where a picture is that a content shows."""
    with opened(app).database.begin() as connection:
        contents.create(connection, id="c", title="t", status=ContentStatus.PUBLISHED)
        store.keep_pictures(connection, [OURS])
        store.refer(connection, "c", f'<img src="/pictures/{OURS.digest}" alt="a">')
    return f"/pictures/{OURS.digest}"


def test_a_picture_is_served_for_ever_to_everyone_and_as_nothing_else(client: FlaskClient, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.data) == (200, OURS.data)
    assert answer.content_type == "image/jpeg"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert "Set-Cookie" not in answer.headers


def test_a_telephone_gets_a_narrower_one_and_what_it_has_is_not_sent_again(client: FlaskClient, address: str) -> None:
    answer = client.get(f"{address}/390")
    assert answer.data == OURS.smaller[0].data
    again = client.get(f"{address}/390", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_there_are_no_other_pictures(client: FlaskClient, address: str) -> None:
    others = (f"{address}/391", f"{address}/0", f"{address}/{10**40}", f"{address}/x", f"/pictures/{'0' * 64}")
    for other in (*others, "/pictures/..%2f..%2fetc", f"/pictures/{'%00' * 64}", "/pictures/", address.upper()):
        assert client.get(other).status_code == 404, other
    assert client.post(address).status_code == 405


def test_a_picture_of_a_withdrawn_content_is_gone(client: FlaskClient, app: Flask, address: str) -> None:
    with opened(app).database.begin() as connection:
        contents.set_status(connection, "c", ContentStatus.WITHDRAWN)
    assert client.get(address).status_code == 404


def test_an_article_lets_each_screen_choose_among_the_widths_of_its_pictures(app: Flask, client: FlaskClient) -> None:
    body = f"![竹林](/pictures/{OURS.digest}) ![没有了](/pictures/{'0' * 64})"
    with opened(app).database.begin() as connection:
        contents.create(connection, id="d", title="t", status=ContentStatus.PUBLISHED, body=body)
        store.keep_pictures(connection, [OURS])
    page = client.get("/contents/d").text
    [ours] = [tag for tag in page.split("<img ")[1:] if OURS.digest in tag]
    each = ", ".join(f"/pictures/{OURS.digest}/{width} {width}w" for width in (390, 780, 900))
    assert f'srcset="{each}"' in ours
    assert 'width="900"' in ours
    assert 'height="600"' in ours
    assert 'alt="竹林"' in ours
    assert page.count("srcset") == 1
