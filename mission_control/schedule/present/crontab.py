"""The scheduled day as a crontab, for a machine that runs it from cron."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta, tzinfo
from typing import NamedTuple

from mission_control.market_calendar.days import instant_of
from mission_control.schedule.model import Job

ZONE = "America/New_York"
WEEKDAYS = "mon-fri"
"""Named: numbers mean other days to other programs."""
EVERY_DAY = "*"
PROGRAM = "mission-control"


@dataclass(frozen=True, slots=True)
class CronEntry:
    """
    One entry of the day: New York's clock, and which commands run then.

    A command is a script's name with its arguments, `{namespace}` in place of the namespace.
    """

    job: Job
    hour: int
    minute: int
    commands: tuple[tuple[str, ...], ...]
    days: str = WEEKDAYS
    title: str = ""


_IN_NAMESPACE = ("--namespace", "{namespace}")
ENTRIES = (
    CronEntry(
        Job.PRE_MARKET, 8, 30, (("ops_pre_market.sh", *_IN_NAMESPACE),),
        title="T-60: readiness and everything of that hour",
    ),
    CronEntry(
        Job.PRE_OPEN, 9, 15, (("readiness_check.sh", *_IN_NAMESPACE),),
        title="T-15: readiness",
    ),
    CronEntry(
        Job.OPEN_VERIFICATION, 9, 35,
        (("readiness_check.sh", *_IN_NAMESPACE, "--with-deploy-report"),),
        title="T+5: what is deployed, and readiness",
    ),
    CronEntry(
        Job.POST_MARKET, 16, 30, (("ops_post_market.sh", *_IN_NAMESPACE),),
        title="close + 30 min: everything of the session's end",
    ),
    CronEntry(
        Job.LKG_CAPTURE, 17, 0, (("capture_lkg.sh", "{namespace}"),),
        title="close + 60 min: the last known good; never a tag",
    ),
    CronEntry(
        Job.ATTESTATION, 17, 15, (("mission-control", "attest"),),
        title="close + 75 min: whether anything of execution was seen",
    ),
    CronEntry(
        Job.RETENTION, 18, 0, (("mission-control", "artifacts", "retention"),), EVERY_DAY,
        title="how much is kept",
    ),
    CronEntry(
        Job.DURABLE_COPY, 18, 0, (("mission-control", "artifacts", "copy"),), EVERY_DAY,
        title="the durable copy, where one is configured",
    ),
)  # fmt: skip
"""What runs, at the times of a usual day; the server follows the session's own."""


class LocalTime(NamedTuple):
    """New York's time on another clock; `shift` counts by how many days that is later there."""

    minute: int
    hour: int
    shift: int


def local_times(entry: CronEntry, zone: tzinfo, since: date) -> tuple[LocalTime, ...]:
    """
    Return every time at which an entry falls due on a clock of this zone, within the year to come.

    There are two where only one of the two zones changes its clocks, or both do at other dates.
    """
    found = set[LocalTime]()
    for number in range(366):
        on = since + timedelta(days=number)
        due = instant_of(on, time(entry.hour, entry.minute)).astimezone(zone)
        found.add(LocalTime(due.minute, due.hour, (due.date() - on).days))
    return tuple(sorted(found, key=lambda t: (t.shift, t.hour, t.minute)))


def crontab_text(
    namespace: str,
    find_script: Callable[[str], str],
    variables: Mapping[str, str],
    *,
    withheld: Sequence[str] = (),
    local: tuple[str, tzinfo, date] | None = None,
    entries: Sequence[CronEntry] = ENTRIES,
) -> str:
    """
    Write the crontab; `find_script` returns where a script, or our own program, is.

    `variables` are what is in force where it is made: cron sets none by itself. `withheld` names
    those that hold a secret, which has to be set in another way. Without `local`
    (a zone's name, the zone, and the date of today) the lines are in New York's time and need a
    cron that reads CRON_TZ. With it they are in that zone's time, and a line whose time comes
    twice a year is guarded by New York's clock.

    Cron knows neither holidays nor early closes: the scripts do, and say so.
    """
    lines = [
        *(_LOCAL_HEAD if local else _ZONE_HEAD),
        *_HEAD,
        *((f"# The times below are those of {local[0]}.",) if local else (f"CRON_TZ={ZONE}",)),
        *(f"{name}={_quoted(value)}" for name, value in sorted(variables.items())),
        *(f"# {name}=...   (needed, and not written here: it holds a secret)" for name in withheld),
    ]
    for entry in entries:
        lines += ["", f"# {entry.hour:02}:{entry.minute:02} in New York: {entry.title}"]
        command = " && ".join(
            " ".join(_argument(a, namespace, find_script) for a in each) for each in entry.commands
        )
        if local is None:
            lines.append(f"{entry.minute} {entry.hour} * * {entry.days} {command}")
            continue
        guard = f"{find_script(PROGRAM)} schedule --if-new-york {entry.hour:02}:{entry.minute:02}"
        times = local_times(entry, local[1], local[2])
        guarded = f"{guard} && {command}" if len(times) > 1 else command
        lines += [
            f"{at.minute} {at.hour} * * {_days(entry.days, at.shift)} {guarded}" for at in times
        ]
    return "\n".join([*lines, ""])


_ZONE_HEAD = (
    "# Mission Control: the playbook's day, for a cron that reads CRON_TZ, as cronie does.",
    "# Debian's and Ubuntu's cron does not: there use `schedule --crontab --local`.",
)
_LOCAL_HEAD = (
    "# Mission Control: the playbook's day, for a cron that keeps its machine's time.",
    "# Where a line comes twice, New York's clock decides which of the two runs: the other ends at",
    "# once. Make it again when either zone changes its rules for summer time.",
)
_HEAD = (
    "# A server of ours needs none of this. Beside one nothing runs twice as the planned run: the",
    "# first to claim it is the one. On holidays and at other hours than planned, as on an early",
    "# close, they run all the same, say so, and are recorded beside the plan.",
)
_SHIFTED = {
    (WEEKDAYS, -1): "sun-thu",
    (WEEKDAYS, 0): WEEKDAYS,
    (WEEKDAYS, 1): "tue-sat",
}


def _days(days: str, shift: int) -> str:
    """Name the days of the other zone on which New York's fall."""
    return days if days == EVERY_DAY else _SHIFTED[(days, shift)]


def _quoted(value: str) -> str:
    """Write a value so that cron keeps it whole, blanks at its ends too."""
    mark = "'" if '"' in value else '"'
    return f"{mark}{value}{mark}" if value != value.strip() or value[:1] in "\"'" else value


def _argument(argument: str, namespace: str, find_script: Callable[[str], str]) -> str:
    if argument == "{namespace}":
        return namespace
    script = argument.endswith((".sh", ".py")) or argument == PROGRAM
    return find_script(argument) if script else argument
