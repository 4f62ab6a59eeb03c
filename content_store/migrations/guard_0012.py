"""What a guard is, and how each kind of database is told of it: part of step 0012, and as little changed."""

from __future__ import annotations

from typing import NamedTuple


class Guard(NamedTuple):
    """``name`` is unique, ``occasion`` INSERT, UPDATE or DELETE on ``table``; ``text`` tells what is refused.

    ``only`` one kind of database has it, where the other cannot be asked for what it refuses.
    """

    table: str
    name: str
    occasion: str
    text: str
    condition: str
    only: str | None = None


def made(guard: Guard, dialect: str) -> list[str]:
    """The statements that make ``guard`` on a database of this kind."""
    if guard.only not in (None, dialect):
        return []
    return _on_sqlite(guard) if dialect == "sqlite" else _on_postgresql(guard)


def _on_sqlite(guard: Guard) -> list[str]:
    condition = guard.condition.replace("IS DISTINCT FROM", "IS NOT").replace("::text", "")
    head = f"CREATE TRIGGER {guard.name} BEFORE {guard.occasion} ON {guard.table} WHEN {condition}"
    return [f"{head} BEGIN SELECT RAISE(ABORT, '{guard.text}'); END"]


def _on_postgresql(guard: Guard) -> list[str]:
    row = "OLD" if guard.occasion == "DELETE" else "NEW"
    return [
        f"""
        CREATE FUNCTION {guard.name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF {guard.condition} THEN
            RAISE EXCEPTION '{guard.text}' USING ERRCODE = 'integrity_constraint_violation';
          END IF;
          RETURN {row};
        END $$
        """,
        f"CREATE TRIGGER {guard.name} BEFORE {guard.occasion} ON {guard.table} FOR EACH ROW"
        f" EXECUTE FUNCTION {guard.name}()",
    ]
