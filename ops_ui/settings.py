"""Settings: the pages' own configuration, from the environment, read once."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class BadSetting(ValueError):  # noqa: N818  (it is a setting that is bad, not a fault of ours)
    """A variable whose value cannot be used; the message names it and the remedy. Exit 78."""


@dataclass(frozen=True, slots=True)
class Settings:
    """
    Where Mission Control is and where the pages are served.

    `timeout_seconds` is the total deadline for one question to Mission Control;
    `refresh_seconds` how often a page without JavaScript renews itself.
    """

    mission_control: str = "http://127.0.0.1:8080"
    host: str = "127.0.0.1"
    port: int = 8090
    timeout_seconds: float = 3.0
    refresh_seconds: int = 10


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
    )


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
