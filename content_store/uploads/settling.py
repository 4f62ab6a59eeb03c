"""What becomes of the pictures and links in sanitised HTML: pictures are ours or go, links lead to the web or go."""

from __future__ import annotations

import re
from html import escape

from content_store.ingest.markup import Tag, tokens
from content_store.ingest.sanitising import clean_html, plain_text
from content_store.upload_words import UploadWarning
from content_store.uploads import gallery as galleries
from content_store.uploads.gallery import Gallery, digest_of

_ATTRIBUTES = r"((?:\s[a-z]+=\"[^\"]*\")*)"
_IMAGE = re.compile(rf"<img{_ATTRIBUTES}>")
_LINK = re.compile(rf"<a{_ATTRIBUTES}>(.*?)</a>", re.DOTALL)
_FIRST_HEADING = re.compile(r"\s*(?:<(?:div|section)>\s*)*<h1[^>]*>(.*?)</h1>", re.DOTALL)
_ANY_HEADING = re.compile(r"<h1[^>]*>(.*?)</h1>", re.DOTALL)
_FILE_NAME = re.compile(r"[\w .()（）-]*\.(?:jpe?g|png|gif|webp|bmp|tiff?|heic)|(?:image|img|图片|截图|微信图片)[\s_-]*\d*", re.I)
_MOST_SIDE = 9_999
_LONGEST_TITLE = 200


def settle(html: str, gallery: Gallery) -> str:
    """Sanitised ``html`` whose pictures are those of ``gallery`` and whose links lead to the web; the rest is told there."""
    return clean_html(_LINK.sub(lambda found: _link(found, gallery), _IMAGE.sub(lambda f: _image(f, gallery), html)))


def pictures_in(html: str) -> list[str]:
    """The digests of the pictures of ours that sanitised ``html`` shows, each once, in their order."""
    found = (digest_of(picture.get("src", "")) for picture in _images(html))
    return list(dict.fromkeys(digest for digest in found if digest))


def missing_alt(html: str) -> list[str]:
    """The addresses of the pictures in sanitised ``html`` that lack a text which tells what they show.

    A file's name is none. Publishing asks here, so that no picture goes out in silence.
    """
    return [picture.get("src", "") for picture in _images(html) if not _tells(picture.get("alt", ""))]


def take_title(html: str) -> tuple[str, str]:
    """The title that the first heading of sanitised ``html`` gives, or an empty text; and the HTML without that heading
    where it is the beginning."""
    found = _FIRST_HEADING.match(html)
    anywhere = found or _ANY_HEADING.search(html)
    title = re.sub(r"\s+", " ", plain_text(anywhere[1])).strip()[:_LONGEST_TITLE] if anywhere else ""
    if not title or found is None or "<img" in found[1]:
        return title, html
    return title, clean_html(html[: found.start(0)] + found[0][: found[0].rindex("<h1")] + html[found.end() :])


def _images(html: str) -> list[dict[str, str]]:
    return [token.attributes() for token in tokens(html) if isinstance(token, Tag) and token.name == "img"]


def _tells(alt: str) -> bool:
    return bool(alt.strip()) and not _FILE_NAME.fullmatch(alt.strip())


def _image(found: re.Match[str], gallery: Gallery) -> str:
    given = Tag("img", False, found[1]).attributes()
    src = given.get("src", "")
    picture = gallery.find(src)
    if picture is None:
        if galleries.is_outside(src):
            gallery.warn(UploadWarning.EXTERNAL_PICTURE, "" if src == gallery.outside() else src[:200])
        elif not galleries.is_nowhere(src):
            gallery.warn(UploadWarning.MISSING_PICTURE, src[:200])
        return ""
    gallery.keep(picture)
    alt = re.sub(r"\s+", " ", given.get("alt", "")).strip()
    if not _tells(alt):
        gallery.warn(UploadWarning.MISSING_ALT, galleries.address(picture.digest))
        alt = ""
    size = f' width="{picture.width}" height="{picture.height}"' if picture.height <= _MOST_SIDE else ""
    return f'<img src="{galleries.address(picture.digest)}" alt="{escape(alt)}"{size}>'


def _link(found: re.Match[str], gallery: Gallery) -> str:
    href = Tag("a", False, found[1]).attributes().get("href", "")
    if href.startswith(("http:", "https:", "mailto:", "/contents/")):
        return found[0]
    gallery.warn(UploadWarning.DROPPED_LINK, href[:200])
    return found[2]
