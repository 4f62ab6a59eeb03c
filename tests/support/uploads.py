"""Works and pictures to upload: what people send, and what they should not."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

from PIL import Image

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def picture(form: str = "PNG", size: tuple[int, int] = (60, 40), colour: Any = (200, 60, 20), **how: Any) -> bytes:
    """A picture of one colour."""
    mode = "RGBA" if isinstance(colour, tuple) and len(colour) == 4 else "RGB"
    return encoded(Image.new(mode, size, colour), form, **how)


def photograph(form: str = "JPEG", size: tuple[int, int] = (800, 600), **how: Any) -> bytes:
    """A picture as a camera makes them: soft, and noisy."""
    small = max(1, size[0] // 8), max(1, size[1] // 8)
    noise = Image.frombytes("L", small, random.Random(7).randbytes(small[0] * small[1])).resize(size)
    light = Image.linear_gradient("L").resize(size)
    return encoded(Image.merge("RGB", (noise, Image.blend(noise, light, 0.5), light)), form, **how)


def encoded(image: Image.Image, form: str, **how: Any) -> bytes:
    """The bytes of ``image``."""
    written = io.BytesIO()
    image.save(written, form, **how)
    return written.getvalue()


def png_of(
    width: int, height: int, *, idat: bytes = b"", before: bytes = b"", depth: int = 8, colour: int = 2
) -> bytes:
    """A PNG that says it has this size; ``before`` are chunks before the data, which by default are none at all."""
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IDAT", idat or zlib.compress(b"\0" * 100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + body + chunk(b"IEND", b"")


def chunk(name: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def zipped(entries: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    """A ZIP file of these entries."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as made:
        for name, data in entries.items():
            # A name as given: the library itself would make "\\" a "/" and end it at NUL.
            entry = zipfile.ZipInfo("x")
            entry.filename, entry.compress_type = name, method
            made.writestr(entry, data)
        made.comment = comment
    return written.getvalue()


def parts(
    body: str = "<w:p><w:r><w:t>大熊猫吃竹子。</w:t></w:r></w:p>",
    *,
    main: str = MAIN,
    overrides: str = "",
    relationships: str = "",
    package_relationships: str = "",
    document: str = "",
    more: Mapping[str, bytes] | None = None,
) -> dict[str, bytes]:
    """The parts of a Word document with this body; ``document`` replaces all of its XML."""
    types = (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/xml"/>'
        f'<Default Extension="png" ContentType="image/png"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}"/>{overrides}</Types>'
    )
    document = document or (
        f'<w:document xmlns:w="{W}" xmlns:r="{R}" xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/'
        'wordprocessingDrawing" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:pic="http://'
        f'schemas.openxmlformats.org/drawingml/2006/picture"><w:body>{body}</w:body></w:document>'
    )
    root = f'<Relationship Id="rId1" Type="{R}/officeDocument" Target="word/document.xml"/>{package_relationships}'
    return {
        "[Content_Types].xml": types.encode(),
        "_rels/.rels": _relationships(root),
        "word/document.xml": document.encode(),
        "word/_rels/document.xml.rels": _relationships(relationships),
        **(more or {}),
    }


def word(body: str = "<w:p><w:r><w:t>大熊猫吃竹子。</w:t></w:r></w:p>", **given: Any) -> bytes:
    """A Word document with this body; the rest as ``parts`` takes it."""
    return zipped(parts(body, **given))


def relationship(id: str, kind: str, target: str, *, outside: bool = False) -> str:
    """A relationship of a part."""
    mode = ' TargetMode="External"' if outside else ""
    return f'<Relationship Id="{id}" Type="{R}/{kind}" Target="{target}"{mode}/>'


def shown(id: str, *, alt: str = "", linked: bool = False) -> str:
    """A paragraph with a picture."""
    how = "link" if linked else "embed"
    return (
        f'<w:p><w:r><w:drawing><wp:inline><wp:docPr id="1" name="x" descr="{alt}"/><a:graphic><a:graphicData><pic:pic>'
        f'<pic:blipFill><a:blip r:{how}="{id}"/></pic:blipFill></pic:pic></a:graphicData></a:graphic></wp:inline>'
        "</w:drawing></w:r></w:p>"
    )


def illustrated(data: bytes, *, alt: str = "大熊猫", name: str = "media/image1.png") -> bytes:
    """A Word document with a line of text and a picture."""
    body = "<w:p><w:r><w:t>图文</w:t></w:r></w:p>" + shown("rId9", alt=alt)
    return word(body, relationships=relationship("rId9", "image", name), more={f"word/{name}": data})


def _relationships(inside: str) -> bytes:
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{inside}</Relationships>'.encode()
