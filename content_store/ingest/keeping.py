"""What sources said, as they said it: kept for audit, whatever became of it here.

Of each item that is new, changed or a copy the feed's document is kept, and that of the page where its words were
taken from there: the bytes as they were once unpacked from the transfer, with where and when they came. The same bytes
are kept once, compressed. Rows are neither changed nor deleted; a feed that is forgotten leaves them where they are.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection

from content_store import schema
from content_store.errors import UnknownOriginal
from content_store.ingest.fetching import Fetched
from content_store.ingest.parsed import ParsedItem
from content_store.kept_words import KeptPart

_LEVEL = 6
_HIGHEST = 2**63 - 1
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
            told = {"content_id": content_id, "feed_id": feed_id, "guid": item.guid or None, "part": part}
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
    """Its bytes, as they came."""
    packed = connection.execute(sa.select(_files.c.data).where(_files.c.digest == original.digest)).scalar_one()
    return zlib.decompress(bytes(packed), bufsize=max(1, original.size))


def _keep_file(connection: Connection, body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    if connection.execute(sa.select(sa.exists().where(_files.c.digest == digest))).scalar_one():
        return digest
    insert: Any = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    row = {"digest": digest, "size": len(body), "data": zlib.compress(body, _LEVEL)}
    connection.execute(insert(_files).on_conflict_do_nothing(index_elements=["digest"]), row)
    return digest


def _media_type(came: Fetched) -> str:
    return f"{came.content_type}; charset={came.charset}" if came.charset else came.content_type


def _query() -> Any:
    return sa.select(_originals, _files.c.size).join(_files, _files.c.digest == _originals.c.digest)


def _original(row: Any) -> Original:
    return Original(**(dict(row._mapping) | {"part": KeptPart(row.part)}))
