"""How many tiles the wall shows, and how large: type is sized by the count of services. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from ops_ui.service_rows import ServiceRow

MOST_TILES = 60
_SIZES = ((4, "few"), (12, "some"), (24, "many"), (40, "dense"), (MOST_TILES, "most"))
"""Up to so many tiles are of this size; `static/wall.css` knows what that means."""


@dataclass(frozen=True, slots=True)
class WallBoard:
    """The tiles in their order, the worst first; `more` are not shown, and none is worse."""

    tiles: tuple[ServiceRow, ...]
    size: str
    more: int


def see_wall(rows: Sequence[ServiceRow]) -> WallBoard:
    """Return the wall's tiles; what waits for a cause stands beside it."""
    every = [tile for row in rows for tile in (row, *row.dependents)]
    tiles = tuple(every[:MOST_TILES])
    size = next(name for most, name in _SIZES if len(tiles) <= most)
    return WallBoard(tiles, size, len(every) - len(tiles))
