"""Which pages went out in a stretch of time, and which would have by other rules."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mission_control.alerts.model import AlertState, AlertTransition
from mission_control.model.finding import Severity

SAME_WITHIN = timedelta(seconds=90)
"""Two pages about the same thing, so close together, are the same page."""


class Found(StrEnum):
    """Where a page was found."""

    BOTH = "both"
    ONLY_RECORDED = "only recorded"
    ONLY_REPLAYED = "only by these rules"


@dataclass(frozen=True, slots=True)
class Page:
    """A page that went out, or would have; `rule` is empty where no rule replayed has it."""

    at: datetime
    severity: Severity
    code: str
    subject: str
    rule: str
    found: Found


def pages_of(transitions: Iterable[AlertTransition]) -> tuple[AlertTransition, ...]:
    """Return the changes with which an alert began to page, oldest first."""
    paging, found = set[str](), list[AlertTransition]()
    for each in sorted(transitions, key=lambda t: t.at):
        if each.pages and each.fingerprint not in paging:
            paging.add(each.fingerprint)
            found.append(each)
        elif not each.pages:
            paging.discard(each.fingerprint)
    return tuple(found)


def withheld_of(transitions: Iterable[AlertTransition]) -> tuple[AlertTransition, ...]:
    """Return the changes with which an alert fired and did not page, oldest first."""
    fired = (t for t in transitions if t.to_state is AlertState.FIRING and not t.pages)
    return tuple(sorted(fired, key=lambda t: t.at))


def compare_pages(
    recorded: Sequence[AlertTransition], replayed: Sequence[AlertTransition]
) -> tuple[Page, ...]:
    """
    Return every page once, oldest first, and whether both have it.

    What a page is about and how severe it is count, not the name of its rule.
    """
    left, found = list(pages_of(recorded)), list[Page]()
    for page in pages_of(replayed):
        same = next((old for old in left if _is_same(old, page)), None)
        if same is not None:
            left.remove(same)
        found.append(_page(page, Found.BOTH if same else Found.ONLY_REPLAYED))
    found += [_page(old, Found.ONLY_RECORDED) for old in left]
    return tuple(sorted(found, key=lambda p: (p.at, p.severity.rank, p.code, p.subject)))


def _is_same(old: AlertTransition, new: AlertTransition) -> bool:
    about = (old.severity, old.code, old.subject) == (new.severity, new.code, new.subject)
    return about and abs(old.at - new.at) <= SAME_WITHIN


def _page(each: AlertTransition, found: Found) -> Page:
    return Page(each.at, each.severity, each.code, each.subject, each.rule, found)
