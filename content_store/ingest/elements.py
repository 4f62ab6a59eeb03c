"""Cleaned HTML as a tree."""

from __future__ import annotations

from dataclasses import dataclass, field

from content_store.ingest.markup import VOID, tokens


@dataclass(slots=True)
class Element:
    """An element with its attributes, and what is in it: elements and texts."""

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Element | str] = field(default_factory=list)


def tree_of(html: str) -> Element:
    """What ``clean_html`` leaves, as the children of an element without a name; an end without a beginning is passed
    over."""
    root = Element("")
    opened = [root]
    for token in tokens(html):
        if isinstance(token, str):
            opened[-1].children.append(token)
        elif not token.closing:
            found = Element(token.name, token.attributes())
            opened[-1].children.append(found)
            if token.name not in VOID:
                opened.append(found)
        elif any(element.name == token.name for element in opened[1:]):
            while opened.pop().name != token.name:
                pass
    return root
