"""Record, durable copy: the credentials of an S3-compatible store, from a file and nowhere else."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from mission_control.errors import StorageError

MAX_BYTES = 64 * 1024
PROFILE = "default"

_NAMES = {
    "aws_access_key_id": "access_key_id",
    "access_key_id": "access_key_id",
    "aws_secret_access_key": "secret_access_key",
    "secret_access_key": "secret_access_key",
    "aws_session_token": "token",
    "session_token": "token",
}
_REMEDY = (
    "write aws_access_key_id=..., aws_secret_access_key=... and, where there is one, "
    "aws_session_token=..., each on a line of its own"
)


@dataclass(frozen=True, slots=True)
class S3Credentials:
    """What requests are signed with; never shown, logged, digested or recorded."""

    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    def hide(self, text: str) -> str:
        """Give a text in which none of them stands."""
        for secret in (self.secret_access_key, self.token, self.access_key_id):
            if secret:
                text = text.replace(secret, "[REDACTED]")
        return text


def read_credentials(path: Path) -> S3Credentials:
    """
    Read `key=value` lines, or the `[default]` section of a file like the AWS tools' own.

    It is read for each run, so that rotated credentials are taken up. Raises StorageError, which
    names the line and never what stands on it.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        what = f"the credentials cannot be read: {error.strerror}"
        raise StorageError(what, path=str(path), remedy="let this user read the file") from error
    if len(content) > MAX_BYTES:
        raise StorageError("the credentials are too long to be any", path=str(path))
    found = _parse(content.decode("utf-8-sig", errors="replace"), path)
    missing = {"access_key_id", "secret_access_key"} - found.keys()
    if missing:
        what = f"the credentials hold no {' and no '.join(sorted(missing))}"
        raise StorageError(what, path=str(path), remedy=_REMEDY)
    return S3Credentials(found["access_key_id"], found["secret_access_key"], found.get("token"))


def _parse(text: str, path: Path) -> dict[str, str]:
    found = dict[str, str]()
    section = PROFILE
    for number, line in enumerate(text.splitlines(), 1):
        plain = line.strip()
        if not plain or plain.startswith(("#", ";")):
            continue
        header = re.fullmatch(r"\[\s*([^\]]*?)\s*\]", plain)
        if header is not None:
            section = header[1]
            continue
        name, mark, value = plain.partition("=")
        if not mark:
            raise StorageError(f"line {number} is no key=value", path=str(path), remedy=_REMEDY)
        meant = _NAMES.get(name.strip().casefold())
        if section == PROFILE and meant is not None and value.strip():
            found[meant] = value.strip()
    return found
