"""The pages' own configuration, from the environment, read once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path

from ops_ui.access.secret_file import SecretFile
from ops_ui.access.settings import OF_OIDC, PREFIX, Access, load_access, load_api_token
from ops_ui.access.tls import TlsFiles, load_tls
from ops_ui.setting_texts import BadSetting, read_address, read_file_name, read_number

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Where Mission Control is and where the pages are served.

    `timeout_seconds` is the total deadline for one question to Mission Control;
    `refresh_seconds` how often a page without JavaScript renews itself. `allowed_hosts` are the
    names that these pages go by, as in a `Host` header without its port. `api_token` is what
    Mission Control knows the pages by; `authorities` are certificates that are believed besides
    the usual ones, of Mission Control and of the issuer.
    """

    mission_control: str = "http://127.0.0.1:8080"
    host: str = "127.0.0.1"
    port: int = 8090
    timeout_seconds: float = 3.0
    refresh_seconds: int = 10
    allowed_hosts: tuple[str, ...] = LOOPBACK_NAMES
    access: Access = field(default_factory=Access)
    api_token: SecretFile | None = None
    authorities: Path | None = None
    tls: TlsFiles | None = None


DEFAULTS = Settings()
_OF_PAGES = ("HOST", "PORT", "TIMEOUT_SECONDS", "AUTH", "COOKIE_KEY_FILE", "IDENTITY_HEADER")
_OF_ACCESS = ("TRUSTED_PROXIES", "API_TOKEN_FILE", "CA_FILE", "TLS_CERTIFICATE", "TLS_KEY")
KNOWN = frozenset(PREFIX + n for n in (*_OF_PAGES, *_OF_ACCESS, *(f"OIDC_{n}" for n in OF_OIDC)))
"""Every variable of the pages alone; another of this prefix is a mistyped one."""


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raises BadSetting that names the variable."""
    _check_known(environ)
    told = environ.get("MISSION_CONTROL_URL", DEFAULTS.mission_control)
    url = read_address("MISSION_CONTROL_URL", told)
    host = environ.get(f"{PREFIX}HOST", DEFAULTS.host)
    port = int(read_number(environ, f"{PREFIX}PORT", DEFAULTS.port, 1, 65535))
    tls = load_tls(environ, datetime.now(UTC))  # noqa: TID251  (own process, own clock)
    access = load_access(environ, host, port, tls=tls is not None)
    allowed = _allowed_hosts(environ.get("MISSION_CONTROL_ALLOWED_HOSTS", ""))
    return Settings(
        url,
        host,
        port,
        read_number(environ, f"{PREFIX}TIMEOUT_SECONDS", DEFAULTS.timeout_seconds, 0.1, 30),
        allowed_hosts=tuple(dict.fromkeys([*allowed, access.host])),
        access=access,
        api_token=load_api_token(environ),
        authorities=read_file_name(environ, f"{PREFIX}CA_FILE"),
        tls=tls,
    )


def _check_known(environ: Mapping[str, str]) -> None:
    """Refuse a mistyped variable: it would leave open what it was to close."""
    for name in sorted(n for n in environ if n.startswith(PREFIX) and n not in KNOWN):
        names = sorted(one.removeprefix(PREFIX) for one in KNOWN)
        close = get_close_matches(name.removeprefix(PREFIX), names, 1)
        known = f"did you mean {PREFIX}{close[0]}?" if close else "docs/settings.md names them all"
        raise BadSetting(f"{name}: there is no such setting; {known}")


def _allowed_hosts(text: str) -> tuple[str, ...]:
    hosts = [name.strip().casefold() for name in text.split(",") if name.strip()]
    wrong = [name for name in hosts if not _HOST_NAME.fullmatch(name)]
    if wrong:
        raise BadSetting(
            f"MISSION_CONTROL_ALLOWED_HOSTS: {wrong[0]!r} is no host name;"
            " list names without a port, separated by commas"
        )
    return tuple(dict.fromkeys([*LOOPBACK_NAMES, *hosts]))
