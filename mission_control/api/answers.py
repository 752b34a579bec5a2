"""API: an encoded answer, and how it is given: with its tag, packed, or not at all (304)."""

import gzip
import hashlib
from typing import Any

from litestar import Request, Response

from mission_control.present.canonical_json import encode_json

JSON = "application/json"
HTML = "text/html"

WORTH_PACKING = 1_024
"""Bytes below which an answer is never compressed."""
PACKING_LEVEL = 5

AnyRequest = Request[Any, Any, Any]


class Answer:
    """
    An encoded answer and its entity tag, which is the digest of its bytes.

    Compressed at most once, when somebody first accepts it.
    """

    __slots__ = ("_packed", "body", "content_type", "tag", "vary")

    def __init__(self, body: bytes, media_type: str = JSON, vary: str = "accept-encoding") -> None:
        """Take the bytes as they will be sent."""
        self.body = body
        text = media_type.startswith("text/") and "charset=" not in media_type
        self.content_type = f"{media_type}; charset=utf-8" if text else media_type
        self.vary = vary
        self.tag = hashlib.blake2b(body, digest_size=12).hexdigest()
        self._packed: bytes | None = None

    @property
    def packed(self) -> bytes:
        """Give the compressed bytes; equal answers give equal bytes."""
        if self._packed is None:
            self._packed = gzip.compress(self.body, compresslevel=PACKING_LEVEL, mtime=0)
        return self._packed


def json_answer(document: object) -> Answer:
    """Encode a document as the answer to be given."""
    return Answer(encode_json(document))


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


def give_once(body: bytes, media_type: str = JSON) -> Response[bytes]:
    """Give an answer that is about this very moment and must not be kept."""
    return Response(body, media_type=media_type, headers={"cache-control": "no-store"})


def has_already(if_none_match: str, tag: str) -> bool:
    """Tell whether one of the client's tags is this one, compressed or not."""
    if not if_none_match:
        return False
    held = {part.strip().removeprefix("W/").strip('"') for part in if_none_match.split(",")}
    return bool(held & {tag, f"{tag}-gzip", "*"})


def accepts_gzip(request: AnyRequest) -> bool:
    """Tell whether the client says that it can unpack gzip."""
    return _wants(request.headers.get("accept-encoding", ""), "gzip")


def wants(request: AnyRequest, media_type: str) -> bool:
    """Tell whether the client asks for a media type by name."""
    return _wants(request.headers.get("accept", ""), media_type)


def _wants(header: str, name: str) -> bool:
    for part in header.split(","):
        what, *parameters = (piece.strip() for piece in part.casefold().split(";"))
        if what == name:
            return not any(p.replace(" ", "") in {"q=0", "q=0.0", "q=0.00"} for p in parameters)
    return False
