"""Configuration: alarms that a human ended in the fleet file, each one alone (section 6)."""

import re
from contextlib import suppress
from datetime import UTC, datetime

from mission_control.configuration.agent_details import required
from mission_control.configuration.problems import Problems, did_you_mean, quoted
from mission_control.configuration.yaml_value import Value
from mission_control.model import codes
from mission_control.model.fleet import EndedAlarm
from mission_control.model.standing import KILL_SWITCH, SEV0_CODES

KEYS = ("code", "subject", "source", "since", "who", "why")
MAX_ENDED = 200
MAX_TEXT = 300
INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})", re.ASCII
)
_CODES = {c for name, c in vars(codes).items() if name.isupper() and isinstance(c, str)}
"""Every reason code; one that is misspelled would end nothing, and say nothing of it."""


def read_ended_alarms(value: Value | None, problems: Problems) -> tuple[EndedAlarm, ...]:
    """
    Read which alarms a human ended, in the file's order, noting every problem.

    A Sev-0 is refused: nobody ends one by hand.
    """
    if value is None:
        return ()
    read = [_read_entry(item, problems) for item in value.items(problems, at_most=MAX_ENDED)]
    return tuple(entry for entry in read if entry is not None)


def _read_entry(value: Value, problems: Problems) -> EndedAlarm | None:
    before = len(problems)
    fields = value.fields(KEYS, problems)
    found = {key: required(fields, key, value, problems) for key in KEYS}
    texts = {
        key: each.text(problems, at_most=MAX_TEXT)
        for key, each in found.items()
        if each is not None and key != "since"
    }
    since = _read_instant(found["since"], problems)
    code, subject = texts.get("code", ""), texts.get("subject", "")
    if found["code"] is not None and code:
        _refuse_code(found["code"], code, subject, problems)
    if len(problems) > before or since is None:
        return None
    return EndedAlarm(code, subject, texts["source"], since, texts["who"], texts["why"])


def _refuse_code(value: Value, code: str, subject: str, problems: Problems) -> None:
    if code not in _CODES:
        known = did_you_mean(code, _CODES)
        value.refuse(problems, f"{quoted(code)} is no alarm's code", known)
    elif code in SEV0_CODES or (code == codes.CONTRADICTION and subject == KILL_SWITCH):
        value.refuse(
            problems,
            f"{code} about {quoted(subject)} is a P0, and no human ends one",
            f"take it out; the page of {code} says what clears it",
        )


def _read_instant(value: Value | None, problems: Problems) -> datetime | None:
    if value is None:
        return None
    with suppress(ValueError, OverflowError):
        if INSTANT.fullmatch(value.scalar):
            return datetime.fromisoformat(value.scalar).astimezone(UTC)
    value.refuse(
        problems,
        f"{quoted(value.scalar)} is no instant with its zone",
        "copy the alarm's since from /api/v1/posture, such as 2026-11-18T15:15:03.250Z",
    )
    return None
