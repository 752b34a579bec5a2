"""Two deploy reports as they are compared: what each holds, and what it did not see."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from mission_control.deploy_report.model import ReportChange

Document = Mapping[str, Any]
ABSENT = "(absent)"


class Side(NamedTuple):
    """One of the two reports; `unread` is None where it does not say what it did not read."""

    which: str
    report: Document
    whole: bool
    unread: frozenset[tuple[str, str]] | None

    @classmethod
    def of(cls, which: str, report: Document) -> "Side":
        """Find what a report says that it did not read."""
        access = mapping(report.get("meta")).get("cluster_access") is True
        whole = access and report.get("errors") == []
        lists = documents(report.get("unread"))
        if "unread" not in report or (not access and not lists):
            return cls(which, report, whole, None)
        named = ((text(u.get("list")), text(u.get("namespace"))) for u in lists)
        return cls(which, report, whole, frozenset(named))

    def lost(self, resource: str, namespace: str) -> bool:
        """Return whether what is missing of a list may have been there and was not seen."""
        if self.unread is None:
            return not self.whole
        return not self.unread.isdisjoint({(resource, namespace), (resource, "")})

    def holds(self, part: str) -> bool:
        """Return whether it has a part at all; reports of older versions have fewer."""
        return part in self.report


class Pair(NamedTuple):
    """Both reports, and what was counted of them so far."""

    before: Side
    after: Side
    folded: Counter[str]
    passed_over: Counter[str]

    def both_hold(self, part: str) -> bool:
        """Return whether both reports have a part."""
        return self.before.holds(part) and self.after.holds(part)

    def misses(self, where: tuple[str, str], was: object, now: object) -> bool:
        """Return whether one report may have missed it; count it then."""
        absent = self.before if was is None else self.after
        missed = None in (was, now) and absent.lost(*where)
        self.passed_over[where[0]] += missed
        return missed


def find_specification_gaps(which: str, document: Document) -> Iterator[str]:
    """Say which specifications a report or a capture does not hold."""
    if not isinstance(document.get("specifications"), Mapping):
        yield f"{which} holds no specifications, so only workloads and ConfigMaps are compared"
    told = document.get("specification_gaps")
    for gap in cast("list[object]", told) if isinstance(told, list) else ():
        yield f"{which} is without specifications: {gap}"
    for title, digest in sorted(mapping(document.get("specifications")).items()):
        if not isinstance(digest, str):
            yield f"{which} is without the specification of {title}"


def compare_specifications(
    namespace: str, before: Document, after: Document
) -> Iterator[ReportChange]:
    """Return the objects whose specification differs; none where a side holds no specifications."""
    if not all(isinstance(d.get("specifications"), Mapping) for d in (before, after)):
        return
    old, new = mapping(before.get("specifications")), mapping(after.get("specifications"))
    for title in sorted(old.keys() | new.keys()):
        was, now = old.get(title), new.get(title)
        if was != now:
            shown = (str(d)[:12] if isinstance(d, str) else ABSENT for d in (was, now))
            yield ReportChange(f"{namespace}/{title}", "specification digest", *shown)


def documents(value: object) -> Sequence[Document]:
    """Return the objects of a list, without anything else in it."""
    if not isinstance(value, list):
        return ()
    return [cast("Document", v) for v in cast("list[object]", value) if isinstance(v, Mapping)]


def mapping(value: object) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def listed(value: object) -> str:
    """Write a list, sorted; nothing for anything else."""
    known = cast("list[object]", value) if isinstance(value, list) else []
    return ", ".join(sorted(map(str, known)))


def text(value: object) -> str:
    """Write a value; None is absent."""
    return ABSENT if value is None else str(value)
