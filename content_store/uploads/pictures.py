"""Pictures of strangers → pictures of ours: decoded within bounds and encoded anew.

Nothing of a file but its pixels survives: no metadata (places, names, thumbnails, comments), no colour profile (colours
are turned into sRGB first), nothing that stood behind or between the parts of the picture. Turned photographs are set
upright. Photographs become JPEG, drawings PNG; of each there are the widths that telephones ask for.

Bounds are those of ``bounds``: bytes and pixels are checked by the header, before anything is decoded. Decoding cannot be
interrupted, so what takes long is refused beforehand: passes of a JPEG, pieces of a PNG or GIF.
"""

from __future__ import annotations

import contextlib
import hashlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageOps

from content_store.errors import UploadRefused
from content_store.upload_words import UploadProblem
from content_store.uploads import bounds
from content_store.uploads.picture_headers import Header, read_header

WIDTHS = (390, 780, 1200)
"""Pixels; the widest is what a picture is scaled down to, the others are made where it is wider than they."""
_MOST_KEPT_PIXELS = 16_000_000
_QUALITY = 85
_PREFERRED = 2.0
"""A drawing stays PNG while that takes no more than so many times the bytes of a JPEG."""
_ORIENTATION = 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})
_LARGEST_PROFILE = 4 * bounds.MIB
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


@dataclass(frozen=True, slots=True)
class Rendition:
    """The same picture, narrower."""

    width: int
    height: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture of ours. ``digest`` is the SHA-256 of ``data`` in hexadecimal, by which it is known everywhere.

    ``smaller`` are narrower renditions of the same ``media_type``; ``animated`` tells that the upload moved, of which the
    first picture was kept.
    """

    data: bytes
    media_type: str
    width: int
    height: int
    digest: str
    smaller: tuple[Rendition, ...]
    animated: bool = False


def check_picture(data: bytes) -> Picture:
    """The picture in ``data`` (JPEG, PNG, WebP or GIF by its content, whatever it is called), encoded anew.

    Of what moves the first picture is kept. Raises UploadRefused.
    """
    if len(data) > bounds.PICTURE_BYTES:
        raise UploadRefused(UploadProblem.TOO_LARGE, f"the picture has {len(data):,} bytes, more than are taken")
    header = read_header(data)
    large = header.width * header.height > bounds.LARGE_PIXELS
    with bounds.heavy if large else contextlib.nullcontext():
        try:
            image = _upright(header)
        except Exception as error:
            # Decoders meet broken pictures with any kind of error, KeyError and struct.error among them.
            raise UploadRefused(UploadProblem.BROKEN, f"the picture cannot be decoded: {error}") from error
    return _encoded(image, header)


def _upright(header: Header) -> Image.Image:
    """Decoded, upright, no wider than is kept, in sRGB, as L, RGB or RGBA."""
    opened = Image.open(BytesIO(header.data), formats=[header.kind])
    if opened.size != (header.width, header.height):
        raise ValueError(f"it tells two sizes, {opened.size} and {header.width} × {header.height}")
    turned = _orientation(opened) if header.kind == "JPEG" else 1
    width, height = (header.height, header.width) if turned in _SIDEWAYS else (header.width, header.height)
    scale = min(1.0, WIDTHS[-1] / width, (_MOST_KEPT_PIXELS / (width * height)) ** 0.5)
    size = max(1, round(header.width * scale)), max(1, round(header.height * scale))
    if scale < 1:
        opened.draft(None, (size[0] * 2, size[1] * 2))
    profile = opened.info.get("icc_profile")
    image = _plain(opened)
    if image.size != size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    image = _in_srgb(image, profile)
    if turned != 1:
        exif = Image.Exif()
        exif[_ORIENTATION] = turned
        image.info = {"exif": exif.tobytes()}
        image = ImageOps.exif_transpose(image)
    if image.mode == "RGBA" and image.getextrema()[3] == (255, 255):
        image = image.convert("RGB")
    image.info = {}
    return image


def _orientation(image: Image.Image) -> int:
    """How the camera was held (EXIF 2.3, tag 0112): 1 to 8; 1 where it does not say."""
    try:
        found = image.getexif().get(_ORIENTATION, 1)
    except Exception:  # what is wrong in it is no reason to refuse the picture
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _plain(image: Image.Image) -> Image.Image:
    """In a mode that can be scaled: L, RGB, RGBA or CMYK."""
    image.load()
    if image.mode.startswith("I"):
        # Sixteen bits of grey; convert() would cut off instead of scaling.
        return image.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    if image.mode in ("P", "PA", "LA", "La", "RGBa") or "transparency" in image.info:
        clear = image.mode != "P" or "transparency" in image.info
        return image.convert("RGBA" if clear else "RGB")
    return image if image.mode in ("L", "RGB", "RGBA", "CMYK") else image.convert("L" if image.mode == "1" else "RGB")


def _in_srgb(image: Image.Image, profile: Any) -> Image.Image:
    """Colours as screens understand them; a profile that cannot be used is passed over."""
    if isinstance(profile, bytes) and 0 < len(profile) <= _LARGEST_PROFILE and image.mode in ("RGB", "CMYK"):
        with contextlib.suppress(Exception):
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            changed = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            if changed is not None:
                return changed
    return image.convert("RGB") if image.mode == "CMYK" else image


def _encoded(image: Image.Image, header: Header) -> Picture:
    lossless = header.kind in ("PNG", "GIF") or header.data[12:16] == b"VP8L"
    media_type, data = "image/jpeg", b""
    if image.mode != "RGBA":
        data = _bytes(image, "JPEG")
    if lossless or image.mode == "RGBA":
        drawn = _bytes(image, "PNG")
        if not data or len(drawn) <= _PREFERRED * len(data):
            media_type, data = "image/png", drawn
    form = media_type.removeprefix("image/").upper()
    smaller = []
    for width in WIDTHS:
        if width < image.width:
            part = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
            smaller.append(Rendition(part.width, part.height, _bytes(part, form)))
    digest = hashlib.sha256(data).hexdigest()
    return Picture(data, media_type, image.width, image.height, digest, tuple(smaller), header.animated)


def _bytes(image: Image.Image, form: str) -> bytes:
    written = BytesIO()
    if form == "JPEG":
        image.save(written, "JPEG", quality=_QUALITY, optimize=True, progressive=True)
    else:
        image.save(written, "PNG", compress_level=6)
    return written.getvalue()
