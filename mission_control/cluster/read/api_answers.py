"""What an answer of the API server is worth. Pure."""

import msgspec

from mission_control.model.reading import Exchange, UnseenReason
from mission_control.redaction.redact import printable, redact_text

MAX_PAGE_BYTES = 32 * 1024 * 1024
_REASONS = {
    401: UnseenReason.DENIED,
    403: UnseenReason.DENIED,
    404: UnseenReason.NOT_OFFERED,
    410: UnseenReason.LIST_EXPIRED,
    429: UnseenReason.THROTTLED,
}


class ListMetadata(msgspec.Struct):
    """The part of a list's metadata that tells whether there is more."""

    continue_: str | None = msgspec.field(default=None, name="continue")
    remaining: int | None = msgspec.field(default=None, name="remainingItemCount")


class Page(msgspec.Struct):
    """One page of a list, its objects unread."""

    kind: str = ""
    metadata: ListMetadata = msgspec.field(default_factory=ListMetadata)
    items: list[msgspec.Raw] | None = None


class Status(msgspec.Struct):
    """How the API server says why it refuses."""

    message: str = ""


class BadAnswerError(Exception):
    """An answer that cannot be used: why, and what it said."""

    def __init__(self, reason: UnseenReason, detail: str, status: int | None = None) -> None:
        """Say why."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.exchange = Exchange(status)


def check_status(status: int, body: bytes) -> None:
    """Raise BadAnswerError for anything but 200."""
    if status == 200:  # noqa: PLR2004
        return
    reason = _REASONS.get(status, UnseenReason.HTTP_STATUS)
    if 300 <= status < 400:  # noqa: PLR2004
        reason = UnseenReason.REDIRECTED
    said = _message(body)
    raise BadAnswerError(reason, f"answered {status}" + (f": {said}" if said else ""), status)


def check_size(body: bytes) -> None:
    """Raise BadAnswerError for a body that was cut off at the cap."""
    if len(body) > MAX_PAGE_BYTES:
        detail = f"the page is larger than {MAX_PAGE_BYTES // 1024 // 1024} MiB"
        raise BadAnswerError(UnseenReason.BODY_TOO_LARGE, detail)


def read_page(body: bytes, kind: str) -> Page:
    """
    Read a page of a list of this kind; raises BadAnswerError for what is none.

    A page that says nothing of its items is no empty list: an empty list proves something.
    """
    check_size(body)
    try:
        page = _PAGE.decode(body)
    except msgspec.ValidationError as error:
        raise BadAnswerError(UnseenReason.CONTRACT_INVALID, f"no list: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadAnswerError(UnseenReason.NOT_JSON, f"not JSON: {error}"[:200]) from None
    if page.kind != f"{kind}List":
        other = printable(page.kind[:40]) or "nothing"
        raise BadAnswerError(UnseenReason.CONTRACT_INVALID, f"not a {kind}List, but {other}")
    if page.items is None:
        raise BadAnswerError(UnseenReason.CONTRACT_INVALID, f"a {kind}List without items")
    if page.metadata.remaining and not page.metadata.continue_:
        detail = f"{page.metadata.remaining} more are said to be there, and no way to them"
        raise BadAnswerError(UnseenReason.PARTIAL, detail)
    return page


def _message(body: bytes) -> str:
    try:
        message = _STATUS.decode(body[: 64 * 1024]).message
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return printable(redact_text(message))[:200]


_PAGE = msgspec.json.Decoder(Page)
_STATUS = msgspec.json.Decoder(Status)
