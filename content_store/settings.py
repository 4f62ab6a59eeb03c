"""Every setting in one strict, explained table: the fields of ``Settings``.

A setting is given as an environment variable: ``KEPU_`` and the field's name in capitals. With ``_FILE`` after the
name the value is read from that file instead (for secrets). An empty value counts as not given.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from pathlib import Path
from typing import Any

from content_store import setting_reading as reading
from content_store import setting_texts as texts
from content_store.errors import SettingsError
from content_store.schedule import Schedule
from content_store.setting_texts import SHORTEST_SECRET as SHORTEST_SECRET
from content_store.setting_texts import mask as mask
from content_store.vocabulary import ServeJobs, Topic

SOURCE = Path(__file__).resolve().parent.parent


def checkout() -> Path | None:
    """The folder of the checkout that the programme runs from; None where it is installed without one."""
    here = (SOURCE / "pyproject.toml").is_file() and (SOURCE / "kepu").is_file()
    return SOURCE if here else None


def home() -> Path:
    """Where default folders lie: the checkout, or else the current folder."""
    return checkout() or Path.cwd()


def _setting(
    default: Any,
    parse: Callable[[str], Any],
    meaning: str,
    *,
    shown: str = "",
    secret: Callable[[str], str] | None = None,
) -> Any:
    """A row of the table: ``shown`` tells a default that depends on other settings, ``secret`` hides what must be."""
    metadata = {"parse": parse, "meaning": meaning, "shown": shown or str(default or "not set"), "secret": secret}
    if callable(default):
        return field(default_factory=default, metadata=metadata, repr=secret is None)
    return field(default=default, metadata=metadata, repr=secret is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings with their values; built by ``load_settings``."""

    data_dir: Path = _setting(
        lambda: home() / "var",
        texts.path,
        "Folder for everything that is kept on disk: the SQLite file, model snapshots.",
        shown="`var` in the checkout, or in the current folder",
    )
    database_url: str = _setting(
        "",
        texts.database,
        "Where the records are: `sqlite:////absolute/path` (one machine) or `postgresql+psycopg://…` (many).",
        shown="`kepu.sqlite3` in `KEPU_DATA_DIR`",
        secret=texts.mask,
    )
    migration_url: str | None = _setting(
        None,
        texts.migrations,
        "PostgreSQL only: the URL by which the owner of the tables migrates; `KEPU_DATABASE_URL` is then that of a role"
        " with fewer rights, which it is given. Needed by `kepu migrate` alone.",
        secret=texts.mask,
    )
    redis_url: str | None = _setting(
        None,
        texts.redis,
        "Redis for the hot state shared by many processes: `redis://…`, `rediss://…` or `unix://…`;"
        " not set means that it is kept in the memory of the one process.",
        secret=texts.mask,
    )
    hot_memory_mb: int = _setting(
        128,
        texts.megabytes,
        "MiB of memory that the hot state may take where it is kept in the process; what was used longest ago goes.",
    )
    secret_key: str = _setting(
        "",
        texts.secret,
        "What cookies and tokens are signed with, at least 32 characters; the same for all processes that serve.",
        shown="made once, in `secret_key` in `KEPU_DATA_DIR`",
        secret=texts.hide,
    )
    rate_per_citizen: float = _setting(
        10.0,
        texts.rate,
        "Requests per second that one citizen may make for long, ten times as many at once; 0: as many as they like.",
        shown="10",
    )
    rate_per_network: float = _setting(
        200.0,
        texts.rate,
        "The same for one network (an IPv4 address, an IPv6 /64), which many may share.",
        shown="200",
    )
    session_idle_min: int = _setting(
        60, texts.idle_minutes, "Minutes without a request after which those who work here are signed out."
    )
    session_hours: int = _setting(
        12, texts.session_hours, "Hours after which those who work here are signed out in any case."
    )
    trusted_proxies: int = _setting(
        0,
        texts.proxies,
        "How many proxies of our own stand before the server and add to `X-Forwarded-For` and `X-Forwarded-Proto`.",
        shown="0",
    )
    datasets: Path = _setting(
        lambda: home().parent / "shared",
        texts.path,
        "Folder with the real reading logs (`data/`) and the reference scripts (`reference/`) used by tests and"
        " benchmarks.",
        shown="`../shared`, seen from the checkout or the current folder",
    )
    clock_offset_s: float = _setting(
        0.0,
        texts.seconds,
        "Seconds by which the programme's clock runs ahead of the machine's (negative: behind); for demonstrations.",
        shown="0",
    )
    target_baseline: int = _setting(
        1_400_000_000,
        texts.count,
        "Services (人次) that had been rendered before the first day of the target; shown, never counted again.",
    )
    target_goal: int = _setting(
        90_000_000,
        texts.count,
        "Additional services (人次) to be rendered from the first to the last day of the target.",
    )
    target_from: date = _setting(
        date(2024, 8, 26), texts.day, "First day of the target in Shanghai, `YYYY-MM-DD`; it is included."
    )
    target_until: date = _setting(
        date(2025, 12, 31), texts.day, "Last day of the target in Shanghai, `YYYY-MM-DD`; it is included."
    )
    target_items: int = _setting(
        5_000, texts.count, "New quality items (优质内容) to be published from the first to the last day."
    )

    review_due_h: float = _setting(
        168.0,
        texts.hours,
        "Hours after which a review should be over; it is overdue then, and stays open.",
        shown="168",
    )
    review_claim_h: float = _setting(
        24.0,
        texts.hours,
        "Hours for which who claims a step of a review has it; then it goes back into the queue.",
        shown="24",
    )
    short_route_topics: frozenset[Topic] = _setting(
        frozenset(),
        texts.topics,
        "Topics whose contents may take the short route through review, by their codes with commas between; not set:"
        " none. Topics that ask for a science review never do.",
    )
    short_route_sources: frozenset[str] = _setting(
        frozenset(),
        texts.names,
        "Sources whose contents may take the short route, with commas between; not set: any source.",
    )
    short_route_length: int = _setting(
        800, texts.count, "The longest content, in Chinese characters, that may take the short route."
    )
    minor_change: int = _setting(
        20,
        texts.count,
        "How many characters, no numbers among them, may differ from reviewed words on the route of minor changes.",
    )
    retrain_schedule: Schedule = _setting(
        Schedule.parse("03:30"),
        Schedule.parse,
        "When the models are trained anew: times in Shanghai like `03:30` or `03:30,15:30`, an interval that divides a"
        " day like `every 6h`, or `off`.",
    )
    publish_schedule: Schedule = _setting(
        Schedule.parse("every 1m"),
        Schedule.parse,
        "When scheduled contents are published whose time has come; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    expire_schedule: Schedule = _setting(
        Schedule.parse("every 1m"),
        Schedule.parse,
        "When contents are ended whose time is over; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    claims_schedule: Schedule = _setting(
        Schedule.parse("every 5m"),
        Schedule.parse,
        "When claims of review steps whose time is over are given back; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    corrections_schedule: Schedule = _setting(
        Schedule.parse("every 1m"),
        Schedule.parse,
        "When those who read words that were corrected since are told; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    admission_followers: int = _setting(
        5_000,
        texts.count,
        "Followers over all channels that a creator needs who applies to the alliance; published with the criteria.",
    )
    admission_samples: int = _setting(
        3, texts.count, "Sample works that a creator needs who applies to the alliance; published with the criteria."
    )
    admission_samples_instead: int = _setting(
        10, texts.count, "So many sample works make up for missing followers; 0: nothing does."
    )
    creator_allowances: tuple[int, int, int] = _setting(
        (3, 10, 30),
        texts.allowances,
        "Works that are taken of a member of the alliance on a day: of a new, a proven and a trusted one.",
        shown="3,10,30",
    )
    suggest_schedule: Schedule = _setting(
        Schedule.parse("every 5m"),
        Schedule.parse,
        "When topics and places are suggested for what waits for an editor; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    facts_schedule: Schedule = _setting(
        Schedule.parse("00:20"),
        Schedule.parse,
        "When the facts of the day before are rebuilt; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    retention_schedule: Schedule = _setting(
        Schedule.parse("04:40"),
        Schedule.parse,
        "When old rows are deleted; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    retention_days: int = _setting(
        texts.LEAST_KEPT_DAYS,
        texts.kept_days,
        f"Days for which the record of what the programme did is kept, at least {texts.LEAST_KEPT_DAYS}; events are"
        " never deleted.",
    )
    serve_jobs: ServeJobs = _setting(
        ServeJobs.AUTO,
        texts.serve_jobs,
        "Whether `kepu serve` does what is due by the clock, as `kepu worker` does: `on`, `off`, or `auto`: where the"
        " records are in SQLite and the hot state in memory.",
    )
    lease_s: float = _setting(
        30.0,
        texts.lease,
        "Seconds without a sign of life after which another worker takes over what a worker had begun.",
        shown="30",
    )
    fetch_contact: str = _setting(
        "",
        texts.contact,
        "Where the owners of fetched sites reach us: an address of a page or of mail, told in the `User-Agent`.",
    )
    fetch_named_hosts: str = _setting(
        "",
        texts.named_hosts,
        "Hosts that may be fetched from although they are internal, like `feeds.example.org` or"
        " `feeds.example.org:8080`, with commas between them.",
    )
    fetch_ports: str = _setting(
        "80,443", texts.ports, "Ports of servers that may be fetched from, with commas between them."
    )
    fetch_timeout_s: float = _setting(
        30.0, texts.timeout, "Seconds that one fetch may take, redirects and all.", shown="30"
    )
    fetch_most_mb: int = _setting(10, texts.megabytes, "MiB that a fetched document may have, compressed or not.")
    ingest_schedule: Schedule = _setting(
        Schedule.parse("every 5m"),
        Schedule.parse,
        "When the feeds that are due are fetched; written like `KEPU_RETRAIN_SCHEDULE`.",
    )
    feed_least_minutes: int = _setting(
        30, texts.minutes, "Minutes that lie between two fetches of a feed at least, however much it brings."
    )
    feed_most_minutes: int = _setting(
        1_440,
        texts.minutes,
        "Minutes that lie between two fetches of a feed at most, unless its server asks for more.",
    )

    upload_most_mb: int = _setting(20, texts.megabytes, "MiB that one uploaded work or picture may have.")
    upload_day_mb: int = _setting(200, texts.megabytes, "MiB that one account may upload in a day of Shanghai.")

    def __post_init__(self) -> None:
        """Fill in what follows from other settings. Raises SettingsError where they contradict each other."""
        if not self.database_url:
            object.__setattr__(self, "database_url", f"sqlite:///{self.data_dir / 'kepu.sqlite3'}")
        if self.migration_url and not self.database_url.startswith("postgresql"):
            raise SettingsError(
                "KEPU_MIGRATION_URL is for PostgreSQL only", hint="unset it, or give KEPU_DATABASE_URL of PostgreSQL"
            )
        if self.target_until < self.target_from:
            raise SettingsError(
                f"the target ends on {self.target_until}, before it begins on {self.target_from}",
                hint="correct KEPU_TARGET_FROM or KEPU_TARGET_UNTIL",
            )
        if self.feed_most_minutes < self.feed_least_minutes:
            raise SettingsError(
                f"feeds wait at most {self.feed_most_minutes} minutes but at least {self.feed_least_minutes}",
                hint="correct KEPU_FEED_LEAST_MINUTES or KEPU_FEED_MOST_MINUTES",
            )

    @property
    def embedded(self) -> bool:
        """Whether one process is meant to be all there is: records in SQLite, hot state in its memory."""
        return self.database_url.startswith("sqlite:") and self.redis_url is None


