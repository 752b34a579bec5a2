"""
Alerts, what became of them, and what was delivered.

Revision ID: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_BIG = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make room for them; no history of before holds any."""
    op.create_table(
        "alerts",
        sa.Column("replica", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("document", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
    op.create_table(
        "alert_acknowledgements",
        sa.Column("replica", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    _transitions()
    _deliveries()


def _transitions() -> None:
    op.create_table(
        "alert_transitions",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("replica", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("rule", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("from_state", sa.Text, nullable=True),
        sa.Column("to_state", sa.Text, nullable=True),
        sa.Column("pages", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_alert_transitions_at", "alert_transitions", ["at"], if_not_exists=True)


def _deliveries() -> None:
    op.create_table(
        "alert_deliveries",
        sa.Column("id", _BIG, primary_key=True, autoincrement=True),
        sa.Column("replica", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("delivered", sa.Boolean, nullable=False),
        sa.Column("attempt", sa.BigInteger, nullable=False),
        if_not_exists=True,
    )
    op.create_index("ix_alert_deliveries_at", "alert_deliveries", ["at"], if_not_exists=True)


def downgrade() -> None:
    """Nothing is ever taken back: history goes forward."""
    raise RuntimeError("history only goes forward")
