"""How pages write states, instants, durations, shares and pods. Pure."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import orjson

from ops_ui.answers import Pod, Workload

GLYPHS = {
    "OK": "●",
    "MARKET_CLOSED": "◐",
    "HALTED": "■",
    "DEGRADED": "▲",
    "OFFLINE": "○",
    "UNKNOWN": "?",
}
NEW_YORK = ZoneInfo("America/New_York")


def instant_of(text: str | None) -> datetime | None:
    """Read an instant; None for anything else, as for a time without a zone."""
    try:
        instant = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return None if instant.tzinfo is None else instant


def asked_instant(text: str) -> datetime | None:
    """Read an instant as an address has it: New York's where it names no zone."""
    try:
        instant = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    return instant.replace(tzinfo=NEW_YORK) if instant.tzinfo is None else instant


def _there(text: str | None, form: str) -> str:
    instant = instant_of(text)
    return "" if instant is None else instant.astimezone(NEW_YORK).strftime(form)


def new_york(text: str | None) -> str:
    """Write a UTC instant for people: date, time and zone in New York; empty for anything else."""
    return _there(text, "%a %d %b %H:%M:%S %Z")


def clock_time(text: str | None) -> str:
    """Write a UTC instant as the clock shows it in New York, with ET."""
    return _there(text, "%H:%M:%S ET")


def clock_bare(text: str | None) -> str:
    """Write a UTC instant as the clock shows it in New York, alone."""
    return _there(text, "%H:%M:%S")


def clock_short(text: str | None, beside: str | None = None) -> str:
    """
    Write a UTC instant as New York's clock shows it to the minute, with the zone's name.

    It begins with the weekday where `beside` is an instant of another day.
    """
    other = _there(beside, "%Y-%m-%d")
    same = other in {"", _there(text, "%Y-%m-%d")}
    return _there(text, "%H:%M %Z" if same else "%a %H:%M %Z")


def new_york_input(text: str | None) -> str:
    """Write a UTC instant as a form's field for date and time has it, in New York."""
    return _there(text, "%Y-%m-%dT%H:%M:%S")


def utc(text: str | None) -> str:
    """Write an instant in UTC, for beside the New York time."""
    instant = instant_of(text)
    return "" if instant is None else instant.strftime("%H:%M:%S UTC")


def zulu(text: str | None) -> str:
    """Write an instant in UTC as briefly as it goes: `15:18:32Z`."""
    instant = instant_of(text)
    return "" if instant is None else instant.astimezone(UTC).strftime("%H:%M:%SZ")


def duration(seconds: float | None) -> str:
    """Write seconds for people: `2 d 3 h`, `14 min`, `9 s`; minus where it is overspent."""
    if seconds is None:
        return "none"
    sign, left = ("-" if seconds < 0 else ""), abs(round(seconds))
    parts = list[str]()
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return sign + " ".join(parts[:2]) if parts else "0 s"


_FIGURE = re.compile(r"\d[\d.,]*(?: (?:d|h|min|s)(?: \d+ (?:h|min|s))?| of \d+)\b")


def figures(sentence: str) -> Sequence[tuple[str, bool]]:
    """Return a sentence in parts, each with whether it is a figure to be seen at once."""
    parts, reached = list[tuple[str, bool]](), 0
    for found in _FIGURE.finditer(sentence):
        parts += [(sentence[reached : found.start()], False), (found[0], True)]
        reached = found.end()
    return [(text, bold) for text, bold in (*parts, (sentence[reached:], False)) if text]


def percent(share: float | None) -> str:
    """Write a percentage with as many places as a target has."""
    return "nothing yet" if share is None else f"{share:.3f} %"


def set_out(document: object) -> str:
    """Write a document in lines, as text."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode()


def pods_text(workload: Workload | None) -> str:
    """Say how many pods are ready, and how often they restarted: `1/1`, `0/1, 7 restarts`."""
    if workload is None:
        return ""
    if workload.unseen != "":
        return "not seen"
    if workload.ready is None or workload.desired is None:
        return "not found"
    again = f", {workload.restarts} restarts" if workload.restarts else ""
    return f"{workload.ready}/{workload.desired}{again}"


def no_digest_text(workload: Workload, pods: Sequence[Pod] | None) -> str:
    """
    Say why no digest is shown of a workload.

    That nothing of it runs is only said where its pods were seen and none is there.
    """
    if workload.unseen != "" or pods is None:
        return "not seen"
    return "no node tells the digest of what runs" if pods else "none: nothing of it runs"
