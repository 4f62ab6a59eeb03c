"""What an upload is, by its content alone: neither its name nor a declared type is asked."""

from __future__ import annotations

import re

from content_store.errors import UploadRefused
from content_store.ingest.encodings import decode
from content_store.upload_words import UploadKind, UploadProblem
from content_store.uploads.picture_headers import is_picture

ZIP = b"PK\x03\x04"
_ZIP_END = b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_PDF_HEADER_WITHIN = 1_024
_OTHERS = (
    (b"{\\rtf", "RTF"),
    (b"\x1f\x8b", "gzip"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"Rar!", "RAR"),
    (b"MZ", "a Windows programme"),
    (b"\x7fELF", "a programme"),
    (b"SQLite format 3\0", "a database"),
)
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f]")
_UNREADABLE = "\ufffd"
_MOST_UNREADABLE = 0.01
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*|<\?xml[^>]*>\s*)*<(?:!doctype\s+html|html|head|body)[\s>]", re.I | re.DOTALL)
_FRAGMENT = re.compile(
    r"\s*<(?:p|div|section|article|main|header|h[1-6]|table|ul|ol|dl|blockquote|figure|pre|style|meta)[\s>]", re.I
)
_LOOKED_AT = 20_000
"""Characters in which a document must show that it is HTML."""


def kind_of(data: bytes) -> UploadKind:
    """DOCX for any ZIP file, PICTURE, or MARKDOWN for what must be text.

    Raises UploadRefused for what is well known and not taken, and for what is two things at once.
    """
    if not data.strip(b"\0 \t\r\n"):
        raise UploadRefused(UploadProblem.EMPTY, "the file is empty")
    if data.startswith(ZIP):
        return UploadKind.DOCX
    if data.startswith(_OLE):
        if _ENCRYPTED_PACKAGE in data:
            raise UploadRefused(UploadProblem.ENCRYPTED, "the document is protected by a password")
        raise UploadRefused(UploadProblem.OLD_WORD, "the file is of an old kind of Word")
    if is_picture(data):
        return UploadKind.PICTURE
    if b"%PDF-" in data[:_PDF_HEADER_WITHIN]:
        raise UploadRefused(UploadProblem.UNKNOWN_KIND, "the file is PDF")
    for beginning, name in _OTHERS:
        if data.startswith(beginning):
            raise UploadRefused(UploadProblem.UNKNOWN_KIND, f"the file is {name}")
    if ZIP in data or _ZIP_END in data:
        raise UploadRefused(UploadProblem.POLYGLOT, "the file holds a ZIP file behind its beginning")
    return UploadKind.MARKDOWN


def text_of(data: bytes) -> str:
    """The text of a document that must be text. Raises UploadRefused for what is none in any encoding."""
    text = decode(data).text
    if _NO_TEXT.search(text):
        raise UploadRefused(UploadProblem.UNKNOWN_KIND, "the file is no text")
    if text.count(_UNREADABLE) > _MOST_UNREADABLE * len(text):
        raise UploadRefused(UploadProblem.UNREADABLE, "the text is in no encoding that is known")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_html(text: str) -> bool:
    """Whether a text is HTML and not Markdown: it declares itself, or begins and ends with markup of blocks."""
    head = text[:_LOOKED_AT]
    return bool(_HTML.match(head)) or bool(_FRAGMENT.match(head) and text.rstrip().endswith(">"))
