"""Where the real reading logs are, and what a test without them does."""

from __future__ import annotations

from pathlib import Path

from content_store.settings import load_settings
from tests.support.ci import missing


def datasets_or_skip() -> Path:
    """The folder of the real data (``KEPU_DATASETS``); where it is absent the test is skipped, with CI it fails."""
    folder = load_settings().datasets
    if not (folder / "data").is_dir():
        missing(f"no real data: {folder / 'data'} is not a folder (set KEPU_DATASETS)")
    return folder
