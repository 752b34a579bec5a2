"""The pages' own cookies: sealed, bound to their purpose, and short."""

import base64
import secrets
from collections.abc import Iterable

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from litestar.datastructures import Cookie

SESSION_SECONDS = 8 * 3600
"""From sign-in to its end, however busy the operator is."""
SIGN_IN_SECONDS = 600
"""How long a sign-in that was begun can be completed."""


class Seal:
    """Seals values so that only we can read or make them, for one purpose and so many seconds."""

    def __init__(self, key: str, purpose: str, seconds: int) -> None:
        """Derive the purpose's own key: a value of one purpose is none of another."""
        derived = HKDF(SHA256(), 32, salt=None, info=f"ops_ui {purpose}".encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))
        self.seconds = seconds

    def seal(self, content: bytes, now: float) -> str:
        """Return a text for a cookie that holds the content, sealed `now`."""
        return self._fernet.encrypt_at_time(content, int(now)).decode("ascii").rstrip("=")

    def open(self, sealed: str, now: float) -> bytes | None:
        """Return the content; None for what is not ours, was altered, or is over `now`."""
        try:
            return self._fernet.decrypt_at_time(
                sealed + "=" * (-len(sealed) % 4), self.seconds, int(now)
            )
        except (InvalidToken, ValueError):  # a text beyond ASCII
            return None


def new_key() -> str:
    """Make a key that lasts as long as the process."""
    return secrets.token_urlsafe(48)


def cookie(name: str, value: str, seconds: int, *, secure: bool) -> Cookie:
    """
    Return a cookie to be set; with 0 seconds it ends.

    Lax, because the issuer leads back by a link: a Strict cookie would not be sent then.
    """
    return Cookie(
        key=name,
        value=value,
        path="/",
        max_age=seconds,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def cookies_of(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the cookies of a request; of two with one name, neither."""
    found, doubled = dict[str, str](), set[str]()
    for header, text in headers:
        for part in text.decode("latin-1").split(";") if header == b"cookie" else ():
            name, _, value = part.strip().partition("=")
            doubled |= {name} & found.keys()
            found[name] = value
    return {name: value for name, value in found.items() if name not in doubled}
