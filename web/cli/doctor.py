"""What ``kepu doctor`` looks at: one small function per subject."""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from content_store import hot
from content_store.db import connect_only, excess_rights, is_new, revisions, try_writing
from content_store.errors import KepuError
from content_store.settings import Settings, load_settings

LEAST_DISK = 1 << 30
"""Bytes free below which an import or a training is likely to fail."""

MIGRATION_COMMAND = "kepu migrate"
_TWO_ROLES = (
    "only triggers keep the audit log: let another role own the tables (KEPU_MIGRATION_URL, docs/decisions/0074),"
    f" and run `{MIGRATION_COMMAND}`"
)


@dataclass(frozen=True, slots=True)
class Finding:
    """``well``: True in order, False broken, None absent but not needed by everyone."""

    subject: str
    well: bool | None
    text: str
    advice: str = ""


def examine() -> list[Finding]:
    """All findings; each examination goes on whatever the others found."""
    findings = [python(), libgomp()]
    try:
        settings = load_settings()
    except KepuError as error:
        return [*findings, Finding("settings", False, error.message, error.hint)]
    findings.append(Finding("settings", True, "understood"))
    return findings + [finding for check in CHECKS for finding in _guarded(check, settings)]


def python() -> Finding:
    """The version of the interpreter."""
    version = ".".join(map(str, sys.version_info[:3]))
    well = sys.version_info >= (3, 11)
    return Finding("Python", well, version, "" if well else "Python 3.11 or newer is needed")


def libgomp() -> Finding:
    """The OpenMP runtime that LightGBM needs and does not bring on Linux."""
    if sys.platform != "linux":
        return Finding("OpenMP", None, "not examined on this system")
    try:
        ctypes.CDLL("libgomp.so.1")
    except OSError:
        return Finding("OpenMP", False, "libgomp is not installed", "apt-get install libgomp1 (training needs it)")
    return Finding("OpenMP", True, "libgomp found")


def data_folder(settings: Settings) -> Iterator[Finding]:
    """Whether the data folder, or the nearest existing one above it, can be written to, and how much room it has."""
    folder = settings.data_dir
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    advice = "give another folder by KEPU_DATA_DIR"
    if not existing.is_dir():
        yield Finding("data folder", False, f"{existing} is not a folder", advice)
        return
    well = os.access(existing, os.W_OK | os.X_OK)
    text = f"{folder}" if folder == existing else f"{folder} (made when needed)"
    yield Finding("data folder", well, text if well else f"{existing} cannot be written to", "" if well else advice)
    free = shutil.disk_usage(existing).free
    enough = free >= LEAST_DISK
    yield Finding("disk", enough, f"{free / 2**30:.1f} GiB free", "" if enough else "free some space, or " + advice)


def database(settings: Settings) -> Iterator[Finding]:
    """Whether the database opens, is of a revision that the programme can use, and takes a row."""
    if is_new(settings):
        yield Finding("database", True, "none yet; made when needed")
        return
    opened = connect_only(settings)
    try:
        found = revisions(opened)
        found.refuse_too_new()
        try_writing(opened)
        too_much = [] if found.behind else excess_rights(opened)
    finally:
        opened.close()
    state = f"{opened.dialect}, revision {found.current or 'empty'}, writable"
    yield Finding("database", True, state, f"migrated at the next start, or by `{MIGRATION_COMMAND}`" * found.behind)
    if too_much:
        yield Finding("database rights", None, f"the role {', '.join(too_much)}", _TWO_ROLES)
    elif opened.dialect == "postgresql" and not found.behind:
        yield Finding("database rights", True, "append-only tables cannot be changed by the programme's role")


def redis(settings: Settings) -> Iterator[Finding]:
    """Whether Redis answers, where one is named."""
    client = hot.connect(settings)
    if client is None:
        yield Finding("Redis", None, "not set; hot state is kept in memory")
        return
    client.close()
    yield Finding("Redis", True, "answers")


def datasets(settings: Settings) -> Iterator[Finding]:
    """Whether the real data are there; only tests and benchmarks want them."""
    folder: Path = settings.datasets / "data"
    if folder.is_dir():
        yield Finding("datasets", True, str(settings.datasets))
    else:
        yield Finding("datasets", None, f"none at {settings.datasets}", "tests and benchmarks want KEPU_DATASETS")


CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (data_folder, database, redis, datasets)


def _guarded(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    try:
        yield from check(settings)
    except KepuError as error:
        yield Finding(check.__name__.replace("_", " "), False, error.message, error.hint)
