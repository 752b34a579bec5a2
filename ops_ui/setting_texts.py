"""How the texts of settings are read: what cannot be used names its variable and the remedy."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class BadSetting(ValueError):  # noqa: N818  (it is a setting that is bad, not a fault of ours)
    """A variable whose value cannot be used; the message names it and the remedy. Exit 78."""


def read_number(
    environ: Mapping[str, str], name: str, default: float, least: float, most: float
) -> float:
    """Return a number from the least to the most."""
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


def read_file_name(environ: Mapping[str, str], name: str) -> Path | None:
    """Return the path of a file that can be read now; None where none is named."""
    text = environ.get(name, "")
    if not text:
        return None
    path = Path(text)
    try:
        with path.open("rb") as file:
            file.read(1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no path"
        raise BadSetting(f"{name}: {text} cannot be read: {why}; name a file of ours") from None
    return path


def read_address(name: str, text: str) -> str:
    """Return an http or https address without credentials, query and final slash."""
    address = text.rstrip("/")
    parts = _split(address)
    if parts is None or parts.query or parts.username or parts.fragment:
        raise BadSetting(f"{name}: {text!r} is no plain http or https address")
    return address


def is_private(address: str) -> bool:
    """Return whether what is sent to this address can be read by no one else: TLS, or loopback."""
    parts = _split(address)
    return parts is not None and (parts.scheme == "https" or parts.hostname in LOOPBACK)


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usable else None
