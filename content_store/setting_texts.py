"""How the text of a setting becomes a value; each raises ValueError with what the text must be."""

from __future__ import annotations

import math
import os
import re
from datetime import date
from pathlib import Path
from typing import Any

from content_store.vocabulary import ServeJobs, Topic

_LEAST_HOT_MB, _MOST_HOT_MB = 1, 1 << 20
_LOWEST_RATE, _HIGHEST_RATE = 0.01, 1e6
_MOST_PROXIES = 10
_MOST_IDLE_MIN, _MOST_SESSION_HOURS = 1_440, 720
SHORTEST_SECRET = 32
_SHORTEST_LEASE_S, _LONGEST_LEASE_S = 0.5, 3600.0
LEAST_KEPT_DAYS = 180
"""Days for which the law wants logs to be kept."""
_MOST_KEPT_DAYS = 36_500
_LONGEST_H = 8_784


def path(text: str) -> Path:
    """An absolute path; ``~`` is understood, links are left as they are."""
    return Path(os.path.abspath(Path(text).expanduser()))  # noqa: PTH100 - resolve() would follow links


def seconds(text: str) -> float:
    """A finite number."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("must be a finite number")
    return value


def megabytes(text: str) -> int:
    """A whole number of MiB."""
    value = int(text)
    if not _LEAST_HOT_MB <= value <= _MOST_HOT_MB:
        raise ValueError(f"must be between {_LEAST_HOT_MB} and {_MOST_HOT_MB}")
    return value


def rate(text: str) -> float:
    """Requests per second; 0 means any number."""
    value = seconds(text)
    if not 0 <= value <= _HIGHEST_RATE or 0 < value < _LOWEST_RATE:
        raise ValueError(f"must be 0, or between {_LOWEST_RATE} and {_HIGHEST_RATE:.0f}")
    return value


def proxies(text: str) -> int:
    """A small number."""
    value = int(text)
    if not 0 <= value <= _MOST_PROXIES:
        raise ValueError(f"must be between 0 and {_MOST_PROXIES}")
    return value


def idle_minutes(text: str) -> int:
    """Minutes, up to a day."""
    value = int(text)
    if not 1 <= value <= _MOST_IDLE_MIN:
        raise ValueError(f"must be between 1 and {_MOST_IDLE_MIN}")
    return value


def session_hours(text: str) -> int:
    """Hours, up to 30 days (NIST SP 800-63B)."""
    value = int(text)
    if not 1 <= value <= _MOST_SESSION_HOURS:
        raise ValueError(f"must be between 1 and {_MOST_SESSION_HOURS}")
    return value


def secret(text: str) -> str:
    """A text that nobody guesses."""
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"must have at least {SHORTEST_SECRET} characters")
    return text


def lease(text: str) -> float:
    """Seconds, neither too few nor too many."""
    value = seconds(text)
    if not _SHORTEST_LEASE_S <= value <= _LONGEST_LEASE_S:
        raise ValueError(f"must lie between {_SHORTEST_LEASE_S} and {_LONGEST_LEASE_S}")
    return value


def kept_days(text: str) -> int:
    """Days, no fewer than the law wants."""
    value = int(text)
    if not LEAST_KEPT_DAYS <= value <= _MOST_KEPT_DAYS:
        raise ValueError(f"must lie between {LEAST_KEPT_DAYS} and {_MOST_KEPT_DAYS}")
    return value


def hours(text: str) -> float:
    """Hours: some, and no more than a year."""
    value = seconds(text)
    if not 0 < value <= _LONGEST_H:
        raise ValueError(f"must lie between 0 and {_LONGEST_H}")
    return value


def topics(text: str) -> frozenset[Topic]:
    """Codes of topics with commas between."""
    named = names(text)
    unknown = sorted(named - set(Topic))
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no topic")
    return frozenset(Topic(name) for name in named)


def names(text: str) -> frozenset[str]:
    """Names with commas between."""
    return frozenset(name for part in re.split("[,，]", text) if (name := part.strip()))


def written(value: Any) -> str:
    """A value as a text that gives it again."""
    return ",".join(sorted(value)) if isinstance(value, frozenset) else str(value)


def serve_jobs(text: str) -> ServeJobs:
    """One of ``ServeJobs``."""
    if text not in set(ServeJobs):
        raise ValueError("must be auto, on or off")
    return ServeJobs(text)


def count(text: str) -> int:
    """A whole number from 0 on; ``_`` may group its digits."""
    value = int(text.replace("_", ""))
    if value < 0:
        raise ValueError("must not be negative")
    return value


def day(text: str) -> date:
    """A date as ISO 8601 writes it."""
    return date.fromisoformat(text)


def database(text: str) -> str:
    """A URL of SQLite or PostgreSQL, with the driver that we use."""
    scheme, found, rest = text.partition("://")
    if scheme in {"postgres", "postgresql"}:
        scheme = "postgresql+psycopg"
    if not found or scheme not in {"sqlite", "postgresql+psycopg"}:
        raise ValueError("must begin with sqlite:/// or postgresql+psycopg://")
    if scheme == "sqlite" and (not rest.startswith("/") or rest in {"/", "/:memory:"}):
        raise ValueError("must name a file, like sqlite:////srv/kepu/kepu.sqlite3")
    return f"{scheme}://{rest}"


def migrations(text: str) -> str:
    """A URL of PostgreSQL."""
    url = database(text)
    if not url.startswith("postgresql"):
        raise ValueError("must begin with postgresql+psycopg://")
    return url


def redis(text: str) -> str:
    """A URL of Redis."""
    if not re.match(r"(rediss?|unix)://.", text):
        raise ValueError("must begin with redis://, rediss:// or unix://")
    return text


def mask(url: str) -> str:
    """``url`` with its passwords, in the user part or the query, replaced by ``***``."""
    # Greedy up to the last "@" before the path: an unescaped "@" or ":" may be part of the password.
    url = re.sub(r"(?<=://)([^:/?#]*):[^/?#]*@", r"\1:***@", url)
    return re.sub(r"(?i)([?&][a-z_]*(?:password|secret|token)[a-z_]*=)[^&#]*", r"\1***", url)


def hide(value: str) -> str:
    """What is shown of a secret."""
    return "***" if value else ""
