"""Word documents (DOCX, ISO/IEC 29500) → HTML that is not sanitised yet, with the pictures in them.

mammoth reads a package of our own making: only the parts that it needs, each looked through before, and in the place of
each picture no more than its name. So it meets nothing that was not judged, and opens nothing.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import mammoth

from content_store.errors import UploadRefused
from content_store.upload_words import UploadProblem, UploadWarning
from content_store.uploads import bounds
from content_store.uploads.gallery import Gallery
from content_store.uploads.package import Package
from content_store.uploads.xml_parts import Seen, look_through

_CONTENT_TYPES = "[Content_Types].xml"
_PARTS = re.compile(r"(?:\[Content_Types\]|word/[^/]+)\.xml|(?:word/)?_rels/[^/]+\.rels")
"""What mammoth may ask for."""
_PASSED_OVER = frozenset({"word/settings.xml", "word/webSettings.xml", "word/fontTable.xml"})
_DOCUMENT = "wordprocessingml"
_MAIN = ".main+xml"
_MACROS = re.compile(r"macroenabled|vbaproject|activex", re.IGNORECASE)
_LOCAL_FILE = re.compile(r"(?:file:///)?[A-Za-z]:[\\/]|file:///(?!/)|[^:/\\]+$")
"""A file of the writer's own machine, which nobody here could open."""
_STYLES = "\n".join(
    ["p[style-name='Title'] => h1:fresh", "p[style-name='Subtitle'] => h2:fresh", "u => u", "strike => s"]
    + [f"p[style-name='标题 {level}'] => h{level}:fresh" for level in range(1, 7)]
)
_MEANT = {
    "oMath": UploadWarning.FORMULA,
    "chart": UploadWarning.OBJECT,
    "object": UploadWarning.OBJECT,
    "relIds": UploadWarning.OBJECT,
    "altChunk": UploadWarning.OBJECT,
    "del": UploadWarning.TRACKED_CHANGES,
    "ins": UploadWarning.TRACKED_CHANGES,
    "comment": UploadWarning.COMMENTS,
}
"""What the names of elements tell of what does not come along."""


@dataclass(frozen=True, slots=True)
class Read:
    """HTML as mammoth writes it, and how often what does not come along was met."""

    html: str
    lost: dict[UploadWarning, int]


def read_word(data: bytes, gallery: Gallery) -> Read:
    """The document in ``data``, its pictures put into ``gallery``. Raises UploadRefused."""
    with bounds.heavy:
        package = Package(data)
        seen = Seen()
        parts = _parts(package, seen)
        html = _converted(package, parts, gallery)
    lost: dict[UploadWarning, int] = {}
    for name, warning in _MEANT.items():
        if seen.names[name]:
            lost[warning] = lost.get(warning, 0) + seen.names[name]
    return Read(html, lost)


def _parts(package: Package, seen: Seen) -> dict[str, bytes]:
    """The parts for mammoth, looked through."""
    names = package.names
    if _CONTENT_TYPES not in names:
        raise UploadRefused(UploadProblem.UNKNOWN_KIND, "the ZIP file is no document")
    wanted = [_CONTENT_TYPES, *(name for name in names if _PARTS.fullmatch(name) and name != _CONTENT_TYPES)]
    parts, left = {}, bounds.XML_BYTES
    for name in wanted:
        part = package.read(name, left)
        left -= len(part)
        told = look_through(part, seen)
        if name == _CONTENT_TYPES:
            _judge_types(told)
        if name.endswith(".rels"):
            _judge_relationships(told)
        if name not in _PASSED_OVER:
            parts[name] = part
    return parts


def _judge_types(told: Iterable[dict[str, str]]) -> None:
    types = [entry.get("ContentType", "") for entry in told]
    if any(_MACROS.search(entry) for entry in types):
        raise UploadRefused(UploadProblem.MACROS, "the document has macros, or controls that run")
    if not any(_DOCUMENT in entry and entry.endswith(_MAIN) for entry in types):
        raise UploadRefused(UploadProblem.UNKNOWN_KIND, "the ZIP file is no Word document")


def _judge_relationships(told: Iterable[dict[str, str]]) -> None:
    """Links lead outside and pictures may (they are not fetched); a template on the writer's own machine is passed over."""
    for entry in told:
        if entry.get("TargetMode", "").strip().lower() != "external":
            continue
        kind, target = entry.get("Type", "").rpartition("/")[2], entry.get("Target", "")
        harmless = kind in ("hyperlink", "image") or (kind == "attachedTemplate" and _LOCAL_FILE.match(target))
        if not harmless:
            raise UploadRefused(UploadProblem.EXTERNAL, f"the document refers to something outside it ({kind[:40]!r})")


def _converted(package: Package, parts: dict[str, bytes], gallery: Gallery) -> str:
    known = set(package.names)

    def shown(image: Any) -> dict[str, str]:
        try:
            with image.open() as opened:
                name = opened.read().decode()
        except Exception:
            # mammoth refuses to open what is linked, and finds no entry for what is not there.
            return {"src": gallery.outside()}
        return {"src": gallery.take(name, lambda: package.read(name, bounds.PICTURE_BYTES) if name in known else b"")}

    try:
        found = mammoth.convert_to_html(
            _repacked(package, parts),
            convert_image=mammoth.images.img_element(shown),
            style_map=_STYLES,
            include_embedded_style_map=False,
            external_file_access=False,
        )
    except UploadRefused:
        raise
    except RecursionError as error:
        raise UploadRefused(UploadProblem.TOO_COMPLEX, "the document refers to itself, or is too deep") from error
    except Exception as error:
        # mammoth takes documents to be as Word writes them, and meets others with any kind of error.
        raise UploadRefused(UploadProblem.BROKEN, f"the Word document is broken: {error!r}") from error
    html: str = found.value
    return html


def _repacked(package: Package, parts: dict[str, bytes]) -> BytesIO:
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as made:
        for name, part in parts.items():
            made.writestr(name, part)
        for name in package.names:
            if name not in parts and not name.endswith((".xml", ".rels")):
                made.writestr(name, name.encode())
    written.seek(0)
    return written
