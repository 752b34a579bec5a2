"""History: which rows held at an instant: the newest by time, for a clock may have stepped."""

from sqlalchemy import Select, func, select

from mission_control.record.history import schema


def decision_in_force(at: int) -> Select[tuple[int]]:
    """Select the number of the decision that held at an instant; none where none was made yet."""
    table = schema.decisions
    by_then = select(table.c.id).where(table.c.at <= at)
    return by_then.order_by(table.c.at.desc(), table.c.id.desc()).limit(1)


def decision_written_last() -> Select[tuple[int]]:
    """Select the number of the decision whose standing a start takes over, whatever its time."""
    return select(schema.decisions.c.id).order_by(schema.decisions.c.id.desc()).limit(1)


def changes_in_force(at: int, agent_name: str | None = None) -> Select[tuple[int]]:
    """Select the number of each service's change that held at an instant, or of one's only."""
    table = schema.service_changes
    newest_first = (table.c.at.desc(), table.c.id.desc())
    rank = func.row_number().over(partition_by=table.c.agent_name, order_by=newest_first)
    by_then = select(table.c.id, rank.label("rank")).where(table.c.at <= at)
    if agent_name:
        by_then = by_then.where(table.c.agent_name == agent_name)
    ranked = by_then.subquery()
    return select(ranked.c.id).where(ranked.c.rank == 1)
