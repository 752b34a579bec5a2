"""How settings of access are read: who is believed, through which proxies, and how often."""

import ipaddress
import re
from urllib.parse import urlsplit

from mission_control.access.model import Auth, Scope
from mission_control.configuration.setting import Found, matching, whole_number
from mission_control.configuration.yaml_file import did_you_mean, quoted

ALGORITHMS = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
"""What an issuer may sign with: never a secret that we would share with it, and never nothing."""

read_audience = matching(r"[!-~]{1,512}", "audience", "copy it from the issuer, without spaces")
read_claim = matching(
    r"[!-~]{1,256}", "name of a claim", "write it as scope, or as realm_access.roles"
)
read_rate = whole_number("number of requests a minute", "use one from 6 to 60000", 6, 60_000)
read_connections = whole_number("number of connections", "use one from 8 to 10000", 8, 10_000)


def read_auth(found: Found) -> Auth:
    """Return how readers are known."""
    if found.stripped not in list(Auth):
        known = did_you_mean(found.stripped, Auth)
        raise found.refused(f"{quoted(found.text)} is no way to know readers", known)
    return Auth(found.stripped)


def read_issuer(found: Found) -> str:
    """Return an issuer's name for itself: https, or http on this machine's loopback."""
    issuer = found.stripped
    try:
        parts = urlsplit(issuer)
        host, port_is_fine = parts.hostname or "", parts.port != 0
    except ValueError:
        host, port_is_fine, parts = "", False, urlsplit("")
    plain = parts.scheme == "http" and (host == "localhost" or _is_loopback(host))
    strange = parts.username or parts.password or parts.query or parts.fragment
    if not host or not port_is_fine or strange or not (plain or parts.scheme == "https"):
        remedy = "write https://host/path, exactly as `issuer` in its openid-configuration"
        raise found.refused("is no issuer", remedy)
    return issuer


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_algorithms(found: Found) -> tuple[str, ...]:
    """Return the signatures that are accepted; only those with a public key."""
    names = _listed(found)
    for name in names:
        if name not in ALGORITHMS:
            problem = f"{quoted(name)} is no signature with a public key"
            raise found.refused(problem, f"choose of {', '.join(ALGORITHMS)}")
    return names


def read_scopes(found: Found) -> tuple[tuple[str, Scope], ...]:
    """Return which word of the claim gives which scope."""
    pairs = list[tuple[str, Scope]]()
    for item in _listed(found):
        word, equals, scope = item.rpartition("=")
        if not equals or re.fullmatch(r"[!-~]{1,256}", word) is None or scope not in list(Scope):
            remedy = f"write word=scope, where scope is one of {', '.join(Scope)}"
            raise found.refused(f"{quoted(item)} gives no scope", remedy)
        pairs.append((word, Scope(scope)))
    words = [word for word, _ in pairs]
    if len(set(words)) < len(words):
        raise found.refused("names a word twice", "let each word give one scope")
    return tuple(pairs)


def read_networks(found: Found) -> tuple[str, ...]:
    """Return addresses and networks of proxies, never those of everyone."""
    networks = list[str]()
    for item in _listed(found):
        try:
            network = ipaddress.ip_network(item)
        except ValueError:
            remedy = "write addresses as 10.1.2.3, or networks as 10.4.0.0/16"
            raise found.refused(f"{quoted(item)} is no address or network", remedy) from None
        if network.prefixlen == 0:
            raise found.refused(f"{quoted(item)} believes everyone", "name the proxies alone")
        alone = network.prefixlen == network.max_prefixlen
        networks.append(str(network.network_address if alone else network))
    return tuple(networks)


def _listed(found: Found) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item.strip() for item in found.text.split(",") if item.strip()))
