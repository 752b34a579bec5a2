"""An encoded answer, and how it is given: with its tag, packed, or not at all (304)."""

import gzip
import hashlib
from collections.abc import Callable, Hashable
from typing import Any

from litestar import Request, Response

from mission_control.api.negotiation import weight_of
from mission_control.documents.canonical_json import encode_json
from mission_control.floor.model import FloorSnapshot

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
    An encoded answer and its entity tag, the digest of its bytes and of what they are.

    Compressed at most once, when somebody first accepts it.
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
        """Give the compressed bytes; equal answers give equal bytes."""
        if self._packed is None:
            self._packed = gzip.compress(self.body, compresslevel=PACKING_LEVEL, mtime=0)
        return self._packed


def json_answer(document: object, label: str = "", vary: str = "accept-encoding") -> Answer:
    """Encode a document, with its label, as the answer to be given."""
    return Answer(encode_json(document, label), JSON, vary)


def give(answer: Answer, request: AnyRequest) -> Response[bytes]:
    """
    Give a cacheable answer: 304 when the client has it already, compressed when it likes that.

    A client has to ask again each time (`no-cache`): what is true of the floor is true now.
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
    """Tell whether one of the client's tags is this one, compressed or not."""
    if not if_none_match:
        return False
    held = {part.strip().removeprefix("W/").strip('"') for part in if_none_match.split(",")}
    return bool(held & {tag, f"{tag}-gzip", "*"})


def accepts_gzip(request: AnyRequest) -> bool:
    """Tell whether the client says that it can unpack gzip."""
    return weight_of(header_of(request, "accept-encoding"), "gzip") > 0


def header_of(request: AnyRequest, name: str) -> str:
    """Give a header that may be sent in several lines, as one."""
    return ", ".join(request.headers.getall(name, []))


class SnapshotCache:
    """
    Remembers the encoded answers of the newest snapshot, and of no other.

    Keys are routes and names from the inventory, never anything a client wrote, so that it
    cannot be made to grow. `moment` ends what is remembered earlier, for answers that also tell
    of the present second. Used from one event loop; nothing here waits.
    """

    def __init__(self) -> None:
        """Remember nothing."""
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
        Give the answer for this snapshot, built when it is first asked for.

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
