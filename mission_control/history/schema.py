"""The tables. Instants are microseconds since 1970 in UTC, exact in every database."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_Big = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts up by itself there

metadata = MetaData()

decisions = Table(
    "decisions",
    metadata,
    Column("id", _Big, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("sequence", BigInteger, nullable=False),
    Column("why", Text, nullable=False),
    Column("fleet_digest", Text, nullable=False),
    Column("inputs", LargeBinary, nullable=False),
    Column("result", LargeBinary, nullable=False),
    Column("standing", LargeBinary, nullable=False),
    Column("after", LargeBinary, nullable=False),
)
"""Each judged change, with all it was decided from."""

fleets = Table(
    "fleets",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)
"""Every inventory that was ever watched."""

service_changes = Table(
    "service_changes",
    metadata,
    Column("id", _Big, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False),
    Column("agent_name", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("expected", Boolean, nullable=False),
    Column("reason_code", Text, nullable=False),
    Index("service_changes_by_agent", "agent_name", "at"),
)
"""From when on a service was how."""

minutes = Table(
    "minutes",
    metadata,
    Column("minute", BigInteger, primary_key=True, autoincrement=False),
    Column("counts", LargeBinary, nullable=False),
    Column("decided", LargeBinary, nullable=True),
)
"""
For each minute that was watched: how often each service was asked, and how often it was seen, and
from when to when the floor was decided, which minutes of before 0.3 do not say.
"""

events = Table(
    "events",
    metadata,
    Column("id", _Big, primary_key=True, autoincrement=True),
    Column("at", BigInteger, nullable=False, index=True),
    Column("type", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("agent_name", Text, nullable=True),
    Column("message", Text, nullable=False),
    Column("data", Text, nullable=False),
)
"""What happened."""

records = Table(
    "records",
    metadata,
    Column("record_id", Text, primary_key=True),
    Column("database_id", Text, nullable=False),
    Column("ledger_seq", BigInteger, nullable=False),
    Column("ledger_hash", Text, nullable=False),
)
"""The records that this history belongs to, each with the head of its ledger as known last."""

alerts = Table(
    "alerts",
    metadata,
    Column("replica", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("document", LargeBinary, nullable=False),
)
"""The alerts that there are, each as it was decided last."""

alert_acknowledgements = Table(
    "alert_acknowledgements",
    metadata,
    Column("replica", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("fingerprint", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
)
"""The state of each alert that a channel took last."""

alert_transitions = Table(
    "alert_transitions",
    metadata,
    Column("id", _Big, primary_key=True, autoincrement=True),
    Column("replica", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("fingerprint", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("from_state", Text, nullable=True),
    Column("to_state", Text, nullable=True),
    Column("pages", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
)
"""What became of each alert, and why."""

alert_deliveries = Table(
    "alert_deliveries",
    metadata,
    Column("id", _Big, primary_key=True, autoincrement=True),
    Column("replica", Text, nullable=False),
    Column("at", BigInteger, nullable=False, index=True),
    Column("channel", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("delivered", Boolean, nullable=False),
    Column("attempt", BigInteger, nullable=False),
)
"""Each attempt to deliver an alert, and the channel's answer."""


def to_micros(instant: datetime) -> int:
    """Return an instant as microseconds since 1970 in UTC."""
    return (instant - EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """Return the instant again."""
    return EPOCH + micros * _MICROSECOND
