"""
History knows to which record it belongs.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make room for it; a history of before belongs to the record that finds it first."""
    op.create_table(
        "records",
        sa.Column("record_id", sa.Text, primary_key=True),
        sa.Column("database_id", sa.Text, nullable=False),
        sa.Column("ledger_seq", sa.BigInteger, nullable=False),
        sa.Column("ledger_hash", sa.Text, nullable=False),
        if_not_exists=True,
    )


def downgrade() -> None:
    """Nothing is ever taken back: history goes forward."""
    raise RuntimeError("history only goes forward")
