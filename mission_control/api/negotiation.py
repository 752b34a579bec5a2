"""Which of several media types a client prefers, by its Accept header (RFC 9110, 12.5.1)."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

MOST_BYTES = 8_192
"""A longer header counts as absent."""

# An unclosed quote takes the rest; possessive quantifiers, so that nothing is matched twice.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*+"?)++')
_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE = re.compile(rf"[ \t]*({_NAME})(?:/({_NAME}))?[ \t]*")
_PARAMETER = re.compile(rf';[ \t]*(?:({_NAME})=({_NAME}|"(?:[^"\\]|\\.)*"))?[ \t]*')
_WEIGHT = re.compile(r"[0-9]{0,3}\.?[0-9]{0,18}")


class _Range(NamedTuple):
    """One element of a header: its name, its parameters without the weight, and its weight."""

    name: str
    parameters: dict[str, str]
    weight: float

    def precision(self, offered: "_Range") -> int:
        """Return how closely it names what is offered; 0 where it does not."""
        if self.name != offered.name:
            main = offered.name.partition("/")[0]
            return {f"{main}/*": 2, "*/*": 1, "*": 1}.get(self.name, 0)
        shared = self.parameters.keys() & offered.parameters.keys()
        if any(self.parameters[k] != offered.parameters[k] for k in shared):
            return 0
        return 3 + len(shared)


class Choice(NamedTuple):
    """
    The offer that a header prefers.

    `media_type` is None where the header is well formed and rules out every offer. `named` is
    whether the client named it more closely than by `*/*`.
    """

    media_type: str | None
    named: bool = False


def choose(header: str, offers: Sequence[str]) -> Choice:
    """
    Choose the offer of the highest weight; of equal ones the first.

    The closest range that names an offer sets its weight: `q=0` rules out what `*/*` would allow.
    Malformed elements are skipped, and a header without a well-formed one, or that is too long,
    counts as absent. A header that only rules out types allows all others.
    """
    ranges = list(_ranges(header))
    if not ranges:
        return Choice(offers[0])
    if not any(r.weight or r.name in {"*", "*/*"} for r in ranges):
        ranges.append(_Range("*/*", {}, 1.0))
    best, best_weight, named = None, 0.0, False
    for offer in offers:
        weight, precision = _weigh(ranges, offer)
        if weight > best_weight:
            best, best_weight, named = offer, weight, precision > 1
    return Choice(best, named)


def weight_of(header: str, token: str) -> float:
    """Return the weight of one offer, such as an encoding; 0 where the header does not name it."""
    return _weigh(list(_ranges(header)), token)[0]


def _weigh(ranges: Sequence[_Range], offer: str) -> tuple[float, int]:
    """Return weight and precision of the closest range; of equally close ones the heaviest."""
    offered = next(_ranges(offer))
    closest = max(((r.precision(offered), r.weight) for r in ranges), default=(0, 0.0))
    return (closest[1], closest[0]) if closest[0] else (0.0, 0)


def _ranges(header: str) -> Iterator[_Range]:
    if len(header) > MOST_BYTES:
        return
    for element in _ELEMENT.findall(header):
        read = _read_range(element)
        if read is not None:
            yield read


def _read_range(element: str) -> _Range | None:
    """Read one element of a header; None where it is malformed."""
    head = _RANGE.match(element)
    if head is None:
        return None
    name = "/".join(part for part in head.groups() if part is not None).lower()
    parameters, at = dict[str, str](), head.end()
    while at < len(element):
        found = _PARAMETER.match(element, at)
        if found is None:
            return None
        at = found.end()
        if found[1] is not None:
            parameters.setdefault(found[1].lower(), found[2].strip('"').lower())
    weight = parameters.pop("q", "1")
    if not _WEIGHT.fullmatch(weight) or not weight.strip("."):
        return None
    return _Range(name, parameters, min(float(weight), 1.0))
