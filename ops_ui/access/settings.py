"""What is configured of access to the pages. A doubtful configuration is refused, never mended."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from ops_ui.access.secret_file import SecretFile, SecretUnusable
from ops_ui.setting_texts import LOOPBACK, BadSetting, is_private, read_address, read_file_name

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
PREFIX = "MISSION_CONTROL_UI_"
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_WORD = re.compile(r"[\x21-\x7e]{1,256}")
_CLAIM = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
LEAST_KEY = 32
"""Characters that the file of the cookies' key has at least."""


class Mode(StrEnum):
    """How it is known who asks."""

    NONE = "none"
    OIDC = "oidc"
    PROXY = "proxy"


@dataclass(frozen=True, slots=True)
class Oidc:
    """
    The issuer, and what we are to it.

    Without a `secret` we are a public client. `name_claim` is the claim that gives the operator's
    name; with `groups` only members of one of them are let in.
    """

    issuer: str
    client_id: str
    secret: SecretFile | None = None
    scopes: str = "openid profile"
    name_claim: str = "preferred_username"
    groups: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Access:
    """
    Who may see the pages.

    `public` is where people reach them (scheme, name and port), `proxies` are the addresses whose
    word is taken. `only_proxies` says that no one else is answered.
    """

    mode: Mode = Mode.NONE
    public: str = "http://127.0.0.1:8090"
    oidc: Oidc | None = None
    cookie_key: str = field(default="", repr=False)
    identity_header: str = "x-forwarded-user"
    proxies: tuple[Network, ...] = ()
    only_proxies: bool = False

    @property
    def secure(self) -> bool:
        """Return whether people reach the pages by https."""
        return self.public.startswith("https://")

    @property
    def host(self) -> str:
        """Return the name that people reach the pages by, as in a `Host` header without a port."""
        host = urlsplit(self.public).hostname or ""
        return f"[{host}]" if ":" in host else host


OF_OIDC = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET_FILE", "SCOPES", "NAME_CLAIM", "GROUPS")


def load_access(environ: Mapping[str, str], host: str, port: int, *, tls: bool) -> Access:
    """Read what is configured of access; raises BadSetting that names the variable."""
    mode = _mode(environ)
    proxies = _networks(environ)
    in_name = f"[{host}]" if ":" in host else host
    told = environ.get("MISSION_CONTROL_PUBLIC_URL", "")
    public = told and read_address("MISSION_CONTROL_PUBLIC_URL", told)
    access = Access(
        mode,
        public or f"{'https' if tls else 'http'}://{in_name}:{port}",
        _oidc(environ) if mode is Mode.OIDC else None,
        _cookie_key(environ) if mode is Mode.OIDC else "",
        _identity_header(environ),
        proxies,
        mode is Mode.PROXY or (host not in LOOPBACK and not tls),
    )
    _check_unused(environ, mode)
    _check_host(access, host, tls=tls)
    if mode is Mode.OIDC:
        _check_public(access.public)
    return access


def _mode(environ: Mapping[str, str]) -> Mode:
    text = environ.get(f"{PREFIX}AUTH", "") or Mode.NONE
    if text not in set(Mode):
        raise BadSetting(f"{PREFIX}AUTH: {text!r} is no way to sign in; use none, oidc or proxy")
    return Mode(text)


def _oidc(environ: Mapping[str, str]) -> Oidc:
    issuer = _needed(environ, f"{PREFIX}OIDC_ISSUER", "the issuer's address")
    # Compared with what the issuer says of itself, to the letter: a final slash is part of it.
    read_address(f"{PREFIX}OIDC_ISSUER", issuer)
    if not is_private(issuer):
        raise BadSetting(f"{PREFIX}OIDC_ISSUER: {issuer!r} has no TLS; use its https address")
    client = _needed(environ, f"{PREFIX}OIDC_CLIENT_ID", "what the issuer calls these pages")
    scopes = environ.get(f"{PREFIX}OIDC_SCOPES", "") or "openid profile"
    claim = environ.get(f"{PREFIX}OIDC_NAME_CLAIM", "") or "preferred_username"
    if "openid" not in scopes.split() or not all(map(_WORD.fullmatch, scopes.split())):
        raise BadSetting(f"{PREFIX}OIDC_SCOPES: {scopes!r} lacks openid; write openid profile")
    if not _CLAIM.fullmatch(claim):
        raise BadSetting(f"{PREFIX}OIDC_NAME_CLAIM: {claim!r} is no name of a claim")
    groups = frozenset(_listed(environ.get(f"{PREFIX}OIDC_GROUPS", "")))
    return Oidc(issuer, client, _secret(environ), " ".join(scopes.split()), claim, groups)


