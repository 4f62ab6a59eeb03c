"""An index of what citizens did: impressions, which are twenty times as many, are not passed one by one.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    contact = sa.text("kind <> 'impression'")
    op.create_index(
        "ix_events_contacts", "events", ["citizen_id", "seq"], sqlite_where=contact, postgresql_where=contact
    )
