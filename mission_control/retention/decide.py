"""How much of the record is kept, and whether that is less than it should be."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from mission_control.market_calendar.days import in_new_york
from mission_control.records.model import Collection, DiscrepancyKind, LedgerEntry, Verification
from mission_control.retention.model import (
    KEPT_CAPTURES,
    KEPT_TRADING_DAYS,
    KeptCollection,
    RetentionReport,
)

MOST_NAMED = 5


def judge_retention(
    entries: Sequence[LedgerEntry], sessions: Sequence[date], found: Verification, now: datetime
) -> RetentionReport:
    """
    Report how much is kept, from the ledger (oldest line first) and what verifying it found.

    `sessions` are the newest trading days that have begun, oldest first. Where fewer than 30 can
    be counted nothing is called old. That a record is young is no fault, and is
    reported: nothing in it shows whether it is young or its beginning was lost.
    """
    days = tuple(sessions[-KEPT_TRADING_DAYS:])
    cutoff = days[0] if len(days) == KEPT_TRADING_DAYS else None
    missing = tuple(d.path for d in found.discrepancies if d.kind is DiscrepancyKind.MISSING)
    whole = [e for e in entries if {f.path for f in e.files}.isdisjoint(missing)]
    recorded = {_day_of(e) for e in whole}
    # A report of long ago may have been made today: only when a line was written says how old
    # the record is.
    since = min(map(_written_on, entries), default=None)
    reached = [day for day in days if since is not None and day >= since]
    # Of the newest day little may be recorded yet.
    empty = tuple(day for day in reached if day not in recorded and day != days[-1])
    kept = sum(day in recorded for day in days)
    captures = len([e for e in whole if _is_in(e, Collection.LKG)])
    return RetentionReport(
        now,
        since,
        cutoff,
        kept,
        empty,
        missing,
        tuple(_kept(c, entries, cutoff) for c in Collection),
        (*_young(cutoff, since, kept, captures), *_warnings(entries, cutoff, empty, found)),
    )


def _written_on(entry: LedgerEntry) -> date:
    return in_new_york(datetime.fromisoformat(entry.at)).date()


def _is_in(entry: LedgerEntry, collection: Collection) -> bool:
    return entry.path.startswith(f"{collection.value}/")


def _day_of(entry: LedgerEntry) -> date:
    """Return the day in New York that a run belongs to."""
    if entry.session_date is not None:
        return date.fromisoformat(entry.session_date)
    return _written_on(entry)


def _kept(
    collection: Collection, entries: Sequence[LedgerEntry], cutoff: date | None
) -> KeptCollection:
    held = [e for e in entries if _is_in(e, collection)]
    if collection is Collection.LKG:
        beyond = held[:-KEPT_CAPTURES]
    else:
        beyond = [e for e in held if cutoff is not None and _day_of(e) < cutoff]
    return KeptCollection(
        collection,
        len(held),
        sum(len(e.files) for e in held),
        _bytes_of(held),
        held[0].at if held else None,
        held[-1].at if held else None,
        tuple(e.path for e in beyond),
        _bytes_of(beyond),
    )


def _bytes_of(entries: Sequence[LedgerEntry]) -> int:
    return sum(file.size for entry in entries for file in entry.files)


def _young(cutoff: date | None, since: date | None, kept: int, captures: int) -> Iterator[str]:
    """Say that less is kept than should be; of captures, only where the record is old enough."""
    if since is None:
        yield "nothing is recorded"
    elif cutoff is not None and since > cutoff:
        yield f"{kept} of {KEPT_TRADING_DAYS} trading days are kept: it begins on {since}"
    elif captures < KEPT_CAPTURES:
        yield f"{captures} of {KEPT_CAPTURES} captures are kept, since {since}"


def _warnings(
    entries: Sequence[LedgerEntry],
    cutoff: date | None,
    empty: Sequence[date],
    found: Verification,
) -> Iterator[str]:
    if cutoff is None:
        yield f"the calendar does not reach {KEPT_TRADING_DAYS} trading days back"
    if entries and entries[0].seq != 1:
        yield f"the beginning of the ledger is lost: its first line is {entries[0].seq}"
    if empty:
        yield f"nothing is recorded of {len(empty)} trading days: {_named(list(map(str, empty)))}"
    if not found.intact:
        kinds = sorted({d.kind.value for d in found.discrepancies})
        many = len(found.discrepancies)
        yield f"the record is not intact, discrepancies: {many} ({', '.join(kinds)})"


def _named(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