def _secret(environ: Mapping[str, str]) -> SecretFile | None:
    name = f"{PREFIX}OIDC_CLIENT_SECRET_FILE"
    path = read_file_name(environ, name)
    return None if path is None else _usable(name, path, 1)


def _usable(name: str, path: Path, least: int) -> SecretFile:
    secret = SecretFile(path, least)
    try:
        secret.read()
    except SecretUnusable as unusable:
        raise BadSetting(f"{name}: {unusable}") from None
    return secret


def _cookie_key(environ: Mapping[str, str]) -> str:
    name = f"{PREFIX}COOKIE_KEY_FILE"
    path = read_file_name(environ, name)
    return "" if path is None else _usable(name, path, LEAST_KEY).read()


def load_api_token(environ: Mapping[str, str]) -> SecretFile | None:
    """Return the file of the token that Mission Control knows these pages by."""
    name = f"{PREFIX}API_TOKEN_FILE"
    path = read_file_name(environ, name)
    return None if path is None else _usable(name, path, 1)


def _identity_header(environ: Mapping[str, str]) -> str:
    name = environ.get(f"{PREFIX}IDENTITY_HEADER", "") or "X-Forwarded-User"
    if not _HEADER.fullmatch(name):
        raise BadSetting(
            f"{PREFIX}IDENTITY_HEADER: {name!r} is no name of a header; use X-Forwarded-User"
        )
    return name.casefold()


def _networks(environ: Mapping[str, str]) -> tuple[Network, ...]:
    name, found = f"{PREFIX}TRUSTED_PROXIES", list[Network]()
    for text in _listed(environ.get(name, "")):
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            raise BadSetting(
                f"{name}: {text!r} is no address or network; write 10.0.0.7 or 10.0.0.0/24"
            ) from None
        if network.prefixlen == 0:
            raise BadSetting(f"{name}: {text} is everyone; name the proxy's own addresses")
        found.append(network)
    return tuple(found)


def _listed(text: str) -> Iterable[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _needed(environ: Mapping[str, str], name: str, what: str) -> str:
    text = environ.get(name, "").strip()
    if not _WORD.fullmatch(text):
        raise BadSetting(f"{name}: {PREFIX}AUTH=oidc needs it: {what}")
    return text


def _check_unused(environ: Mapping[str, str], mode: Mode) -> None:
    """Refuse what would mean nothing: who sets it believes that it protects."""
    of_oidc = [f"{PREFIX}OIDC_{n}" for n in OF_OIDC] + [f"{PREFIX}COOKIE_KEY_FILE"]
    for name in of_oidc if mode is not Mode.OIDC else []:
        if environ.get(name):
            raise BadSetting(f"{name}: it means nothing unless {PREFIX}AUTH is oidc; set that")
    if mode is not Mode.PROXY and environ.get(f"{PREFIX}IDENTITY_HEADER"):
        raise BadSetting(
            f"{PREFIX}IDENTITY_HEADER: it means nothing unless {PREFIX}AUTH is proxy; set that"
        )


def _check_host(access: Access, host: str, *, tls: bool) -> None:
    if access.mode is Mode.PROXY and not access.proxies:
        raise BadSetting(
            f"{PREFIX}TRUSTED_PROXIES: {PREFIX}AUTH=proxy needs it: whose word is to be taken"
        )
    if host in LOOPBACK:
        return
    if access.mode is Mode.NONE:
        raise BadSetting(
            f"{PREFIX}HOST: {host!r} is not loopback, and no one signs in;"
            f" set {PREFIX}AUTH to oidc or proxy, or use 127.0.0.1"
        )
    if not tls and not (access.proxies and access.secure):
        raise BadSetting(
            f"{PREFIX}HOST: {host!r} is not loopback, and nothing is encrypted;"
            f" set {PREFIX}TLS_CERTIFICATE and {PREFIX}TLS_KEY, or, behind a proxy with TLS,"
            f" {PREFIX}TRUSTED_PROXIES and MISSION_CONTROL_PUBLIC_URL (https://...)"
        )


def _check_public(public: str) -> None:
    parts = urlsplit(public)
    if parts.path:
        raise BadSetting(
            f"MISSION_CONTROL_PUBLIC_URL: {public!r} has a path; the pages need a name of their own"
        )
    if not is_private(public):
        raise BadSetting(
            f"MISSION_CONTROL_PUBLIC_URL: {public!r} has no TLS; sign-in needs https, or loopback"
        )
