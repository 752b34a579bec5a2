"""An encoded answer and how it is sent; the media type that a client prefers (RFC 9110)."""

import gzip
import hashlib
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, NamedTuple

from litestar import Request, Response

from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot

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


JSON = "application/json"
HTML = "text/html"
MARKDOWN = "text/markdown"
PLAIN = "text/plain"

WORTH_PACKING = 1_024
"""Bytes below which an answer is never compressed."""
PACKING_LEVEL = 5

AnyRequest = Request[Any, Any, Any]


class Answer:
    """
    An encoded answer and its entity tag, the digest of its content type and bytes.

    Compressed at most once, for the first client that accepts it.
    """

    __slots__ = ("_packed", "body", "content_type", "tag", "vary")

    def __init__(self, body: bytes, media_type: str = JSON, vary: str = "accept-encoding") -> None:
        """Take the bytes as they will be sent."""
        self.body = body
        text = media_type.startswith("text/") and "charset=" not in media_type
        self.content_type = f"{media_type}; charset=utf-8" if text else media_type
        self.vary = vary
        # Plain text and Markdown have the same bytes, and are not the same representation.
        self.tag = hashlib.blake2b(
            self.content_type.encode() + b"\n" + body, digest_size=12
        ).hexdigest()
        self._packed: bytes | None = None

    @property
    def packed(self) -> bytes:
        """Return the compressed bytes; equal answers have equal bytes."""
        if self._packed is None:
            self._packed = gzip.compress(self.body, compresslevel=PACKING_LEVEL, mtime=0)
        return self._packed


def json_answer(document: object, label: str = "", vary: str = "accept-encoding") -> Answer:
    """Encode a document, with its label, as the answer to be given."""
    return Answer(encode_json(document, label), JSON, vary)


def give(answer: Answer, request: AnyRequest) -> Response[bytes]:
    """
    Return a cacheable answer: 304 when the client has it already, compressed where it accepts that.

    A client has to ask again each time (`no-cache`): an answer about the floor holds only now.
    """
    packed = len(answer.body) >= WORTH_PACKING and accepts_gzip(request)
    tag = f'"{answer.tag}-gzip"' if packed else f'"{answer.tag}"'
    headers = {"etag": tag, "cache-control": "no-cache", "vary": answer.vary}
    if has_already(request.headers.get("if-none-match", ""), answer.tag):
        return Response(b"", status_code=304, headers=headers)
    headers["content-type"] = answer.content_type
    if packed:
        headers["content-encoding"] = "gzip"
        return Response(answer.packed, headers=headers)
    return Response(answer.body, headers=headers)


def give_once(document: object, label: str = "") -> Response[bytes]:
    """Return an answer that is about this very moment and must not be kept."""
    body = encode_json(document, label)
    return Response(body, media_type=JSON, headers={"cache-control": "no-store"})


def has_already(if_none_match: str, tag: str) -> bool:
    """Return whether one of the client's tags is this one, compressed or not."""
    if not if_none_match:
        return False
    held = {part.strip().removeprefix("W/").strip('"') for part in if_none_match.split(",")}
    return bool(held & {tag, f"{tag}-gzip", "*"})


def accepts_gzip(request: AnyRequest) -> bool:
    """Return whether the client says that it can unpack gzip."""
    return weight_of(header_of(request, "accept-encoding"), "gzip") > 0


def header_of(request: AnyRequest, name: str) -> str:
    """Return a header, joined where it is sent in several lines."""
    return ", ".join(request.headers.getall(name, []))


class SnapshotCache:
    """
    Keeps the encoded answers of the newest snapshot only.

    Keys are routes and names from the inventory, never text of a client, which could make it
    grow. A new `moment` drops the kept answers too, for answers that depend on the current
    second. Used from one event loop; nothing here waits.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._snapshot: FloorSnapshot | None = None
        self._moment: Hashable = None
        self._answers: dict[Hashable, Answer] = {}

    def answer(
        self,
        snapshot: FloorSnapshot,
        key: Hashable,
        build: Callable[[FloorSnapshot], Answer],
        *,
        moment: Hashable = None,
    ) -> Answer:
        """
        Return the answer for this snapshot, built when it is first requested.

        A snapshot of the past is older than the newest one and never takes its place.
        """
        if self._snapshot is not None and snapshot.at < self._snapshot.at:
            return build(snapshot)
        if self._snapshot is not snapshot or self._moment != moment:
            self._snapshot, self._moment, self._answers = snapshot, moment, {}
        known = self._answers.get(key)
        if known is None:
            known = self._answers[key] = build(snapshot)
        return known

    def document(
        self,
        snapshot: FloorSnapshot,
        key: Hashable,
        render: Callable[[FloorSnapshot], object],
        *,
        moment: Hashable = None,
    ) -> Answer:
        """Return the answer that holds this rendering of the snapshot, with its label."""
        return self.answer(snapshot, key, lambda s: json_answer(render(s), s.label), moment=moment)
