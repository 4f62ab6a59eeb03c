"""The system's Chromium, for tests that need a real browser."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage")
"""Containers run as root, which the sandbox refuses, and have a small /dev/shm."""


def chromium_program() -> Path | None:
    """A Chromium of the system."""
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/bin"
    found = next((found for name in NAMES if (found := shutil.which(name, path=path))), None)
    return Path(found) if found else None


def has_chinese_font() -> bool:
    """Whether pages can be shown as they are meant; True where the system cannot say."""
    listing = shutil.which("fc-list")
    if listing is None:
        return chromium_program() is not None
    return bool(subprocess.run([listing, ":lang=zh", "family"], capture_output=True, check=False).stdout.strip())


@contextmanager
def running(program: Path) -> Iterator[Browser]:
    """A browser that ends with the block. While it runs this thread can begin no event loop of its own."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
