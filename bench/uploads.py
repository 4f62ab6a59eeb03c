"""How fast works and pictures are read, and what the largest and the worst of them take.

    python -m bench.uploads

Each case runs in a process of its own, several times; printed are CPU milliseconds of the best run, how many of them a
core does in a second, and how far the process was at its highest above where it began (Linux).
"""

from __future__ import annotations

import multiprocessing
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from content_store.errors import UploadRefused
from content_store.uploads import bounds
from content_store.uploads.documents import read_document
from content_store.uploads.pictures import check_picture
from tests.support.uploads import encoded, illustrated, photograph, png_of, word, zipped

RUNS = 5
_SENTENCE = "大熊猫是食肉目动物，却主要吃竹子，因为它们的祖先在演化中改变了食性。"


def markdown() -> bytes:
    """An article of 3,000 characters."""
    paragraph = _SENTENCE * 5 + "**竹子**见[资料](https://example.org/a)。\n\n"
    return ("# 大熊猫为什么吃竹子\n\n" + ("## 小节\n\n" + paragraph * 4) * 4).encode()


def article() -> bytes:
    """The same as a Word document of some six pages."""
    run = f"<w:r><w:rPr><w:b/></w:rPr><w:t>{_SENTENCE}</w:t></w:r>"
    return word(f"<w:p>{run * 4}</w:p>" * 20)


def largest_word() -> bytes:
    """As many elements as are taken, all of them texts."""
    noise = random.Random(1)
    number = (bounds.XML_ELEMENTS - 1_000) // 3
    runs = [f"<w:r><w:t>{noise.getrandbits(60)}</w:t></w:r>" for _ in range(number - number // 3)]
    return word("".join(f"<w:p>{''.join(runs[at : at + 9])}</w:p>" for at in range(0, len(runs) // 2 * 2, 9)))


def bomb() -> bytes:
    """80 MB of zeros in 80 kB."""
    return zipped({"word/a.bin": bytes(80_000_000)})


def telephone() -> bytes:
    """A photograph of 12 million pixels."""
    return photograph(size=(4_000, 3_000), quality=90)


def largest_photograph() -> bytes:
    """50 million pixels, in the form that takes most memory."""
    return photograph(size=(8_160, 6_120), quality=90, progressive=True, subsampling=0)


def largest_drawing() -> bytes:
    """25 million pixels with transparency."""
    return encoded(Image.new("RGBA", (5_000, 5_000), (9, 9, 9, 9)), "PNG")


def largest_webp() -> bytes:
    """25 million pixels."""
    return photograph("WEBP", size=(5_000, 5_000), method=0)


CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "Markdown, 3,000 characters": (markdown, "document"),
    "Word, 6 pages": (article, "document"),
    "Word with a photograph of 12 MP": (lambda: illustrated(telephone()), "document"),
    "Word, as many elements as are taken": (largest_word, "document"),
    "Markdown, 20,000 brackets": (lambda: b"![" * 20_000, "document"),
    "refused: ZIP bomb of 80 MB": (bomb, "document"),
    "refused: XML 10,000 deep": (lambda: word("<w:sdt>" * 10_000), "document"),
    "photograph, 1200 × 900": (lambda: photograph(size=(1_200, 900)), "picture"),
    "photograph, 12 MP": (telephone, "picture"),
    "drawing, 1200 × 900": (lambda: encoded(Image.new("RGB", (1_200, 900), "red"), "PNG"), "picture"),
    "largest JPEG, 50 MP, progressive": (largest_photograph, "picture"),
    "largest PNG, 25 MP with transparency": (largest_drawing, "picture"),
    "largest WebP, 25 MP": (largest_webp, "picture"),
    "refused: PNG of 30,000 × 30,000": (lambda: png_of(30_000, 30_000), "picture"),
}


def measure(data: bytes, kind: str) -> tuple[float, float, str]:
    """CPU seconds of the best run, MiB by which the process grew, and what came of it."""
    read: Callable[[bytes], Any] = check_picture if kind == "picture" else lambda data: read_document("a", data)
    for warm in (encoded(Image.new("RGB", (9, 9)), "PNG"), photograph(size=(9, 9))):
        check_picture(warm)
    read_document("a", word())
    Path("/proc/self/clear_refs").write_text("5")  # the highest begins anew
    before, best, came = _memory("VmRSS"), float("inf"), "taken"
    for _ in range(RUNS):
        began = time.process_time()
        try:
            read(data)
        except UploadRefused as error:
            came = str(error.problem)
        best = min(best, time.process_time() - began)
    return best, (_memory("VmHWM") - before) / 1024, came


def _memory(what: str) -> int:
    """KiB, from what the kernel tells of the process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:"))


def main() -> None:
    """Print the table."""
    print("| what | bytes | comes to | CPU, ms | per core and second | memory, MiB |\n|---|---:|---|---:|---:|---:|")
    context = multiprocessing.get_context("spawn")
    for name, (make, kind) in CASES.items():
        data = make()
        with context.Pool(1) as pool:
            seconds, grown, came = pool.apply(measure, (data, kind))
        rate = f"{1 / seconds:,.0f}" if seconds < 1 else f"{1 / seconds:.2f}"
        print(f"| {name} | {len(data):,} | {came} | {seconds * 1000:,.1f} | {rate} | {grown:,.0f} |")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
