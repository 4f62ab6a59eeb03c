"""Transactions that bear on one content wait for each other: part of step 0012, and as little changed as the step.

On PostgreSQL they do not see each other while they run, and each might find as it was what the other is changing.
"""

from __future__ import annotations

from collections.abc import Iterable

_CONTENT_OF_REVIEW = "(SELECT r.content_id FROM reviews r WHERE r.id = NEW.review_id)"
_WAITING = (
    ("content_versions", "INSERT", "NEW.content_id", ""),
    ("reviews", "INSERT OR UPDATE", "NEW.content_id", ""),
    ("review_steps", "UPDATE", _CONTENT_OF_REVIEW, "WHEN (NEW.verdict IS DISTINCT FROM OLD.verdict)"),
    ("quarantines", "INSERT OR UPDATE", "NEW.content_id", ""),
    ("tombstones", "INSERT", "NEW.content_id", ""),
    ("corrections", "INSERT", "NEW.content_id", ""),
)
# Triggers of one occasion fire by their names: this one before all guards, so that they see what was waited for.
_FUNCTION = """
    CREATE FUNCTION a_hold_content_of_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM 1 FROM contents c WHERE c.id = {content} FOR UPDATE; RETURN NEW; END $$
"""
_TRIGGER = """
    CREATE TRIGGER a_hold_content_of_{table} BEFORE {occasion} ON {table} FOR EACH ROW {when}
    EXECUTE FUNCTION a_hold_content_of_{table}()
"""
_EMPTYING = """
    CREATE TRIGGER {table}_never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION append_only_never_emptied()
"""


def statements(dialect: str, never_emptied: Iterable[str]) -> list[str]:
    """What makes them on a database of this kind, with ``never_emptied`` as tables that nobody empties either.

    Nothing on SQLite, which has one writer at a time and no TRUNCATE.
    """
    if dialect == "sqlite":
        return []
    made = [_FUNCTION.format(table=table, content=content) for table, _, content, _ in _WAITING]
    made += [_TRIGGER.format(table=table, occasion=occasion, when=when) for table, occasion, _, when in _WAITING]
    return made + [_EMPTYING.format(table=table) for table in ("contents", *never_emptied)]
