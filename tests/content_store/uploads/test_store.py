"""Originals and pictures as records: kept once, counted, never changed, and gone where nobody shows them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
import sqlalchemy as sa

from content_store import clock, contents, schema
from content_store.db import Connection, Database
from content_store.errors import BadRecord, UnknownPicture, UnknownUpload, UploadRefused
from content_store.settings import load_settings
from content_store.upload_words import UploadKind, UploadProblem
from content_store.uploads import store
from content_store.uploads.documents import read_document
from content_store.uploads.pictures import check_picture
from content_store.uploads.store import Quota
from content_store.vocabulary import ContentStatus
from tests.support.uploads import illustrated, photograph, picture

QUOTA = Quota(1_000_000, 2_000_000)
WORK = illustrated(picture(), alt="大熊猫")


def accounts(connection: Connection, *ids: str) -> None:
    """People who may upload, in a province of their own."""
    province = {"id": "sc", "parent_id": None, "kind": "province", "name": "省科协", "region": None, "created_at": 1}
    connection.execute(sa.insert(schema.organisations), province)
    for id in ids:
        row = {"id": id, "login": id, "name": id, "organisation_id": "sc", "created_at": 1}
        connection.execute(sa.insert(schema.accounts), row)


def kept(
    connection: Connection, content_id: str | None = None, account_id: str = "li", name: str = "a.docx"
) -> store.Upload:
    """A work with a picture, kept."""
    if content_id is not None:
        contents.create(connection, id=content_id, title="t", status=ContentStatus.PUBLISHED)
    document = read_document(name, WORK)
    return store.keep_work(
        connection,
        account_id=account_id,
        name=name,
        data=WORK,
        document=document,
        quota=QUOTA,
        content_id=content_id,
    )


def test_a_work_is_kept_as_it_came_with_who_when_and_what_it_was_called(database: Database, fixed_clock: int) -> None:
    with database.begin() as connection:
        accounts(connection, "li")
        made = kept(connection, "c", name="../../作品\u202e.docx")
        found = store.get(connection, made.id)
        assert found == made
        assert (found.account_id, found.kind, found.name, found.at) == ("li", UploadKind.DOCX, "作品.docx", fixed_clock)
        assert found.digest == hashlib.sha256(WORK).hexdigest()
        assert store.original(connection, made.id) == WORK
        assert store.of_content(connection, "c") == [made]


def test_the_same_bytes_and_the_same_picture_are_kept_once(database: Database) -> None:
    with database.begin() as connection:
        accounts(connection, "li", "han")
        first, second = kept(connection, "c"), kept(connection, "d", "han")
        assert first.id != second.id
        for table in (schema.upload_files, schema.pictures, schema.picture_files):
            assert connection.scalar(sa.select(sa.func.count()).select_from(table)) == 1
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.content_pictures)) == 2


@pytest.mark.parametrize("statement", ["UPDATE {} SET digest = 'x'", "DELETE FROM {}"])
@pytest.mark.parametrize("table", ["uploads", "upload_files"])
def test_what_was_uploaded_is_neither_changed_nor_deleted(database: Database, table: str, statement: str) -> None:
    with database.begin() as connection:
        accounts(connection, "li")
        made = kept(connection)
    with pytest.raises(sa.exc.IntegrityError, match="as they came"), database.begin() as connection:
        connection.exec_driver_sql(statement.format(table))
    with database.connect() as connection:
        assert store.original(connection, made.id) == WORK


def test_a_picture_is_served_in_each_of_its_widths_to_every_process(database: Database, database_url: str) -> None:
    ours = check_picture(photograph(size=(900, 600)))
    with database.begin() as connection:
        store.keep_pictures(connection, [ours])
    other = Database(sa.create_engine(database.engine.url))
    try:
        with other.connect() as connection:
            assert store.serve(connection, ours.digest).data == ours.data
            narrow = store.serve(connection, ours.digest, 390)
            assert (narrow.media_type, narrow.width, narrow.height) == ("image/jpeg", 390, 260)
            assert store.sizes(connection, [ours.digest, "0" * 64]) == {
                ours.digest: ((390, 260), (780, 520), (900, 600))
            }
            assert store.find_picture(connection, ours.data) == ours
            assert store.find_picture(connection, b"other") is None
    finally:
        other.close()


@pytest.mark.parametrize("digest", ["", "0" * 64, "\x00" * 64, "é" * 64, "../" * 21 + "a", "A" * 64])
@pytest.mark.parametrize("width", [None, 0, -1, 390, 10**30])
def test_what_is_no_picture_is_not_served(sqlite_database: Database, digest: str, width: int | None) -> None:
    with sqlite_database.connect() as connection, pytest.raises(UnknownPicture):
        store.serve(connection, digest, width)


def test_a_picture_goes_with_the_last_content_that_shows_it(database: Database) -> None:
    with database.begin() as connection:
        accounts(connection, "li")
        kept(connection, "c")
        kept(connection, "d")
        [digest] = store.sizes(connection, [check_picture(picture()).digest])
        contents.set_status(connection, "c", ContentStatus.WITHDRAWN)
        assert store.serve(connection, digest).width == 60
        contents.set_status(connection, "d", ContentStatus.WITHDRAWN)
        with pytest.raises(UnknownPicture):
            store.serve(connection, digest)


def test_a_content_shows_only_pictures_that_are_kept(database: Database) -> None:
    with database.begin() as connection:
        contents.create(connection, id="c", title="t")
        with pytest.raises(UnknownPicture):
            store.refer(connection, "c", f'<p><img src="/pictures/{"a" * 64}" alt="b"></p>')
        assert store.refer(connection, "c", '<p><img src="https://example.org/a.png" alt="b"></p>') == []


def test_pictures_that_nobody_showed_go_after_a_while_and_others_stay(database: Database, fixed_clock: int) -> None:
    lonely = check_picture(picture(colour=(1, 2, 3)))
    with database.begin() as connection:
        accounts(connection, "li")
        kept(connection, "c")
        store.keep_pictures(connection, [lonely])
        assert store.drop_orphans(connection, fixed_clock) == 0
        assert store.drop_orphans(connection, fixed_clock + 1) == 1
        assert store.sizes(connection, [lonely.digest]) == {}
        assert connection.scalar(sa.select(sa.func.count()).select_from(schema.pictures)) == 1
        with clock.fixed(fixed_clock + 9):
            store.keep_pictures(connection, [lonely])
            store.keep_pictures(connection, [lonely])
        assert store.drop_orphans(connection, fixed_clock + 9) == 0


def test_an_account_uploads_so_much_a_day_of_shanghai_and_no_more(database: Database, fixed_clock: int) -> None:
    quota = replace(QUOTA, day_bytes=2 * len(WORK))
    document = read_document("a.docx", WORK)

    def upload(connection: Connection, account_id: str) -> None:
        store.keep_work(
            connection, account_id=account_id, name="a", data=WORK, document=document, quota=quota, content_id=None
        )

    with database.begin() as connection:
        accounts(connection, "li", "han")
        for account_id in ("li", "li", "han"):
            upload(connection, account_id)
        assert store.used_today(connection, "li") == 2 * len(WORK)
        with pytest.raises(UploadRefused) as caught:
            upload(connection, "li")
        assert caught.value.problem is UploadProblem.DAY_QUOTA
        with clock.fixed(clock.start_of_day_ms(clock.today()) + clock.DAY_MS):
            upload(connection, "li")


def test_a_file_beyond_the_setting_is_refused_and_nobody_unknown_uploads(database: Database) -> None:
    settings = load_settings({"KEPU_UPLOAD_MOST_MB": "1", "KEPU_UPLOAD_DAY_MB": "3"})
    quota = Quota.of(settings)
    assert (quota.file_bytes, quota.day_bytes) == (1 << 20, 3 << 20)
    with database.begin() as connection:
        accounts(connection, "li")
        with pytest.raises(UploadRefused) as caught:
            store.insist_quota(connection, "li", (1 << 20) + 1, quota)
        assert caught.value.problem is UploadProblem.TOO_LARGE
        with pytest.raises(BadRecord, match="nobody"):
            store.insist_quota(connection, "nobody", 1, quota)
        with pytest.raises(UnknownUpload):
            store.get(connection, "none")
