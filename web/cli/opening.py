"""What commands about the records share: the open database, and who sits at the terminal."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterator
from contextlib import contextmanager

from content_store import checks
from content_store.db import Database, open_database
from content_store.settings import Settings


@contextmanager
def opened(settings: Settings) -> Iterator[Database]:
    """The database of ``settings``, migrated, closed again at the end."""
    database = open_database(settings)
    try:
        yield database
    finally:
        database.close()


def actor() -> str:
    """The person at the terminal as the audit log names them: ``cli:`` and the name by which the machine knows them."""
    try:
        name = getpass.getuser()
    except (OSError, KeyError, ImportError):
        # No name for this number on this machine, as in some containers.
        name = str(os.getuid()) if hasattr(os, "getuid") else "unknown"
    return checks.identifier(f"cli:{name}"[: checks.LONGEST_ID], "the user's name")
