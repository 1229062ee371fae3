"""Where a request comes from, as far as it counts: whoever has one IPv6 address has all of its network."""

import ipaddress
from typing import Final

_PREFIX: Final = 64
"""Bits of an IPv6 address that count."""
_LONGEST: Final = 64


def network(address: str | None) -> str:
    """An IPv4 address, the network of an IPv6 one, ``unknown`` for none; what is no address as it is."""
    if not address:
        return "unknown"
    try:
        parsed = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return address[:_LONGEST]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), _PREFIX), strict=False))
    return str(parsed)
