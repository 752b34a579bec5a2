"""The recorded sessions that a demo starts with: packed once, and unpacked by its start clock."""

import tarfile
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
    """Unpack one record into a root that is new; what is read-only in a record stays so."""
    prefix, found = f"{number}/", False
    with tarfile.open(ARCHIVE, "r:xz") as packed:
        for info in packed:
            if not info.name.startswith(prefix):
                if found:
                    return
                continue
            found = True
            _write(packed, info, root / info.name.removeprefix(prefix))


def _write(packed: tarfile.TarFile, info: tarfile.TarInfo, path: Path) -> None:
    """Write one file or folder; there is nothing else in what was packed."""
    if info.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    content = packed.extractfile(info)
    if content is None:
        raise ValueError(f"{info.name} is no file")
    path.parent.mkdir(parents=True, exist_ok=True)
    with content:
        path.write_bytes(content.read())
    path.chmod(info.mode & 0o700)
