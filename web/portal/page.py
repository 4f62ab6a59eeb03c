"""A page in one row, like an endpoint of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from werkzeug.wrappers import Response


@dataclass(frozen=True, slots=True)
class Page:
    """``rule`` as Flask writes it; the name of ``handle`` is that of the route."""

    method: str
    rule: str
    handle: Callable[..., str | Response]
