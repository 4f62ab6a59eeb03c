"""Cleaned HTML as Markdown (CommonMark with tables and strikethrough), in which bodies are stored, edited and compared.

What Markdown has no sign for keeps its words. Signs of Markdown in the text are escaped: no word of a stranger becomes
a heading, a link or a tag when it is rendered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from content_store.ingest.elements import Element, tree_of

Node = Element | str

_SPECIAL = re.compile(r"[\\`*_\[\]<>~|&]")
_BANG = re.compile(r"!\Z")
_SPACE = re.compile(r"[ \t\r\n\f\v]+")
_LINE_START = re.compile(r"^(?:(#{1,6}(?=\s|$))|([-+](?=\s|$))|(\d{1,9})([.)](?=\s|$))|(=+\s*$|-+\s*$))")
_EDGES = re.compile(r"\A((?:\W|_)*)(.*?)((?:\W|_)*)\Z", re.DOTALL)
_PIPE = re.compile(r"(?<!\\)\|")
_LAST_SIGNS = re.compile(r"#+\Z")
_RUNS = re.compile(r"`+")
_UNSAFE = re.compile(r"[\s()<>\\`\"*_\[\]|]")
_SIGNS = frozenset("*~`")
_MARKS = {"strong": "**", "b": "**", "em": "*", "i": "*", "cite": "*", "dfn": "*", "del": "~~", "s": "~~"}
_WHOLE = frozenset({"a", "code", "img", "kbd", "samp", "br"})
"""What no mark is set around: its own signs stand at the edge."""
_RAISED = str.maketrans("0123456789+-=()n−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿ⁻")
_LOWERED = str.maketrans("0123456789+-=()−", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎₋")
_BLOCKS = frozenset(
    {"p", "div", "section", "figure", "figcaption", "details", "summary", "dl", "dt", "dd", "hr", "pre"}
)
_BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "table"}
_BLOCKS |= {"caption", "thead", "tbody", "tfoot", "tr", "td", "th"}
_BREAK = "\\\n"


def markdown_of(html: str) -> str:
    """``html`` as ``clean_html`` leaves it, as Markdown."""
    return "\n\n".join(_blocks(tree_of(html).children))


def _blocks(nodes: Sequence[Node]) -> list[str]:
    """Blocks, each without an empty line around it; what stands between blocks is a paragraph."""
    blocks: list[str] = []
    run: list[Node] = []
    before = ""
    for node in nodes:
        if isinstance(node, Element) and node.name in _BLOCKS:
            blocks += _paragraph(run)
            run = []
            made = _block(node, after=before if node.name == before else "")
            before = (node.name if before != node.name else "") if made else before
            blocks += made
        else:
            run.append(node)
            before = before if isinstance(node, str) and not node.strip() else ""
    return blocks + _paragraph(run)


def _block(element: Element, *, after: str) -> list[str]:
    """``after`` is the element's own name where one of its kind stands right before it, with the usual sign."""
    name = element.name
    if name in ("ul", "ol"):
        return _list(element, other=bool(after))
    if name == "blockquote":
        inner = "\n\n".join(_blocks(element.children))
        return [_indented(inner, "> ", "> ")] if inner else []
    if name == "pre":
        return _fenced(_words(element.children))
    if name == "table":
        return _table(element)
    if name == "hr":
        return ["---"]
    if name[0] == "h":
        title = _LAST_SIGNS.sub(r"\\\g<0>", _inline(element.children).replace(_BREAK, " ").strip())
        return [f"{'#' * int(name[1])} {title}"] if title else []
    return _blocks(element.children)


def _paragraph(nodes: Sequence[Node]) -> list[str]:
    text = _inline(nodes).strip()
    while text.endswith("\\") and not text.endswith("\\\\"):
        text = text[:-1].rstrip()
    lines = (_LINE_START.sub(_escaped_start, line.strip()) for line in text.split("\n"))
    text = "\n".join(line for line in lines if line not in ("", "\\"))
    return [text] if text else []


def _escaped_start(match: re.Match[str]) -> str:
    return f"{match[3]}\\{match[4]}" if match[3] else f"\\{match[0]}"


def _list(element: Element, *, other: bool) -> list[str]:
    """The list as one block; ``other`` takes the other sign, or it would go on with the list before it."""
    number = int(element.attributes["start"]) if element.attributes.get("start", "").isdigit() else 1
    items: list[str] = []
    tight = True
    for child in element.children:
        is_item = isinstance(child, Element) and child.name == "li"
        blocks = _blocks(child.children if isinstance(child, Element) and is_item else [child])
        if not blocks:
            continue
        tight = tight and all(block.lstrip()[:1] != "\n" for block in blocks) and len(blocks) == 1
        sign = f"{number}{')' if other else '.'} " if element.name == "ol" else "* " if other else "- "
        items.append(_indented("\n\n".join(blocks), sign, " " * len(sign)))
        number += 1
    return [("\n" if tight else "\n\n").join(items)] if items else []


def _indented(text: str, first: str, rest: str) -> str:
    lines = text.split("\n")
    return "\n".join(
        ((rest if at else first) + line).rstrip() if line or rest.strip() else "" for at, line in enumerate(lines)
    )


def _fenced(text: str) -> list[str]:
    if not text.strip():
        return []
    fence = "`" * max(3, 1 + max((len(run) for run in _RUNS.findall(text)), default=0))
    return [f"{fence}\n{text.strip(chr(10))}\n{fence}"]


