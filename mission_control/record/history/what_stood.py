"""History: what stands for a start: nothing that one of several servers heard is forgotten."""

from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from mission_control.decide.standing import join_standing
from mission_control.model.event import EventType
from mission_control.model.standing import Accusation, Standing
from mission_control.record.history import schema
from mission_control.record.history.codec import unpack_standing
from mission_control.record.history.in_force import decision_written_last

_OPENED, _ENDED = EventType.ACCUSATION_OPENED.value, EventType.ACCUSATION_ENDED.value


def newest_standing(connection: Connection) -> Standing | None:
    """
    Give what stood after the decision written last; None where nothing was ever decided.

    Where several servers keep one history that decision may be of one that heard less. What any
    of them told opened and none told ended stands as well: silence never acquits.
    """
    table = schema.decisions
    last = decision_written_last().scalar_subquery()
    content = connection.scalar(select(table.c.after).where(table.c.id == last))
    if content is None:
        return None
    standing = unpack_standing(content)
    known = {a.key for a in standing.accusations}
    heard = (_accusation(row) for row in openings_without_end(connection))
    return join_standing(Standing(tuple(a for a in heard if a.key not in known)), standing)


def openings_without_end(connection: Connection) -> list[Row[Any]]:
    """
    Give, for each accusation that was never told ended since, the event that opened it first.

    An end counts that was written after the opening and is not dated before it: the clocks of
    servers differ, and one too many is taken back by the next answer of whoever made it. A second
    end counts however it is dated: the opening was dated by a clock that ran ahead.
    """
    table = schema.events
    told = select(table).where(table.c.type.in_((_OPENED, _ENDED))).order_by(table.c.id)
    open_by_key = dict[tuple[str, str], list[tuple[Row[Any], bool]]]()
    for row in connection.execute(told):
        key = (row.agent_name, row.data)  # equal data is written as equal text
        earlier = open_by_key.pop(key, [])
        if row.type == _OPENED:
            left = [*earlier, (row, False)]
        else:
            left = [(o, True) for o, ended_before in earlier if o.at > row.at and not ended_before]
        if left:
            open_by_key[key] = left
    return [min((row for row, _ in rows), key=lambda row: row.at) for rows in open_by_key.values()]


def _accusation(opening: Row[Any]) -> Accusation:
    """Read the accusation that an event opened; its sentence leads with who accuses of what."""
    told, at = orjson.loads(opening.data), schema.from_micros(opening.at)
    code, source = told["code"], told["source"]
    detail = opening.message.removeprefix(f"{source} accuses: {code}: ")
    return Accusation(code, opening.agent_name, source, told["fact"], detail, at, at)
