"""The database of each kind."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from content_store.db import Database


def test_what_is_written_in_a_transaction_is_there_for_the_next_connection(database: Database) -> None:
    with database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (word TEXT)"))
        connection.execute(sa.text("INSERT INTO notes VALUES ('星')"))
    with database.connect() as connection:
        assert connection.scalar(sa.text("SELECT word FROM notes")) == "星"


def test_an_error_in_a_transaction_leaves_nothing_behind_not_even_a_table(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notes (word TEXT)"))
        raise ZeroDivisionError
    with database.connect() as connection:
        assert "notes" not in sa.inspect(connection).get_table_names()
