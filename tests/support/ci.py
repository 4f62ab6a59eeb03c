"""What a test does that lacks something: on a laptop it is skipped and listed, with ``CI=true`` it fails."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def in_ci() -> bool:
    """Whether nothing may be skipped for want of a service or of data."""
    return os.environ.get("CI", "").lower() in {"1", "true", "yes"}


def missing(what: str) -> NoReturn:
    """End the test for want of ``what``."""
    if in_ci():
        pytest.fail(what, pytrace=False)
    pytest.skip(what)