@dataclass(frozen=True, slots=True)
class Explained:
    """One setting as a person wants to see it; what is secret in ``value`` is masked."""

    name: str
    value: str
    origin: str
    meaning: str
    default: str


def names() -> list[str]:
    """The environment variables that are understood, without their ``_FILE`` twins."""
    return [reading.name_of(row) for row in fields(Settings)]


def load_settings(env: Mapping[str, str] | None = None) -> Settings:
    """The settings that ``env`` (default: the process environment) gives.

    Raises SettingsError for an unknown ``KEPU_`` name, a value that cannot be used, an unreadable file, and a setting
    given both ways.
    """
    env = os.environ if env is None else env
    reading.refuse_unknown(env, names())
    given = {}
    for row in fields(Settings):
        text, origin = reading.given(row, env)
        if text:
            given[row.name] = reading.parse(row, text, origin)
    return Settings(**given)


def environment(settings: Settings) -> dict[str, str]:
    """The variables from which ``load_settings`` makes the same settings again, for a process of ours."""
    values = {reading.name_of(row): getattr(settings, row.name) for row in fields(Settings)}
    return {name: texts.written(value) for name, value in values.items() if value is not None}


def explain(env: Mapping[str, str] | None = None) -> list[Explained]:
    """Each setting with its value and where it came from, in the order of the table. Raises as ``load_settings``."""
    env = os.environ if env is None else env
    settings = load_settings(env)
    rows = []
    for row in fields(Settings):
        text, origin = reading.given(row, env)
        value = getattr(settings, row.name)
        shown = "" if value is None else texts.written(value)
        hide = row.metadata["secret"]
        rows.append(
            Explained(
                name=reading.name_of(row),
                value=hide(shown) if hide else shown,
                origin=origin if text else "default",
                meaning=row.metadata["meaning"],
                default=row.metadata["shown"],
            )
        )
    return rows
