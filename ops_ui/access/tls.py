"""The pages' own certificate: looked at before it is used, and taken again when it changes."""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import uvloop
from cryptography import x509

from ops_ui.setting_texts import BadSetting, read_file_name

HANDSHAKE_SECONDS = 5.0
CERTIFICATE, KEY = "MISSION_CONTROL_UI_TLS_CERTIFICATE", "MISSION_CONTROL_UI_TLS_KEY"

log = logging.getLogger("ops_ui")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """A certificate with those that sign it, and its key."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return what serves this certificate; raises OSError or ssl.SSLError."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key, password=_no_password)
        return context

    def state(self) -> tuple[tuple[int, int, int], ...]:
        """Return what changes when a file does; raises OSError."""
        found = (self.certificate.stat(), self.key.stat())
        return tuple((s.st_ino, s.st_size, s.st_mtime_ns) for s in found)


def _no_password() -> str:
    raise ValueError("the key has a password; use one without")


def load_tls(environ: Mapping[str, str], now: datetime) -> TlsFiles | None:
    """Return the pages' certificate, which has to be valid `now`; None without one."""
    certificate, key = read_file_name(environ, CERTIFICATE), read_file_name(environ, KEY)
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = CERTIFICATE if certificate is None else KEY
        raise BadSetting(f"{missing}: a certificate needs its key, and a key its certificate")
    files = TlsFiles(certificate, key)
    problem = problem_with(files, now)
    if problem:
        raise BadSetting(f"{CERTIFICATE}: {certificate}: {problem}")
    return files


def problem_with(files: TlsFiles, now: datetime) -> str:
    """Say why a certificate cannot be served `now`; empty where it can."""
    try:
        files.context()
        leaf = x509.load_pem_x509_certificates(files.certificate.read_bytes())[0]
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        return f"it cannot be used with {files.key}: {why}; name a PEM chain and its own plain key"
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    if ends <= now:
        return f"it expired on {ends:%Y-%m-%d %H:%M} UTC; renew it"
    if begins > now:
        return f"it is not valid before {begins:%Y-%m-%d %H:%M} UTC; look at the clock"
    return ""


class Certificate:
    """Serves the newest certificate that can be used; connections that are open keep theirs."""

    def __init__(self, files: TlsFiles) -> None:
        """Serve what the files hold."""
        self._files = files
        self.context = files.context()
        self._served = self._seen = files.state()

    def look(self, now: datetime) -> None:
        """Take changed files that are whole and were the same when looked at before."""
        try:
            state = self._files.state()
        except OSError:
            return  # while it is being replaced
        settled, self._seen = state == self._seen, state
        if not settled or state == self._served:
            return
        self._served = state
        problem = problem_with(self._files, now)
        if problem:
            log.error("the certificate before is kept: %s: %s", self._files.certificate, problem)
            return
        self.context.load_cert_chain(self._files.certificate, self._files.key)
        log.warning("a new certificate is served: %s", self._files.certificate)


class _Loop(uvloop.Loop):
    """A loop whose TLS clients have to say what they want within seconds."""

    async def create_server(self, *args: Any, ssl: Any = None, **more: Any) -> Any:  # noqa: ANN401
        if ssl is not None:
            more = {"ssl_handshake_timeout": HANDSHAKE_SECONDS, **more}
        return await super().create_server(*args, ssl=ssl, **more)


def new_loop() -> _Loop:
    """Make the loop that the pages are served from."""
    return _Loop()
