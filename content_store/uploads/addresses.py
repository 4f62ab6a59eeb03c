"""Addresses of pictures of ours, and which of them sanitised HTML shows."""

from __future__ import annotations

import re

from content_store.ingest.markup import Tag, tokens

FOLDER = "/pictures/"
"""What the address of every picture of ours begins with; its digest follows."""

_ADDRESS = re.compile(re.escape(FOLDER) + r"([0-9a-f]{64})(?:/\d{1,5})?")
_FILE_NAME = re.compile(
    r"[\w .()（）-]*\.(?:jpe?g|png|gif|webp|bmp|tiff?|heic)|(?:image|img|图片|截图|微信图片)[\s_-]*\d*", re.IGNORECASE
)


def address(digest: str) -> str:
    """Where a picture of ours is served, at its widest."""
    return f"{FOLDER}{digest}"


def digest_of(src: str) -> str | None:
    """The digest in the address of a picture of ours; None for any other address."""
    found = _ADDRESS.fullmatch(src)
    return found[1] if found else None


def pictures_in(html: str) -> list[str]:
    """The digests of the pictures of ours that sanitised ``html`` shows, each once, in their order."""
    found = (digest_of(picture.get("src", "")) for picture in _images(html))
    return list(dict.fromkeys(digest for digest in found if digest))


def tells(alt: str) -> bool:
    """Whether an alternative text says something: a file's name, or 图片 1, does not."""
    return bool(alt.strip()) and not _FILE_NAME.fullmatch(alt.strip())


def _images(html: str) -> list[dict[str, str]]:
    return [token.attributes() for token in tokens(html) if isinstance(token, Tag) and token.name == "img"]
