"""What sources said, as they said it: kept for audit, whatever became of it here.

Of each item that is new, changed or a copy the feed's document is kept, and that of the page where its words were
taken from there: the bytes as they were once unpacked from the transfer, with where and when they came. The same bytes
are kept once, compressed. Most of a feed is what it said the last time: a long one is kept in parts that begin where
its items do, each part once. Rows are neither changed nor deleted; a feed that is forgotten leaves them where they are.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import schema, statements
from content_store.errors import DatabaseError, UnknownOriginal
from content_store.ingest.fetching import Fetched
from content_store.ingest.parsed import ParsedItem
from content_store.kept_words import KeptPart

_LEVEL = 6
_HIGHEST = 2**63 - 1
_LONG = 8 * 1024
"""Bytes from which on a document is kept in parts."""
_LEAST_PART = 1024
_DIGEST = 32
_BEGIN = re.compile(rb'<(?:\w{1,20}:)?(?:item|entry)[\s>]|\{\s{0,40}"(?:id|url|title|content_html)"\s{0,9}:')
"""Where an item of a feed begins: RSS, RDF and Atom, JSON Feed."""
_files, _originals = schema.fetched_files, schema.fetched_originals


@dataclass(frozen=True, slots=True, kw_only=True)
class Original:
    """A document without its bytes, of which there are ``size``; ``digest`` is their SHA-256, ``fetched_at`` epoch ms.

    ``feed_id`` is the feed that it came by, ``guid`` what the item is called there.
    """

    id: int
    content_id: str
    feed_id: str
    guid: str | None
    part: KeptPart
    url: str
    content_type: str
    digest: str
    size: int
    fetched_at: int


def keep(
    connection: Connection,
    feed_id: str,
    feed: Fetched,
    pages: Mapping[tuple[str, str], Fetched],
    items: Iterable[tuple[ParsedItem, str]],
) -> None:
    """Keep ``feed`` for each of ``items``, given with the id of the content that it is, and its page where it is among
    ``pages``, which are told by the ``key`` of their item."""
    rows: list[dict[str, Any]] = []
    digests: dict[Fetched, str] = {}
    for item, content_id in items:
        page = pages.get(item.key)
        for part, came in ((KeptPart.FEED, feed), (KeptPart.PAGE, page)):
            if came is None:
                continue
            if came not in digests:
                digests[came] = _keep_file(connection, came.body)
            told: dict[str, Any] = {
                "content_id": content_id,
                "feed_id": feed_id,
                "guid": item.guid or None,
                "part": part,
            }
            told |= {"url": came.url, "content_type": _media_type(came), "fetched_at": came.at}
            rows.append(told | {"digest": digests[came]})
    if rows:
        connection.execute(sa.insert(_originals), rows)


def of_content(connection: Connection, content_id: str) -> list[Original]:
    """What is kept of a content, the newest first."""
    query = _query().where(_originals.c.content_id == content_id).order_by(_originals.c.id.desc())
    return [_original(row) for row in connection.execute(query)]


def get(connection: Connection, content_id: str, id: int) -> Original:
    """One that is kept of the content. Raises UnknownOriginal."""
    mine = sa.and_(_originals.c.content_id == content_id, _originals.c.id == min(id, _HIGHEST))
    row = connection.execute(_query().where(mine)).one_or_none()
    if row is None:
        raise UnknownOriginal(f"no original {id} is kept of content {content_id}")
    return _original(row)


def read(connection: Connection, original: Original) -> bytes:
    """Its bytes, as they came. Raises DatabaseError where they are not any more."""
    data = _joined(connection, original.digest)
    if hashlib.sha256(data).hexdigest() != original.digest:
        raise DatabaseError(f"what is kept as {original.digest} is something else", hint="look at the backups")
    return data


def _keep_file(connection: Connection, body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    if _there(connection, [digest]):
        return digest
    parts = list(_parts(body))
    rows: dict[str, dict[str, Any]] = {}
    if len(parts) > 1:
        named = [(hashlib.sha256(part).digest(), part) for part in parts]
        known = _there(connection, [name.hex() for name, _ in named])
        rows = {name.hex(): _row(name.hex(), part) for name, part in named if name.hex() not in known}
        told = {"digest": digest, "size": len(body), "whole": False, "data": b"".join(name for name, _ in named)}
    else:
        told = _row(digest, body)
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(_files).on_conflict_do_nothing(index_elements=["digest"]), [*rows.values(), told])
    return digest


def _parts(body: bytes) -> Iterator[bytes]:
    """``body`` cut where its items begin, into parts that are not too small; what is before the first is its head."""
    begin = 0
    for found in _BEGIN.finditer(body) if len(body) > _LONG else ():
        if found.start() - begin >= (_LEAST_PART if begin else 1):
            yield body[begin : found.start()]
            begin = found.start()
    yield body[begin:]


def _row(digest: str, data: bytes) -> dict[str, Any]:
    return {"digest": digest, "size": len(data), "whole": True, "data": zlib.compress(data, _LEVEL)}


def _there(connection: Connection, digests: Collection[str]) -> set[str]:
    found: set[str] = set()
    for some in statements.chunks(digests):
        found.update(connection.execute(sa.select(_files.c.digest).where(_files.c.digest.in_(some))).scalars())
    return found


def _joined(connection: Connection, digest: str) -> bytes:
    whole, data = _stored(connection, [digest])[digest]
    if whole:
        return zlib.decompress(data)
    names = [data[at : at + _DIGEST].hex() for at in range(0, len(data), _DIGEST)]
    parts = _stored(connection, set(names))
    # A part may be a document of its own, which is kept in parts itself; each is shorter than the one that it is of.
    return b"".join(
        zlib.decompress(data) if whole else _joined(connection, name) for name in names for whole, data in [parts[name]]
    )


def _stored(connection: Connection, digests: Collection[str]) -> dict[str, tuple[bool, bytes]]:
    found: dict[str, tuple[bool, bytes]] = {}
    for some in statements.chunks(digests):
        query = sa.select(_files.c.digest, _files.c.whole, _files.c.data).where(_files.c.digest.in_(some))
        found.update({digest: (whole, bytes(data)) for digest, whole, data in connection.execute(query)})
    return found


def _media_type(came: Fetched) -> str:
    return f"{came.content_type}; charset={came.charset}" if came.charset else came.content_type


def _query() -> Any:
    return sa.select(_originals, _files.c.size).join(_files, _files.c.digest == _originals.c.digest)


def _original(row: Any) -> Original:
    return Original(**(dict(row._mapping) | {"part": KeptPart(row.part)}))
