"""Present: the playbook's day as a crontab, for those who run it from cron."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from mission_control.model.schedule import Job

ZONE = "America/New_York"
WEEKDAYS = "mon-fri"
"""Named: numbers mean other days to other programs (semantics, section 8)."""
EVERY_DAY = "*"
PROGRAM = "mission-control"
NEEDED = ("MISSION_CONTROL_FLEET_FILE", "MISSION_CONTROL_ROOT")
CARRIED = (*NEEDED, "MISSION_CONTROL_CONFIG", "MISSION_CONTROL_REPOSITORY")
"""Variables that a crontab carries on; none of them holds a secret."""


@dataclass(frozen=True, slots=True)
class CronEntry:
    """
    One line of the playbook's day: New York's clock, and which commands run then.

    A command is a script's name with its arguments, `{namespace}` standing for the namespace.
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
"""What the playbook runs, at the times of a usual day; the server follows the session's own."""


def crontab_text(
    namespace: str,
    find_script: Callable[[str], str],
    variables: Mapping[str, str],
    entries: Sequence[CronEntry] = ENTRIES,
) -> str:
    """
    Write the crontab; `find_script` gives where a script, or our own program, is.

    `variables` are those of ours that are set where it is made: cron sets none by itself.

    Cron knows neither holidays nor early closes: the scripts do, and say so.
    """
    lines = [
        "# Mission Control: the playbook's day, for a cron that reads CRON_TZ, as cronie does.",
        "# Where cron does not, its machine has to keep New York's time.",
        "# A server of ours needs none of this. Beside one nothing runs twice as the planned run:",
        "# whoever claims it first is the one. On holidays and at other hours than planned, as on",
        "# an early close, they run all the same, say so, and are recorded beside the plan.",
        f"CRON_TZ={ZONE}",
        *(f"{name}={value}" for name, value in sorted(variables.items())),
        *(f"# {name}=...   (needed: say it here)" for name in NEEDED if name not in variables),
    ]
    for entry in entries:
        lines += ["", f"# {entry.title}"]
        command = " && ".join(
            " ".join(_argument(a, namespace, find_script) for a in each) for each in entry.commands
        )
        lines.append(f"{entry.minute} {entry.hour} * * {entry.days} {command}")
    return "\n".join([*lines, ""])


def _argument(argument: str, namespace: str, find_script: Callable[[str], str]) -> str:
    if argument == "{namespace}":
        return namespace
    script = argument.endswith((".sh", ".py")) or argument == PROGRAM
    return find_script(argument) if script else argument
