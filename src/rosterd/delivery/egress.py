"""Where rosterd may connect to: no address is reached that was not looked at, at the moment of connecting.

An administrator of one directory can name any URL, so a name may lead to this machine or its network. What
counts is the address that the socket is connected to: a name is resolved, every address of it is looked at,
and one of these is connected to; nothing is resolved twice. Redirects are not followed. Proxies of the
environment are not used.

    allow = item *( "," item )
    item  = CIDR / address / host name       ; with port and path of no meaning here

What is on the list may be connected to, also by plain http, which nothing else may.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from rosterd.scim import errors

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IANA's special-purpose registries, and what was retired from them; a name says why in the log.
FORBIDDEN: Final = tuple(
    (ipaddress.ip_network(network), why)
    for network, why in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "shared by carriers"),
        ("127.0.0.0/8", "loopback"),
        ("169.254.0.0/16", "link-local or metadata"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112"),
        ("192.52.193.0/24", "AMT"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved or broadcast"),
        # Of IPv6 only 2000::/3 is in use; what of it may not be reached, and NAT64, comes below.
        ("::/3", "reserved, loopback or IPv4 in disguise"),
        ("4000::/2", "reserved"),
        ("8000::/1", "private, link-local, multicast or reserved"),
        ("2001::/23", "Teredo or protocol assignments"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112"),
        ("3ffe::/16", "6bone"),
        ("3fff::/20", "documentation"),
    )
)
# A network that reaches IPv4 through NAT64 (RFC 6052) gets every address in this form: what counts is inside.
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
# Numbers that some resolvers take for an IPv4 address: 2130706433, 0x7f.1, 0177.0.0.1, 127.1.
_NUMERIC: Final = re.compile(r"(?:0[xX][0-9a-fA-F]*|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]*|[0-9]+)){0,3}\.?")
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\.?")


class Refused(OSError):
    """rosterd does not connect there; the text says why."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is allowed beyond the public Internet by https; ``ports``: only these, or any if there is none."""

    networks: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    ports: frozenset[int] = frozenset()

    @classmethod
    def parse(cls, allow: str, ports: str = "") -> "Policy":
        """From settings. Raises ``ValueError`` for what is neither network, address nor name, or no port."""
        networks: list[Network] = []
        hosts = set()
        for item in filter(None, (part.strip().lower() for part in allow.split(","))):
            try:
                networks.append(ipaddress.ip_network(item, strict=False))
            except ValueError:
                if "/" in item or _NUMERIC.fullmatch(item) or not _NAME.fullmatch(item):
                    raise ValueError(f"{item!r} is neither a network, an address nor a host name") from None
                hosts.add(item.rstrip("."))
        numbers = frozenset(int(part) for part in ports.replace(" ", "").split(",") if part)
        if any(not 0 < number < 65_536 for number in numbers):
            raise ValueError("a port is a number from 1 to 65535")
        return cls(tuple(networks), frozenset(hosts), numbers)

    def lists(self, address: Address) -> bool:
        """Whether the address is allowed by name of its network."""
        inner = _inside(address)
        return any(each in network for network in self.networks for each in (address, inner))

    def fault(self, address: Address, *, plain: bool) -> str | None:
        """Why the address may not be connected to, if it may not; ``plain``: by http."""
        if getattr(address, "scope_id", None):
            return "has a zone, and so is link-local"
        if self.lists(address):
            return None
        if plain:
            return "is reached by http, which is for addresses in ROSTERD_EGRESS_ALLOW only"
        inner = _inside(address)
        return next((f"is {why}" for network, why in FORBIDDEN if inner in network), None)

    def check_url(self, url: str) -> None:
        """Raise ``InvalidValue`` for a URL that can never be sent to. Names are not resolved here."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise errors.InvalidValue(f"url: is not a valid URL: {error}.") from error
        host = (parts.hostname or "").rstrip(".")
        plain = parts.scheme == "http"
        if (
            not url.startswith(("http://", "https://"))  # in these letters: they tell http apart elsewhere
            or not host
            or not url.isascii()
            or re.search(r"[\s\\]", url)
        ):
            raise errors.InvalidValue("url: must be an https URL such as 'https://app.example.com/hooks'.")
        if "#" in url:
            raise errors.InvalidValue("url: must not have a part behind '#', which is never sent.")
        if "@" in parts.netloc:
            raise errors.InvalidValue("url: must not hold a user name or password.")
        if self.ports and (port or (80 if plain else 443)) not in self.ports:
            raise errors.InvalidValue("url: the port is not one of those in ROSTERD_EGRESS_PORTS.")
        if plain and not self.networks and not self.hosts:
            raise errors.InvalidValue(
                "url: must begin with https://; http is for hosts in ROSTERD_EGRESS_ALLOW."
            )
        fault = self._fault_of_host(host, plain=plain)
        if fault:
            raise errors.InvalidValue(f"url: '{host[:200]}' {fault}. ROSTERD_EGRESS_ALLOW can allow it.")

    def _fault_of_host(self, host: str, *, plain: bool) -> str | None:
        if host in self.hosts:
            return None
        try:
            return self.fault(ipaddress.ip_address(host), plain=plain)
        except ValueError:
            if _NUMERIC.fullmatch(host):
                return "is an address in a form that is not used here"
            if ":" in host or not _NAME.fullmatch(host):
                return "is not a host name"
        if host == "localhost" or host.endswith(".localhost"):
            return None if self.networks else "is loopback"
        return None


def _inside(address: Address) -> Address:
    """The IPv4 address that a NAT64 or IPv4-mapped address stands for; else the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def check_address(policy: Policy, address: str, *, plain: bool, name: str = "") -> None:
    """Raise ``Refused`` unless the address may be connected to."""
    try:
        fault = policy.fault(ipaddress.ip_address(address), plain=plain)
    except ValueError:
        fault = "is not an IP address"
    if fault:
        of = f" of '{name[:200]}'" if name else ""
        raise Refused(f"The address {address}{of} {fault}; ROSTERD_EGRESS_ALLOW can allow it.")
