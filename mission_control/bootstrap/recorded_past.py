"""The recorded sessions that a demo starts with: packed once, and unpacked by its start clock."""

import tarfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from mission_control.market_calendar.days import instant_of
from mission_control.simulation.days import DEMO_DAY, RECORDED, PlayedDay
from mission_control.simulation.scenario import OPEN_SESSION

ARCHIVE = Path(__file__).parents[1] / "simulation" / "recorded_sessions.tar.xz"
ENDS_BEFORE = timedelta(days=3)
"""A record that ended longer before the start is none of this demo's: days would be missing."""
OF_ITS_FLOOR = frozenset({"fleet.yaml", "kubeconfig.yaml", "EXECUTION_HALTED"})
"""Files that each floor writes for itself at its start."""


def demo_start(at: datetime | None, shown_at: datetime) -> datetime:
    """
    Return when a demo begins: as asked for, else when its scenario is shown best.

    Scenarios of any open session are shown on the day before which sessions were recorded.
    """
    if at is not None:
        return at
    moved = DEMO_DAY - OPEN_SESSION.date()
    return shown_at + moved if shown_at.date() == OPEN_SESSION.date() else shown_at


def ended(day: PlayedDay) -> datetime:
    """Return when the record of a day ends."""
    return instant_of(day.on, day.ends)


def find_past(start: datetime) -> int | None:
    """Return the number of the newest record that ended before; None where none ended lately."""
    before = [n for n, day in enumerate(RECORDED) if ended(day) <= start]
    return before[-1] if before and start - ended(RECORDED[before[-1]]) < ENDS_BEFORE else None


def pack(kept: Path, archive: Path) -> None:
    """Pack the folders `0`, `1` and on, newest first, always to the same bytes."""
    with tarfile.open(archive, "w:xz", preset=9, format=tarfile.GNU_FORMAT) as packed:
        for number in reversed(range(len(RECORDED))):
            for path in sorted((kept / str(number)).rglob("*")):
                if path.name not in OF_ITS_FLOOR:
                    packed.add(path, str(path.relative_to(kept)), recursive=False, filter=_plain)


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    return info


def unpack(number: int, root: Path) -> None:
    """Unpack one record into a root that is new."""
    with tarfile.open(ARCHIVE, "r:xz") as packed:
        packed.extractall(root, _below(packed, f"{number}/"), filter=_owned)


def _below(packed: tarfile.TarFile, prefix: str) -> Iterator[tarfile.TarInfo]:
    found = False
    for info in packed:
        if info.name.startswith(prefix):
            found = True
            info.name = info.name.removeprefix(prefix)
            yield info
        elif found:
            return


def _owned(info: tarfile.TarInfo, folder: str) -> tarfile.TarInfo:
    """Refuse what leads out of the folder, and keep the modes: records are read-only."""
    checked = tarfile.data_filter(info, folder)
    return checked.replace(mode=info.mode & 0o700 | 0o400, deep=False)
