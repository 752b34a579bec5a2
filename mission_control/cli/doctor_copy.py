"""Command line: what `doctor` learns of the place of the durable copy, writing nothing there."""

from collections.abc import Iterator

from mission_control.cli.doctor_report import Check, failed, passed, warned
from mission_control.errors import StorageError


def look_at_copy(place: object, tried: tuple[str, ...] | StorageError | None) -> Iterator[Check]:
    """Say whether the place of the durable copy can be reached; nothing where there is none."""
    subject = "durable copy"
    if isinstance(tried, StorageError):
        remedy = tried.remedy or "see whether it answers, and what these credentials may do"
        yield failed(subject, f"{tried.path}: {tried.problem}", remedy)
    elif tried:
        remedy = "name a place that does not share the record's fate"
        yield from (warned(subject, f"{place}: {caution}", remedy) for caution in tried)
    elif tried is not None:
        yield passed(subject, f"{place} can be reached")
