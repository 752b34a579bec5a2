"""Reads the kill switch from its ConfigMap, its mounted file and the environment."""

import asyncio
import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mission_control.floor.decide.evidence import MAX_AGE_SECONDS, seconds_between
from mission_control.floor.model import SwitchReading
from mission_control.model.clock import Clock
from mission_control.model.kill_switch import SourceKind
from mission_control.model.reading import Seen, Unseen, UnseenReason
from mission_control.processes.own_process import begin_in_own_thread
from mission_control.processes.plain_file import read_regular

if TYPE_CHECKING:
    from mission_control.cluster.read.observer import ConfigMapSwitch

MAX_BYTES = 4 * 1024
MOUNTS = Path("/proc/self/mountinfo")
MOST_OF_MOUNTS = 4 * 1024 * 1024
DEADLINE_SECONDS = 2.0
"""A mounted file is read within this time, or the read is given up: a mount can hang."""
FEW_HANGING, MOST_HANGING = 4, 60
AGAIN_SECONDS = 60.0
"""While a few reads hang, another is begun only as often as this, and none beyond the most."""
DATA = "..data"
"""The link in a kubelet's volume that leads to the folder which holds the newest files."""
_SWAPPED = re.compile(r"\.\.[^/.][^/]*")
_OCTAL = re.compile(r"\\([0-7]{3})")
"""How mountinfo writes a blank in a path."""
_BEFORE_POINT = 4
LOOKS = 2
"""The kubelet may swap the folder in the middle of one look; it does not in two."""
_SILENCE = frozenset(
    {
        UnseenReason.TIMEOUT,
        UnseenReason.CONNECTION_REFUSED,
        UnseenReason.CONNECTION_LOST,
        UnseenReason.DNS_FAILURE,
        UnseenReason.THROTTLED,
    }
)
_SERVER_ERROR = 500


class SwitchReader:
    """
    Reads the configured sources other than services.

    What cannot be read is `Unseen`. The predecessor read every error as "not halted"; here no
    error has a meaning of its own. Silence alone (a file that is slow, an API server that does
    not answer) leaves what was last read as it was, with the time at which it was read: it counts
    as long as it is young. What *is* read, a changed value or none, counts at once.
    """

    def __init__(
        self,
        file: Path | None,
        environment: Mapping[str, str],
        clock: Clock,
        config_map: "ConfigMapSwitch | None" = None,
    ) -> None:
        """
        Read this file, None where there is none, and these variables as they were at start.

        `config_map` is None where no cluster is read.
        """
        self._config_map = config_map
        self._file = SwitchFile(file, clock) if file is not None else None
        self._environment = dict(environment)
        self._clock = clock
        self._told: SwitchReading | None = None

    async def read(self) -> tuple[SwitchReading, ...]:
        """Read each configured source once; one that is not configured is absent."""
        told = asyncio.ensure_future(self._config_map.read()) if self._config_map else None
        heard = [
            SwitchReading(SourceKind.ENVIRONMENT, name, Seen(value, self._clock()))
            for name, value in sorted(self._environment.items())
        ]
        if self._file is not None:
            reading, mounted = await self._file.read()
            source = str(self._file.path)
            heard.append(SwitchReading(SourceKind.FILE, source, reading, live_mount=mounted))
        if told is not None:
            heard.append(self._settle(await told))
        return tuple(heard)

    def _settle(self, switch_readings: SwitchReading) -> SwitchReading:
        """Return the ConfigMap's last reading while its server is merely silent."""
        reading, known = switch_readings.reading, self._told
        if isinstance(reading, Unseen) and known is not None and _is_silence(reading):
            return known if _is_young(known.reading, self._clock()) else switch_readings
        self._told = switch_readings
        return switch_readings


class FileReading(NamedTuple):
    """What a file holds, and whether it was read through the ConfigMap's live mount."""

    said: Seen[str] | Unseen
    live_mount: bool = False


