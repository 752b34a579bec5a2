"""The pages' own configuration, from the environment, read once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")


class BadSetting(ValueError):  # noqa: N818  (it is a setting that is bad, not a fault of ours)
    """A variable whose value cannot be used; the message names it and the remedy. Exit 78."""


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Where Mission Control is and where the pages are served.

    `timeout_seconds` is the total deadline for one question to Mission Control;
    `refresh_seconds` how often a page without JavaScript renews itself. `allowed_hosts` are the
    names that these pages go by, as in a `Host` header without its port.
    """

    mission_control: str = "http://127.0.0.1:8080"
    host: str = "127.0.0.1"
    port: int = 8090
    timeout_seconds: float = 3.0
    refresh_seconds: int = 10
    allowed_hosts: tuple[str, ...] = LOOPBACK_NAMES


DEFAULTS = Settings()


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings; raises BadSetting that names the variable."""
    url = environ.get("MISSION_CONTROL_URL", DEFAULTS.mission_control).rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
        raise BadSetting(f"MISSION_CONTROL_URL: {url!r} is no plain http or https address")
    host = environ.get("MISSION_CONTROL_UI_HOST", DEFAULTS.host)
    if host not in LOOPBACK:
        raise BadSetting(
            f"MISSION_CONTROL_UI_HOST: {host!r} is not loopback, and the pages have no sign-in yet"
        )
    return Settings(
        url,
        host,
        int(_number(environ, "MISSION_CONTROL_UI_PORT", DEFAULTS.port, 1, 65535)),
        _number(environ, "MISSION_CONTROL_UI_TIMEOUT_SECONDS", DEFAULTS.timeout_seconds, 0.1, 30),
        allowed_hosts=_allowed_hosts(environ.get("MISSION_CONTROL_ALLOWED_HOSTS", "")),
    )


def _allowed_hosts(text: str) -> tuple[str, ...]:
    hosts = [name.strip().casefold() for name in text.split(",") if name.strip()]
    wrong = [name for name in hosts if not _HOST_NAME.fullmatch(name)]
    if wrong:
        raise BadSetting(
            f"MISSION_CONTROL_ALLOWED_HOSTS: {wrong[0]!r} is no host name;"
            " list names without a port, separated by commas"
        )
    return tuple(dict.fromkeys([*LOOPBACK_NAMES, *hosts]))


def _number(
    environ: Mapping[str, str], name: str, default: float, least: float, most: float
) -> float:
    text = environ.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        raise BadSetting(f"{name}: {text!r} is no number") from None
    if not least <= value <= most:
        raise BadSetting(f"{name}: {text} is not between {least:g} and {most:g}")
    return value
