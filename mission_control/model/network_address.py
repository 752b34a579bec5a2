"""Which network addresses no service has, however they are written."""

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
METADATA = frozenset({ipaddress.IPv6Address("fd00:ec2::254")})


def why_never_asked(address: Address) -> str:
    """
    Say what an address is that no service has; empty for one that may be asked.

    An IPv4 address within an IPv6 one is judged as what it leads to.
    """
    meant = _within(address)
    if meant.is_unspecified:
        return "the address that means every one"
    if meant.is_link_local or meant in METADATA:
        return "a link-local or metadata address, where clouds keep credentials,"
    if meant.is_multicast or (isinstance(meant, ipaddress.IPv4Address) and meant.is_reserved):
        return "a multicast or reserved address"
    return ""


def _within(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one leads to, by mapping, NAT64 or 6to4; else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64 or (int(address) >> 32 == 0 and int(address) > 1):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
