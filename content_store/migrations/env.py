"""Run by Alembic: the steps go through the connection, and in the transaction, that ``content_store.db`` hands over."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes

context.configure(
    connection=attributes["connection"],
    target_metadata=attributes.get("metadata"),
    # SQLite cannot alter a column in place: Alembic then copies the table.
    render_as_batch=True,
    # All steps in one transaction, on SQLite too: a failure leaves the database as it was.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
