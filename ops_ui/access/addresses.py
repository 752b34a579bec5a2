"""Where a request comes from, and how many of them one address may send."""

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ops_ui.access.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
MAX_KEPT = 4096
"""Addresses whose requests are counted at once."""


def peer_of(scope: Mapping[str, Any]) -> Address | None:
    """Return the address of the other end of the connection; None where it has none."""
    client = scope.get("client")
    return _read(str(client[0])) if client else None


def is_of(address: Address | None, networks: Sequence[Network]) -> bool:
    """Return whether an address lies in one of the networks."""
    return address is not None and any(address in network for network in networks)


def reader_of(scope: Mapping[str, Any], proxies: Sequence[Network]) -> Address | None:
    """
    Return the address of the reader: behind our proxies, the one that they name.

    `X-Forwarded-For` is read from its end, as far as our own proxies wrote it; what stands before
    that anyone can write.
    """
    address = peer_of(scope)
    if not is_of(address, proxies):
        return address
    told = [text for name, text in scope["headers"] if name == b"x-forwarded-for"]
    for hop in reversed(b",".join(told).decode("latin-1").split(",")):
        before = _read(hop.strip())
        if before is None:
            break
        address = before
        if not is_of(address, proxies):
            break
    return address


def _read(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class Quota:
    """
    How many requests an address may send: so many at once, and so many each second after that.

    This machine's own loopback has no limit. Of IPv6 a whole /64 is one reader.
    """

    def __init__(self, at_once: int, each_second: float, seconds: Callable[[], float]) -> None:
        """Count from now on; `seconds` never step back."""
        self._at_once = float(at_once)
        self._each_second = each_second
        self._seconds = seconds
        self._left: dict[object, tuple[float, float]] = {}

    def take(self, address: Address | None) -> bool:
        """Take one request of this address; False where it has none left."""
        if address is not None and address.is_loopback:
            return True
        key, now = _whole(address), self._seconds()
        left, at = self._left.pop(key, (self._at_once, now))
        left = min(self._at_once, left + (now - at) * self._each_second)
        self._left[key] = (left - 1 if left >= 1 else left, now)
        while len(self._left) > MAX_KEPT:
            del self._left[next(iter(self._left))]
        return left >= 1


def _whole(address: Address | None) -> object:
    if isinstance(address, ipaddress.IPv6Address):
        return ipaddress.ip_network((address, 64), strict=False)
    return address
