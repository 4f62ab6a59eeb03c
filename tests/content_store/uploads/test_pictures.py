"""Pictures: encoded anew, upright, in the widths that are asked for, and nothing else in them."""

from __future__ import annotations

import hashlib
import io

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from content_store.errors import UploadRefused
from content_store.upload_words import UploadProblem
from content_store.uploads.pictures import WIDTHS, check_picture
from tests.support.uploads import encoded, photograph, picture


def opened(data: bytes) -> Image.Image:
    """The picture decoded."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


def difference(one: bytes, other: bytes) -> float:
    """How far the pixels of two pictures of one size lie apart on average, of 255."""
    apart = ImageChops.difference(opened(one).convert("RGB"), opened(other).convert("RGB"))
    return max(ImageStat.Stat(apart).mean)


@pytest.mark.parametrize("form", ["JPEG", "WEBP"])
def test_a_photograph_becomes_jpeg(form: str) -> None:
    found = check_picture(photograph(form))
    assert (found.media_type, found.width, found.height) == ("image/jpeg", 800, 600)
    assert opened(found.data).format == "JPEG"
    assert difference(found.data, photograph(form)) < 6


@pytest.mark.parametrize("form", ["PNG", "GIF"])
def test_a_drawing_stays_as_it_is_to_the_pixel(form: str) -> None:
    drawing = Image.new("RGB", (300, 200), "white")
    drawing.paste((10, 20, 200), (50, 50, 120, 150))
    found = check_picture(encoded(drawing, form))
    assert found.media_type == "image/png"
    assert difference(found.data, encoded(drawing, "PNG")) == 0


def test_a_photograph_that_comes_as_png_becomes_jpeg() -> None:
    assert check_picture(photograph("PNG")).media_type == "image/jpeg"


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF"])
def test_what_is_transparent_stays_so(form: str) -> None:
    image = Image.new("RGBA", (64, 64), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 32, 64))
    found = opened(check_picture(encoded(image, form, lossless=True) if form == "WEBP" else encoded(image, form)).data)
    assert found.mode == "RGBA"
    assert [found.getpixel((at, 5))[3] for at in (5, 50)] == [0, 255]  # type: ignore[index]


def test_a_wide_picture_is_scaled_down_and_kept_in_narrower_widths() -> None:
    found = check_picture(photograph(size=(2400, 1600)))
    assert (found.width, found.height) == (1200, 800)
    assert [(part.width, part.height) for part in found.smaller] == [(390, 260), (780, 520)]
    for part in found.smaller:
        assert opened(part.data).size == (part.width, part.height)
        assert len(part.data) < len(found.data)


def test_a_narrow_picture_is_never_made_larger() -> None:
    found = check_picture(picture(size=(390, 300)))
    assert (found.width, found.height, found.smaller) == (390, 300, ())


def test_a_tall_picture_keeps_its_width() -> None:
    found = check_picture(picture(size=(540, 4500)))
    assert (found.width, found.height) == (540, 4500)


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_photograph_is_set_upright(turned: int) -> None:
    upright = Image.new("RGB", (80, 40), "white")
    upright.paste((255, 0, 0), (0, 0, 20, 10))
    back = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    lying = upright if turned == 1 else upright.transpose(Image.Transpose(back[turned]))
    exif = Image.Exif()
    exif[0x0112] = turned
    found = check_picture(encoded(lying, "JPEG", exif=exif, quality=95, subsampling=0))
    assert (found.width, found.height) == (80, 40)
    assert difference(found.data, encoded(upright, "PNG")) < 4


def test_where_and_by_whom_a_photograph_was_taken_is_forgotten() -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x013B] = "SECRET-CAMERA", "SECRET-NAME"
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 39.0, 0.0), 3: "E", 4: (104.0, 4.0, 0.0)})
    data = photograph(exif=exif, comment=b"SECRET-COMMENT")
    assert opened(data).getexif().get_ifd(0x8825)
    found = check_picture(data)
    assert b"SECRET" not in found.data
    assert b"Exif" not in found.data
    assert not dict(opened(found.data).getexif())


def test_texts_and_times_of_a_png_are_forgotten() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "SECRET", zip=False)
    info.add_itxt("XML:com.adobe.xmp", "SECRET-XMP")
    found = check_picture(encoded(Image.new("RGB", (9, 9)), "PNG", pnginfo=info, dpi=(72, 72)))
    assert b"SECRET" not in found.data
    assert set(opened(found.data).info) == set()


def test_colours_of_another_profile_become_those_of_screens() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    assert check_picture(photograph(icc_profile=profile.tobytes())).media_type == "image/jpeg"  # no use: passed over
    swapped = _swapped_profile()
    found = check_picture(picture(colour=(250, 10, 10), icc_profile=swapped))
    assert "icc_profile" not in opened(found.data).info
    red, _, blue = opened(found.data).convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert blue > red


def _swapped_profile() -> bytes:
    """sRGB with its red and blue exchanged."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return data.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "CMYK"])
def test_every_way_of_colouring_is_understood(mode: str) -> None:
    grey = Image.linear_gradient("L")
    image = {"I;16": grey.convert("I").point(lambda v: v * 257).convert("I;16")}.get(mode) or grey.convert(mode)
    found = check_picture(encoded(image, "JPEG" if mode == "CMYK" else "PNG"))
    at = (128, 200)
    level = opened(found.data).convert("L").getpixel(at)
    assert isinstance(level, (int, float))
    assert abs(level - 200) < 6 or mode == "1"


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_of_what_moves_the_first_picture_is_kept_and_that_told(form: str) -> None:
    frames = [Image.new("RGB", (50, 50), colour) for colour in ("red", "blue", "green")]
    found = check_picture(encoded(frames[0], form, save_all=True, append_images=frames[1:]))
    assert found.animated
    red, _, blue = opened(found.data).convert("RGB").getpixel((5, 5))  # type: ignore[misc]
    assert red > 200 > 50 > blue
    assert not check_picture(encoded(frames[0], form)).animated


def test_the_digest_is_that_of_the_bytes_and_the_same_every_time() -> None:
    first, second = check_picture(photograph()), check_picture(photograph())
    assert first == second
    assert first.digest == hashlib.sha256(first.data).hexdigest()
    assert first.digest != check_picture(picture()).digest


def test_a_drawing_encoded_again_is_the_same_to_the_byte() -> None:
    once = check_picture(encoded(Image.radial_gradient("L").resize((1500, 700)), "PNG"))
    drawing = check_picture(picture(size=(1500, 700)))
    for found in (once, drawing):
        again = check_picture(found.data)
        if found.media_type == "image/png":
            assert again == found
    assert drawing.media_type == "image/png"


def test_a_photograph_encoded_again_looks_the_same() -> None:
    once = check_picture(photograph(size=(1600, 1200)))
    again = check_picture(once.data)
    assert (again.media_type, again.width, again.height) == (once.media_type, once.width, once.height)
    assert difference(once.data, again.data) < 3


def test_the_widths_are_those_of_telephones() -> None:
    assert WIDTHS == (390, 780, 1200)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 20, 200])
@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP"])
def test_what_is_cut_off_is_refused(form: str, size: int) -> None:
    data = photograph(form, size=(64, 64))
    with pytest.raises(UploadRefused) as caught:
        check_picture(data[:size])
    assert caught.value.problem in (UploadProblem.BROKEN, UploadProblem.PICTURE_KIND)
    assert caught.value.hint == caught.value.problem.label