def _table(element: Element) -> list[str]:
    """A table of Markdown: its first row is its head, its cells are lines."""
    blocks = _blocks(_beside_cells(element))
    rows = [[_cell(cell) for cell in _named(row, {"td", "th"})] for row in _named(element, {"tr"})]
    rows = [row for row in rows if row]
    if not rows:
        return blocks
    width = max(map(len, rows))
    lines = [f"| {' | '.join(row + [''] * (width - len(row)))} |" for row in rows]
    return [*blocks, "\n".join([lines[0], f"|{' --- |' * width}", *lines[1:]])]


def _beside_cells(element: Element) -> list[Node]:
    """What stands in a table but in no cell of it."""
    found: list[Node] = []
    for child in element.children:
        if isinstance(child, Element) and child.name in ("thead", "tbody", "tfoot", "tr"):
            found += _beside_cells(child)
        elif isinstance(child, str) or child.name not in ("td", "th"):
            found.append(child)
    return found


def _cell(element: Element) -> str:
    blocks = _blocks(element.children) if any(_is_block(child) for child in element.children) else None
    text = " ".join(blocks) if blocks is not None else _inline(element.children)
    # Pipes end a cell even within code.
    return _PIPE.sub(r"\|", _SPACE.sub(" ", text.replace(_BREAK, " "))).strip()


def _is_block(node: Node) -> bool:
    return isinstance(node, Element) and node.name in _BLOCKS


def _named(element: Element, names: set[str]) -> list[Element]:
    """The elements so named in ``element``, but for those of tables within it."""
    found: list[Element] = []
    for child in element.children:
        if isinstance(child, Element):
            if child.name in names:
                found.append(child)
            elif child.name != "table":
                found += _named(child, names)
    return found


def _inline(nodes: Sequence[Node], *, marks: bool = True) -> str:
    text = ""
    for node in nodes:
        piece = _piece(node, marks)
        if isinstance(node, Element) and text[-1:] in _SIGNS and piece[:1] in _SIGNS:
            piece = _piece(node, marks=False)  # two marks side by side would be read as one
        text += piece
    return re.sub(r" {2,}", " ", text)


def _piece(node: Node, marks: bool) -> str:
    if isinstance(node, str):
        return _BANG.sub(r"\!", _SPECIAL.sub(r"\\\g<0>", _SPACE.sub(" ", node)))
    name = node.name
    if name == "br":
        return _BREAK
    if name == "img":
        return _picture(node)
    if name in ("code", "kbd", "samp"):
        return _code(_words(node.children)) if marks else _inline(node.children, marks=False)
    if name == "a":
        return _link(node) if marks else _inline(node.children, marks=False)
    if name in ("sup", "sub"):
        return _shifted(node, marks)
    if name == "q":
        return f"“{_inline(node.children, marks=marks)}”"
    if name in ("rt", "rtc"):
        return f"（{_inline(node.children, marks=False)}）"
    if name in ("rp", "wbr"):
        return ""
    if name in _MARKS and marks and not _has(node, _WHOLE | _BLOCKS):
        return _marked(_inline(node.children, marks=False), _MARKS[name])
    return _inline(node.children, marks=marks)


def _marked(text: str, mark: str) -> str:
    """``text`` with ``mark`` around its words. Beside punctuation, as Chinese quotation marks are, a mark would not
    count as one (CommonMark, section 6.2), so that what stands at the edge is left outside."""
    found = _EDGES.match(text)
    if found is None or not found[2]:
        return text
    return f"{found[1]}{mark}{found[2]}{mark}{found[3]}"


def _link(element: Element) -> str:
    text = _SPACE.sub(" ", _inline(element.children, marks=False).replace(_BREAK, " ")).strip()
    address = element.attributes.get("href", "")
    if _has(element, {"img"}) or not text or not address:
        return _inline(element.children, marks=False)
    return f"[{text}]({_address(address)})"


def _picture(element: Element) -> str:
    alt = _SPECIAL.sub(r"\\\g<0>", _SPACE.sub(" ", element.attributes.get("alt", "")).strip())
    src = element.attributes.get("src", "")
    return f"![{alt}]({_address(src)})" if src else ""


def _address(address: str) -> str:
    return _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), address)


def _code(text: str) -> str:
    words = _SPACE.sub(" ", text).strip()
    if not words:
        return ""
    fence = "`" * (1 + max((len(run) for run in _RUNS.findall(words)), default=0))
    edge = " " if words[0] == "`" or words[-1] == "`" else ""
    return f"{fence}{edge}{words}{edge}{fence}"


def _shifted(element: Element, marks: bool) -> str:
    """10⁶ and CO₂ as such: without the sign for it a number would be another one."""
    words = _words(element.children).strip()
    shifted = words.translate(_RAISED if element.name == "sup" else _LOWERED)
    if words and not set(words) & set(shifted):
        return shifted
    inner = _inline(element.children, marks=marks)
    return f"^({inner})" if element.name == "sup" and re.fullmatch(r"[\w+−-]+", words) else inner


def _words(nodes: Sequence[Node]) -> str:
    return "".join(
        node if isinstance(node, str) else "\n" if node.name == "br" else _words(node.children) for node in nodes
    )


def _has(element: Element, names: set[str] | frozenset[str]) -> bool:
    return any(isinstance(child, Element) and (child.name in names or _has(child, names)) for child in element.children)
