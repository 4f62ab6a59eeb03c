"""What was uploaded and the pictures made of it, as records: originals kept for audit, pictures known by their digest.

An original is kept as it came, with who uploaded it, when, and what they called it, and is never served. The same bytes
are kept once. A picture is kept once too, however many works show it; one that no work shows goes after a while
(``drop_orphans``). What a content has once shown stays, so that older versions of it stay whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import clock, ids, schema, statements
from content_store.errors import BadRecord, UnknownPicture, UnknownUpload, UploadRefused
from content_store.settings import Settings
from content_store.upload_words import UploadKind, UploadProblem
from content_store.uploads.addresses import address, digest_of, pictures_in
from content_store.uploads.bounds import MIB
from content_store.uploads.names import shown_name
from content_store.uploads.shapes import Document, Picture, Rendition
from content_store.vocabulary import ContentStatus

ORPHANS_KEPT_DAYS = 30
"""Days for which a picture waits for a work that shows it: drafts are written slowly."""
_WIDEST = 100_000

_uploads, _files = schema.uploads, schema.upload_files
_pictures, _renditions, _shown = schema.pictures, schema.picture_files, schema.content_pictures


@dataclass(frozen=True, slots=True)
class Quota:
    """Bytes of one upload, and of all uploads of an account in a Shanghai day."""

    file_bytes: int
    day_bytes: int

    @classmethod
    def of(cls, settings: Settings) -> Quota:
        """What the settings allow."""
        return cls(settings.upload_most_mb * MIB, settings.upload_day_mb * MIB)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """An original without its bytes: ``digest`` is their SHA-256, ``at`` epoch ms, ``name`` text and no path."""

    id: str
    account_id: str
    kind: UploadKind
    name: str
    digest: str
    size: int
    content_id: str | None
    at: int


@dataclass(frozen=True, slots=True)
class Served:
    """A picture at one width, as it is answered."""

    media_type: str
    width: int
    height: int
    data: bytes


def insist_quota(connection: Connection, account_id: str, size: int, quota: Quota) -> None:
    """Let an account upload ``size`` more bytes today; asked before an upload is read, and again when it is kept.

    Raises UploadRefused where that is too much, BadRecord where there is no such account.
    """
    if size > quota.file_bytes:
        raise UploadRefused(UploadProblem.TOO_LARGE, f"the file has {size:,} bytes, more than are taken")
    # Whoever uploads twice at once waits here, so that the two are counted together.
    account = sa.select(schema.accounts.c.id).where(schema.accounts.c.id == account_id).with_for_update()
    if connection.execute(account).one_or_none() is None:
        raise BadRecord(f"no account has the id {account_id}")
    if used_today(connection, account_id) + size > quota.day_bytes:
        raise UploadRefused(UploadProblem.DAY_QUOTA, f"account {account_id} has uploaded all it may today")


def used_today(connection: Connection, account_id: str) -> int:
    """Bytes that the account has uploaded since the Shanghai day began."""
    since = clock.start_of_day_ms(clock.today())
    mine = sa.and_(_uploads.c.account_id == account_id, _uploads.c.at >= since)
    return int(
        connection.execute(sa.select(sa.func.coalesce(sa.func.sum(_uploads.c.size), 0)).where(mine)).scalar_one()
    )


def keep_work(
    connection: Connection,
    *,
    account_id: str,
    name: str,
    data: bytes,
    document: Document,
    quota: Quota,
    content_id: str | None = None,
) -> Upload:
    """Keep a work as it came and its pictures; where it became a content, that content shows them from now on.

    Raises as ``keep_original`` and ``refer``.
    """
    upload = keep_original(
        connection,
        account_id=account_id,
        name=name,
        kind=document.kind,
        data=data,
        quota=quota,
        content_id=content_id,
    )
    keep_pictures(connection, document.pictures)
    if content_id is not None:
        refer(connection, content_id, document.html)
    return upload


def keep_original(
    connection: Connection,
    *,
    account_id: str,
    name: str,
    kind: UploadKind,
    data: bytes,
    quota: Quota,
    content_id: str | None = None,
) -> Upload:
    """Keep what was uploaded as it came. Raises UploadRefused beyond the quota, BadRecord for an unknown account."""
    insist_quota(connection, account_id, len(data), quota)
    digest = hashlib.sha256(data).hexdigest()
    connection.execute(
        _insert(connection, _files).on_conflict_do_nothing(index_elements=["digest"]), {"digest": digest, "data": data}
    )
    upload = Upload(
        id=ids.new_id(),
        account_id=account_id,
        kind=kind,
        name=shown_name(name),
        digest=digest,
        size=len(data),
        content_id=content_id,
        at=clock.now_ms(),
    )
    row = {name: getattr(upload, name) for name in _uploads.c.keys()}  # noqa: SIM118 - columns, not a dict
    connection.execute(sa.insert(_uploads), row)
    return upload


def keep_pictures(connection: Connection, pictures: Iterable[Picture]) -> None:
    """Keep pictures, each once; one that was kept before waits for a work as if it were new."""
    for picture in pictures:
        told = {"digest": picture.digest, "media_type": picture.media_type, "kept_at": clock.now_ms()}
        told |= {"width": picture.width, "height": picture.height}
        kept = _insert(connection, _pictures)
        again = {"kept_at": kept.excluded.kept_at}
        connection.execute(kept.on_conflict_do_update(index_elements=["digest"], set_=again), told)
        widest = Rendition(picture.width, picture.height, picture.data)
        rows = [
            {"digest": picture.digest, "width": part.width, "height": part.height, "data": part.data}
            for part in (widest, *picture.smaller)
        ]
        part = _insert(connection, _renditions).on_conflict_do_nothing(index_elements=["digest", "width"])
        connection.execute(part, rows)


def refer(connection: Connection, content_id: str, html: str) -> list[str]:
    """The content shows the pictures of ours that sanitised ``html`` shows; returns their digests.

    Raises UnknownPicture where one of them is not kept.
    """
    digests = pictures_in(html)
    known = set(connection.execute(sa.select(_pictures.c.digest).where(_pictures.c.digest.in_(digests))).scalars())
    if missing := [digest for digest in digests if digest not in known]:
        raise UnknownPicture(f"no picture has the digest {missing[0]}", hint="upload it again")
    if digests:
        rows = [{"content_id": content_id, "digest": digest} for digest in digests]
        once = _insert(connection, _shown).on_conflict_do_nothing(index_elements=["content_id", "digest"])
        connection.execute(once, rows)
    return digests


def serve(connection: Connection, digest: str, width: int | None = None) -> Served:
    """The picture at the width given, or at its widest.

    Raises UnknownPicture where there is none, and where all contents that show it are withdrawn.
    """
    if digest_of(address(digest)) is None or (width is not None and not 0 < width <= _WIDEST):
        raise UnknownPicture(f"{digest[:80]!r} is no digest of a picture, or {width} no width of one")
    wanted = _pictures.c.width if width is None else width
    found = (
        sa.select(_pictures.c.media_type, _renditions.c.width, _renditions.c.height, _renditions.c.data)
        .join(_renditions, sa.and_(_renditions.c.digest == _pictures.c.digest, _renditions.c.width == wanted))
        .where(_pictures.c.digest == digest, _may_be_shown())
    )
    row = connection.execute(found).one_or_none()
    if row is None:
        raise UnknownPicture(f"no picture that may be shown has the digest {digest} and that width")
    return Served(row.media_type, row.width, row.height, bytes(row.data))


def sizes(connection: Connection, digests: Collection[str]) -> dict[str, tuple[tuple[int, int], ...]]:
    """The widths and heights in which each of the pictures is kept, ascending; unknown ones are left out."""
    found: dict[str, list[tuple[int, int]]] = {}
    columns = (_renditions.c.digest, _renditions.c.width, _renditions.c.height)
    for part in statements.chunks(digests):
        rows = sa.select(*columns).where(_renditions.c.digest.in_(part))
        for digest, width, height in connection.execute(rows.order_by(_renditions.c.width)):
            found.setdefault(digest, []).append((width, height))
    return {digest: tuple(each) for digest, each in found.items()}


def find_picture(connection: Connection, data: bytes) -> Picture | None:
    """The picture of ours whose very bytes somebody uploads again: encoding it anew would only make it worse."""
    digest = hashlib.sha256(data).hexdigest()
    row = connection.execute(sa.select(_pictures).where(_pictures.c.digest == digest)).one_or_none()
    if row is None:
        return None
    parts = connection.execute(
        sa.select(_renditions).where(_renditions.c.digest == digest).order_by(_renditions.c.width)
    )
    smaller = tuple(Rendition(part.width, part.height, bytes(part.data)) for part in parts if part.width < row.width)
    return Picture(data, row.media_type, row.width, row.height, digest, smaller)


def drop_orphans(connection: Connection, before: int) -> int:
    """Delete the pictures that were kept before the instant (epoch ms) and that no content ever showed; how many."""
    never = ~sa.exists().where(_shown.c.digest == _pictures.c.digest)
    return statements.affected(connection, sa.delete(_pictures).where(_pictures.c.kept_at < before, never))


def get(connection: Connection, id: str) -> Upload:
    """The upload with this id. Raises UnknownUpload."""
    row = connection.execute(sa.select(_uploads).where(_uploads.c.id == id)).one_or_none()
    if row is None:
        raise UnknownUpload(f"no upload has the id {id}")
    return _upload(row)


def original(connection: Connection, id: str) -> bytes:
    """The bytes of the upload with this id, as they came. Raises UnknownUpload."""
    digest = get(connection, id).digest
    return bytes(connection.execute(sa.select(_files.c.data).where(_files.c.digest == digest)).scalar_one())


def of_content(connection: Connection, content_id: str) -> list[Upload]:
    """What was uploaded for a content, the oldest first."""
    rows = sa.select(_uploads).where(_uploads.c.content_id == content_id).order_by(_uploads.c.at, _uploads.c.id)
    return [_upload(row) for row in connection.execute(rows)]


def _may_be_shown() -> Any:
    """No content shows the picture yet, or one that is not withdrawn does."""
    shows = sa.select(_shown.c.digest).where(_shown.c.digest == _pictures.c.digest)
    there = shows.join(schema.contents, schema.contents.c.id == _shown.c.content_id).where(
        schema.contents.c.status != ContentStatus.WITHDRAWN
    )
    return sa.or_(~shows.exists(), there.exists())


def _insert(connection: Connection, table: sa.Table) -> Any:
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def _upload(row: Any) -> Upload:
    return Upload(**(dict(row._mapping) | {"kind": UploadKind(row.kind)}))
