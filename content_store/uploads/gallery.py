"""The pictures of one document: each judged once, however often it is shown, and all within common bounds."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Mapping
from urllib.parse import unquote

from content_store.errors import UploadRefused
from content_store.upload_words import UploadProblem, UploadWarning
from content_store.uploads import bounds
from content_store.uploads.addresses import address, digest_of
from content_store.uploads.picture_headers import Header, read_header
from content_store.uploads.pictures import check_picture
from content_store.uploads.shapes import Picture

_OUTSIDE = "http://outside.invalid/"
"""Stands for a picture on another site whose address is not known any more."""
_NOWHERE = "nowhere"
_DATA = re.compile(
    r"data:image/[\w.+-]{1,40}(?:;[\w=.-]{1,40})*;base64,"
    r"((?:[A-Za-z0-9+/=_-]++(?:\s(?=[A-Za-z0-9+/=]))?|%[0-9A-Fa-f]{2}|\s(?=[A-Za-z0-9+/=]))*)"
)


class Gallery:
    """``beside`` are pictures that were uploaded with the document, by their file names.

    ``warnings`` tells of pictures that were left out, in their order, and why.
    """

    def __init__(self, beside: Mapping[str, Picture]) -> None:
        self._beside = {_file_name(name): picture for name, picture in beside.items()}
        self._by_source: dict[str, str] = {}
        self._pixels = 0
        self.pictures: dict[str, Picture] = {}
        self.warnings: list[tuple[UploadWarning, str]] = []

    def take(self, source: str, read: Callable[[], bytes]) -> str:
        """The address of the picture that ``read`` gives; ``source`` is what the document calls it, read once.

        One that is refused is left out and told. Raises UploadRefused where there are too many, or too large a whole.
        """
        if source not in self._by_source:
            if len(self._by_source) >= bounds.DOCUMENT_PICTURES:
                raise UploadRefused(
                    UploadProblem.TOO_MANY_PICTURES, f"there are more than {bounds.DOCUMENT_PICTURES} pictures"
                )
            self._by_source[source] = self._judged(source, read())
        return self._by_source[source]

    def outside(self) -> str:
        """The address that a picture on another site has here: one that is dropped."""
        return _OUTSIDE

    def without_data(self, text: str) -> str:
        """``text`` with the pictures that are written in it (``data:``, RFC 2397) taken out, addresses in place."""

        def taken(found: re.Match[str]) -> str:
            written = found[1]
            source = "data " + hashlib.sha256(written.encode()).hexdigest()[:16]
            return self.take(source, lambda: _decoded(written))

        return _DATA.sub(taken, text)

    def find(self, src: str) -> Picture | None:
        """The picture that an address in the document means: one of its own, or one beside it; None for any other."""
        digest = digest_of(src)
        if digest is not None:
            return self.pictures.get(digest) or next((p for p in self._beside.values() if p.digest == digest), None)
        return None if ":" in src.split("/", 1)[0] else self._beside.get(_file_name(src))

    def keep(self, picture: Picture) -> None:
        """``picture`` is shown."""
        self.pictures.setdefault(picture.digest, picture)

    def warn(self, warning: UploadWarning, about: str) -> None:
        """Tell the creator of something."""
        self.warnings.append((warning, about))

    def _count(self, header: Header) -> None:
        self._pixels += header.width * header.height
        if self._pixels > bounds.DOCUMENT_PIXELS:
            raise UploadRefused(UploadProblem.TOO_MANY_PICTURES, "the pictures have too many pixels together")

    def _judged(self, source: str, data: bytes) -> str:
        if not data:
            self.warn(UploadWarning.MISSING_PICTURE, source)
            return _NOWHERE
        try:
            self._count(read_header(data))
            picture = check_picture(data)
        except UploadRefused as error:
            if error.problem is UploadProblem.TOO_MANY_PICTURES:
                raise  # it is the document that is refused, not the picture
            self.warn(UploadWarning.BAD_PICTURE, f"{source}: {error.message}")
            return _NOWHERE
        if picture.animated:
            self.warn(UploadWarning.ANIMATION, source)
        self.keep(picture)
        return address(picture.digest)


def is_nowhere(src: str) -> bool:
    """Whether the address stands for a picture that was left out and told of."""
    return src == _NOWHERE


def is_outside(src: str) -> bool:
    """Whether the address is on another site."""
    return src.startswith(("http:", "https:", "//"))


def _file_name(name: str) -> str:
    return re.split(r"[\\/]", unquote(name.split("?", 1)[0].split("#", 1)[0]))[-1].strip().casefold()


def _decoded(written: str) -> bytes:
    try:
        return base64.b64decode(re.sub(r"\s", "", unquote(written)).translate({45: "+", 95: "/"}) + "==")
    except (binascii.Error, ValueError):
        return b""