class SwitchFile:
    """
    The mounted file, each read of it in a thread of its own.

    One that hangs is given up after its deadline and the next is begun all the same, so that a
    file that is well again is read at once, whatever became of earlier reads. What such a read
    brings at last is dated by its beginning: its value was true no later than that.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        """Read this file by this clock."""
        self.path = path
        self._clock = clock
        self._begun = 0
        self._hanging = dict[int, datetime]()
        self._known: tuple[int, FileReading] | None = None

    async def read(self) -> FileReading:
        """Read once; while it takes longer than it may, what was last read counts while young."""
        now = self._clock()
        if not self._may_begin(now):
            return self._last_read(f"{len(self._hanging)} reads of it hang")
        self._begun += 1
        number = self._begun
        self._hanging[number] = now
        reading = begin_in_own_thread(partial(_text_of, self.path))
        reading.add_done_callback(partial(self._note, number, now))
        done, _ = await asyncio.wait({reading}, timeout=DEADLINE_SECONDS)
        if done and self._known is not None:
            return self._known[1]
        return self._last_read(f"not read within {DEADLINE_SECONDS:.0f} s")

    def _may_begin(self, now: datetime) -> bool:
        hanging = self._hanging.values()
        if len(hanging) < FEW_HANGING:
            return True
        since = abs(seconds_between(max(hanging), now))
        return len(hanging) < MOST_HANGING and since >= AGAIN_SECONDS

    def _note(self, number: int, at: datetime, read: "asyncio.Future[tuple[str, bool]]") -> None:
        """Keep what a read brought, unless a later one has brought something already."""
        del self._hanging[number]
        error = read.exception()
        if error is None:
            text, mounted = read.result()
            reading = FileReading(Seen(text, at), mounted)
        else:
            reading = FileReading(Unseen(UnseenReason.UNREADABLE, at, detail=_why(error)))
        if self._known is None or number > self._known[0]:
            self._known = (number, reading)

    def _last_read(self, why: str) -> FileReading:
        known = self._known[1] if self._known else None
        if known is not None and _is_young(known.said, self._clock()):
            return known
        told = known.said if known is not None else None
        before = f"; before, {told.detail}" if isinstance(told, Unseen) else ""
        detail = f"{why}{before}"
        return FileReading(Unseen(UnseenReason.UNREADABLE, self._clock(), detail=detail))


def _text_of(path: Path) -> tuple[str, bool]:
    """Read the file, and check that it is the ConfigMap's live mount before and after."""
    mounted = is_live_mount(path)
    text = read_regular(path, MAX_BYTES).decode("utf-8")
    return text, mounted and is_live_mount(path)


def is_live_mount(path: Path) -> bool:
    """
    Return whether a file lies in a volume that a kubelet keeps like its ConfigMap.

    Such a volume is a mount of its own. In it `..data` is a link to a folder `..<time>` beside it,
    which the kubelet swaps whole, and the file is a link through `..data`. A subPath is another
    thing: mounted once, it never follows the ConfigMap again. So is any file or folder that a
    person can make without mounting anything.
    """
    place = Path(os.path.normpath(path.absolute()))
    return any(_lies_in_volume(place) for _ in range(LOOKS))


def _lies_in_volume(place: Path) -> bool:
    try:
        mounts = _mount_points()
        above = next((p for p in place.parents if os.path.realpath(p) in mounts), place)
        held, volume = Path(os.path.realpath(place)), Path(os.path.realpath(above))
        nearest = next((p for p in (held, *held.parents) if str(p) in mounts), None)
        data = str((volume / DATA).readlink())
        through = os.path.realpath(volume / DATA / place.relative_to(above))
        own = (volume / data).is_dir() and not (volume / data).is_symlink()
    except OSError:
        return False
    swapped = own and _SWAPPED.fullmatch(data) is not None
    follows = str(held) == through and (volume / data) in held.parents
    return swapped and nearest == volume and follows


def _mount_points() -> frozenset[str]:
    """Return every mount point that this process sees; those of the root itself are left out."""
    with MOUNTS.open("rb") as told:
        lines = told.read(MOST_OF_MOUNTS).decode("utf-8", "surrogateescape").splitlines()
    points = (line.split(" ")[4] for line in lines if line.count(" ") > _BEFORE_POINT)
    return frozenset(_OCTAL.sub(lambda m: chr(int(m[1], 8)), p) for p in points) - {"/"}


def _why(error: BaseException) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8 text"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return type(error).__name__


def _is_silence(reading: Unseen) -> bool:
    status = reading.exchange.status or 0
    failing = reading.reason is UnseenReason.HTTP_STATUS and status >= _SERVER_ERROR
    return failing or reading.reason in _SILENCE


def _is_young(reading: Seen[str] | Unseen, now: datetime) -> bool:
    """Return whether it was seen, and no longer ago than required evidence may be."""
    age = seconds_between(reading.at, now)
    return isinstance(reading, Seen) and 0 <= age <= MAX_AGE_SECONDS
