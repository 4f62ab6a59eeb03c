"""What uploads become, as values: apart from the libraries that make them, for whoever only keeps or shows them."""

from __future__ import annotations

from dataclasses import dataclass

from content_store.upload_words import UploadKind, UploadWarning


@dataclass(frozen=True, slots=True)
class Rendition:
    """The same picture, narrower."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of ours. ``digest`` is the SHA-256 of ``data`` in hexadecimal, by which it is known everywhere.

    ``smaller`` are narrower renditions of the same ``media_type``; ``animated`` tells that the upload moved, of which
    the first picture was kept.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    digest: str
    smaller: tuple[Rendition, ...]
    animated: bool = False


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that the creator should know; ``about`` names what it is about, or is empty."""

    warning: UploadWarning
    about: str


@dataclass(frozen=True, slots=True)
class Document:
    """A work read: ``html`` is sanitised, ``plain`` what is to be read of it, ``pictures`` all that it shows."""

    kind: UploadKind
    title: str
    html: str
    plain: str
    pictures: tuple[Picture, ...]
    warnings: tuple[Warned, ...]
