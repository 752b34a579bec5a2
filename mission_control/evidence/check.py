"""The verification of a bundle with all that lies beside it, and of the verifier that is in it."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mission_control.documents.instants import utc_text
from mission_control.errors import StorageError
from mission_control.evidence.bag import verifier
from mission_control.evidence.seal import (
    ANSWER,
    MOST_BYTES,
    SIGNATURE,
    check_token,
    digest_of,
    read_public_key,
    why_unsigned,
)
from mission_control.evidence.verify import ALTERED, MISSING, Discrepancy, Report, verify_zip
from mission_control.records.folder import storing

PAST_VERIFIERS = frozenset[str]()
"""The SHA-256 of `verify.py` as released versions before this one wrote it."""
NOT_CHECKED = "NOT CHECKED"


@dataclass(frozen=True, slots=True)
class Beside:
    """
    What a bundle is checked with, beside itself: files, each None where it is not named.

    `signature` and `token` are else looked for beside the bundle.
    """

    key: Path | None = None
    signature: Path | None = None
    token: Path | None = None
    token_roots: Path | None = None


@dataclass(frozen=True, slots=True)
class CheckedBundle:
    """
    What was found. `signature` and `token` say how those fared: valid, wrong or NOT CHECKED.

    `found` holds everything that is wrong, signature and token included.
    """

    sha256: str
    report: Report
    found: tuple[Discrepancy, ...]
    signature: str
    token: str


def check_bundle(path: Path, beside: Beside) -> CheckedBundle:
    """
    Check a bundle, its verifier, and what lies beside it as far as there are keys for it.

    Raises StorageError for a file that cannot be read, KeyFileError for a key that is none.
    """
    with storing(str(path)), path.open("rb") as stream:
        report = verify_zip(stream)
        sha256 = digest_of(stream)
    found = list(report.found)
    known = {hashlib.sha256(verifier()).hexdigest(), *PAST_VERIFIERS}
    if report.verifier_sha256 and report.verifier_sha256 not in known:
        detail = "it is not that of a version known here: do not run it"
        found.append(Discrepancy("verify.py", ALTERED, detail))
    signature = _check_signature(sha256, path, beside, found)
    token = _check_token(sha256, path, beside, found)
    return CheckedBundle(sha256, report, tuple(sorted(set(found))), signature, token)


def _check_signature(sha256: str, path: Path, beside: Beside, found: list[Discrepancy]) -> str:
    at = beside.signature or path.with_name(path.name + SIGNATURE)
    there = _read(at, needed=beside.signature is not None)
    if beside.key is None:
        return f"{NOT_CHECKED}: --key names no key" if there else f"{NOT_CHECKED}: there is none"
    key = read_public_key(_read(beside.key, needed=True) or b"")
    if there is None:
        found.append(Discrepancy(at.name, MISSING, "a key is named, and there is no signature"))
        return "there is none"
    why = why_unsigned(sha256, there, key)
    if why:
        found.append(Discrepancy(at.name, ALTERED, why))
    return why or "valid"


def _check_token(sha256: str, path: Path, beside: Beside, found: list[Discrepancy]) -> str:
    at = beside.token or path.with_name(path.name + ANSWER)
    there = _read(at, needed=beside.token is not None)
    if beside.token_roots is None:
        missing = "--token-ca names no certificates" if there else "there is none"
        return f"{NOT_CHECKED}: {missing}"
    roots = _read(beside.token_roots, needed=True) or b""
    if there is None:
        detail = "certificates are named, and there is no time stamp"
        found.append(Discrepancy(at.name, MISSING, detail))
        return "there is none"
    why, stamped = check_token(sha256, there, roots)
    if why or stamped is None:
        found.append(Discrepancy(at.name, ALTERED, why))
        return why
    return f"valid: it was there at {utc_text(stamped)}"


def _read(path: Path, *, needed: bool) -> bytes | None:
    """Return a small file's bytes; None for one that is not there and need not be."""
    try:
        with storing(str(path)), path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except StorageError as error:
        if not needed and isinstance(error.__cause__, FileNotFoundError):
            return None
        raise
    if len(content) > MOST_BYTES:
        raise StorageError("it is too large for a key, a signature or a time stamp", path=str(path))
    return content


def read_small(path: Path) -> bytes:
    """Return the bytes of a file of a key; raises StorageError."""
    return _read(path, needed=True) or b""
