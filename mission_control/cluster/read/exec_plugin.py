"""The program that a kubeconfig names to hand out credentials, within bounds."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from mission_control.cluster.read.kubeconfig import Plugin, header_value
from mission_control.cluster.read.kubeconfig_files import NoAccessError, mapping_of
from mission_control.processes.bounded_process import Ended, OutputTooLongError, run_bounded
from mission_control.redaction.redact import excerpt

MAX_OUTPUT_BYTES = 1024 * 1024
_OURS = "MISSION_CONTROL_"

Credential = tuple[Mapping[str, str], datetime | None]
"""What a user of a kubeconfig would hold, all inline, and when it expires."""


async def ask_plugin(plugin: Plugin, environ: Mapping[str, str], seconds: float) -> Credential:
    """
    Run a plugin and give what it hands out; raises NoAccessError for all else.

    That is a token, a certificate with its key, or both, and when it expires.

    It gets our environment, which holds what it logs in with, without our own settings. What it
    prints may hold credentials: of its standard error a redacted excerpt is told, of its standard
    output nothing. One that is too slow is ended, with all that it began.
    """
    what = f"the exec plugin {excerpt(plugin.command[0].encode())}"
    told: dict[str, object] = {"interactive": False}
    if plugin.cluster is not None:
        told["cluster"] = plugin.cluster
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": told}
    inherited = {name: value for name, value in environ.items() if not name.startswith(_OURS)}
    environment = {**inherited, **plugin.environment, "KUBERNETES_EXEC_INFO": json.dumps(info)}
    try:
        ended = await run_bounded(plugin.command, Path(), environment, seconds, MAX_OUTPUT_BYTES)
    except TimeoutError:
        raise NoAccessError(
            f"{what} did not answer within {seconds:.0f} s, and was ended"
        ) from None
    except OutputTooLongError:
        raise NoAccessError(f"{what} wrote more than {MAX_OUTPUT_BYTES} bytes") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be started"
        hint = f" ({excerpt(plugin.hint.encode())})" if plugin.hint else ""
        raise NoAccessError(f"{what} cannot be run: {why}{hint}") from None
    return _credential(ended, plugin, what)


def _credential(ended: Ended, plugin: Plugin, what: str) -> Credential:
    said = excerpt(ended.error.encode())
    because = f": {said}" if said else ""
    if ended.code != 0:
        raise NoAccessError(f"{what} ended with {ended.code}{because}")
    try:
        answer = mapping_of(json.loads(ended.output), what)
    except (ValueError, RecursionError):
        raise NoAccessError(f"{what} answered what is no JSON{because}") from None
    named = answer.get("kind"), answer.get("apiVersion")
    if named != ("ExecCredential", plugin.api_version):
        raise NoAccessError(f"{what} answered no ExecCredential of {plugin.api_version}")
    status = mapping_of(answer.get("status"), f"{what}: its status")
    token, certificate, key = (
        _text(status, name, what) for name in ("token", "clientCertificateData", "clientKeyData")
    )
    if bool(certificate) != bool(key):
        raise NoAccessError(f"{what} gave a certificate without its key, or a key alone")
    if not token and not certificate:
        raise NoAccessError(f"{what} gave neither a token nor a certificate{because}")
    shown = {"client-certificate-data": certificate, "client-key-data": key}
    user = {name: base64.b64encode(pem.encode()).decode() for name, pem in shown.items() if pem}
    if token:
        user["token"] = header_value(token, f"{what}: its token")
    return user, read_instant(_text(status, "expirationTimestamp", what), what)


def _text(status: Mapping[str, object], name: str, what: str) -> str:
    value = status.get(name)
    if value is not None and not isinstance(value, str):
        raise NoAccessError(f"{what}: its {name} is no text")
    return value or ""


def read_instant(text: str, what: str) -> datetime | None:
    """Read an instant (RFC 3339), None for no text; raises NoAccessError for what is none."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise NoAccessError(f"{what}: its time of expiry is none") from None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
