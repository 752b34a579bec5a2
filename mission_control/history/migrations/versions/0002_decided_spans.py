"""
Minutes hold from when to when the floor was decided.

Revision ID: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """
    Make room for it; older minutes do not say, and are no proof of it.

    SQLite may have the column already: where an earlier version of ours was killed in here.
    """
    known = {c["name"] for c in sa.inspect(op.get_bind()).get_columns("minutes")}
    if "decided" not in known:
        op.add_column("minutes", sa.Column("decided", sa.LargeBinary, nullable=True))


def downgrade() -> None:
    """Nothing is ever taken back: history goes forward."""
    raise RuntimeError("history only goes forward")
