"""Which reason a failed exchange gets; a small pure match. Libraries' errors end here."""

import socket
import ssl
from collections.abc import Iterator

import httpx

from mission_control.model.reading import UnseenReason


class AnswerTooLargeError(httpx.RemoteProtocolError):
    """More came than any answer may have, and it was not whole."""


class UnreadableFileError(Exception):
    """A file that a request needs, of a token or of certificates, cannot be used."""

    @classmethod
    def of(cls, error: OSError, file: str) -> "UnreadableFileError":
        """Say which file, and why."""
        return cls(f"{error.filename or file}: {error.strerror or type(error).__name__}")


FAILURES = (
    UnreadableFileError,
    httpx.HTTPError,
    httpx.InvalidURL,
    OSError,
    EOFError,
    UnicodeError,
)
"""Everything that a transport may raise when an exchange fails; anything else is a bug."""


def reason_for(error: BaseException) -> UnseenReason:
    """
    Name why an exchange failed, by the most telling error in its chain.
    """
    chain = tuple(_chain(error))
    for kinds, reason in (
        ((UnreadableFileError,), UnseenReason.UNREADABLE),
        ((AnswerTooLargeError,), UnseenReason.BODY_TOO_LARGE),
        ((ssl.SSLError, ssl.CertificateError), UnseenReason.TLS_FAILURE),
        ((socket.gaierror,), UnseenReason.DNS_FAILURE),
        ((ConnectionRefusedError,), UnseenReason.CONNECTION_REFUSED),
        ((TimeoutError,), UnseenReason.TIMEOUT),
    ):
        if any(isinstance(e, kinds) for e in chain):
            return reason
    return UnseenReason.CONNECTION_LOST


def describe(error: BaseException) -> str:
    """Say in a few words what failed, by the innermost error of the chain."""
    *_, innermost = _chain(error)
    if isinstance(error, UnreadableFileError | AnswerTooLargeError):
        return str(error)[:300]
    if isinstance(innermost, ConnectionError | socket.gaierror) and innermost.strerror:
        return innermost.strerror[:300]  # our reason's code names the kind; a number says no more
    return f"{type(innermost).__name__}: {innermost}"[:300]


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Follow an error to its causes, connector errors to their OS error, at most ten deep."""
    current: BaseException | None = error
    for _ in range(10):
        if current is None:
            return
        yield current
        inner = getattr(current, "os_error", None)
        if isinstance(inner, BaseException) and inner is not current:
            yield inner
        current = current.__cause__ or current.__context__
