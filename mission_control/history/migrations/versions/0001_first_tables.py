"""
The first tables.

Revision ID: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """
    Make the tables; spelled out, because the schema of today is not that of tomorrow.

    SQLite may have some already: where an earlier version of ours was killed in here.
    """
    _decisions()
    _changes()
    _minutes_and_events()


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("fleet_digest", sa.Text, nullable=False),
        sa.Column("inputs", sa.LargeBinary, nullable=False),
        sa.Column("result", sa.LargeBinary, nullable=False),
        sa.Column("standing", sa.LargeBinary, nullable=False),
        sa.Column("after", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_decisions_at", "decisions", ["at"], if_not_exists=True)
    op.create_table(
        "fleets",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )


def _changes() -> None:
    op.create_table(
        "service_changes",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("agent_name", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("expected", sa.Boolean, nullable=False),
        sa.Column("reason_code", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_index(
        "service_changes_by_agent", "service_changes", ["agent_name", "at"], if_not_exists=True
    )


def _minutes_and_events() -> None:
    op.create_table(
        "minutes",
        sa.Column("minute", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("counts", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "events",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("type", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("agent_name", sa.Text, nullable=True),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_events_at", "events", ["at"], if_not_exists=True)


def downgrade() -> None:
    """Nothing is ever taken back: history goes forward."""
    raise RuntimeError("history only goes forward")
