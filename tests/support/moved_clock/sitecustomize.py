"""Imported by every Python whose ``PYTHONPATH`` has this folder: the programme's clock follows a file.

``MOVED_CLOCK`` names a file with the milliseconds by which the clock is ahead, read anew whenever the time is asked
for, so that a test may let a server's time pass without waiting.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from content_store import clock

_AHEAD = Path(os.environ["MOVED_CLOCK"])


def now_ms() -> int:
    """The machine's time and what the file says."""
    return time.time_ns() // 1_000_000 + int(_AHEAD.read_text("utf-8"))


clock.now_ms = now_ms
