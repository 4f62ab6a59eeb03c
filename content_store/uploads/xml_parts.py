"""The XML inside a document, looked through before anybody builds a tree of it.

A document type declaration is refused before it is read, and with it entities of any kind: those that grow (billion
laughs) and those that open files or addresses (XXE).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from xml.parsers import expat

from content_store.errors import UploadRefused
from content_store.upload_words import UploadProblem
from content_store.uploads import bounds

_TOLD = frozenset({"Relationship", "Override", "Default"})
"""Elements whose attributes are of interest."""


@dataclass(slots=True)
class Seen:
    """What was met in all parts so far: ``names`` counts elements by their local names, ``size`` elements and attributes."""

    names: Counter[str] = field(default_factory=Counter)
    size: int = 0


def look_through(data: bytes, seen: Seen) -> list[dict[str, str]]:
    """Look through one part, counting into ``seen``; returns the attributes of relationships and content types.

    Raises UploadRefused for what is no XML, has a document type, or is too deep or too large.
    """
    told: list[dict[str, str]] = []
    depth = 0

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        seen.size += 1 + len(attributes)
        if depth > bounds.XML_DEPTH or seen.size > bounds.XML_ELEMENTS:
            raise UploadRefused(UploadProblem.TOO_COMPLEX, "the document has too many elements, or too deep ones")
        local = name.rpartition(":")[2]
        seen.names[local] += 1
        if local in _TOLD:
            told.append(attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise UploadRefused(UploadProblem.DOCTYPE, "the document has a document type declaration")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise UploadRefused(UploadProblem.BROKEN, f"the document's XML is broken: {error}") from error
    except (LookupError, ValueError) as error:
        raise UploadRefused(UploadProblem.BROKEN, f"the document's XML is in no known encoding: {error}") from error
    return told
