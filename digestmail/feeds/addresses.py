"""Which network addresses feeds may be fetched from: public ones, and those that the operator allows.

Feed addresses are typed by people and redirects are written by strangers; neither may make this server ask its own
network for something (server-side request forgery).
"""

import ipaddress
import socket
from collections.abc import Callable, Sequence

from digestmail.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[Address]]

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NOT_TO_REACH = tuple(
    map(
        ipaddress.ip_network,
        (
            "192.0.0.0/24",  # for protocols of a network itself (RFC 6890)
            "192.88.99.0/24",  # the nearest 6to4 relay (RFC 7526)
            "2001::/23",  # for protocols again, Teredo among them (RFC 4380)
            "3fff::/20",  # documentation (RFC 9637)
        ),
    )
)
"""What not every version of Python that we run on knows, or knows in the same way."""


def resolve(host: str, port: int) -> Sequence[Address]:
    """The addresses of a host, in the system's order of preference. Raises OSError where there are none."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    names = dict.fromkeys(str(sockaddr[0]).partition("%")[0] for *_, sockaddr in found)
    return [ipaddress.ip_address(name) for name in names]


def unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped: RFC 4291, 6to4: RFC 3056, NAT64: RFC 6052), else itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


def is_public(address: Address) -> bool:
    """Whether the address belongs to one server on the internet; multicast and outdated forms do not."""
    target = unwrapped(address)
    if isinstance(target, ipaddress.IPv6Address) and target not in _GLOBAL_UNICAST:
        return False
    return target.is_global and not target.is_multicast and not any(target in network for network in _NOT_TO_REACH)


def usable(addresses: Sequence[Address], *, allowed: Sequence[Network], loopback: bool) -> list[Address]:
    """Those addresses that may be connected to; `loopback` lets this machine's own pass too."""
    return [
        address for address in addresses if is_public(address) or _is_allowed(unwrapped(address), allowed, loopback)
    ]


def _is_allowed(target: Address, allowed: Sequence[Network], loopback: bool) -> bool:
    return (loopback and target.is_loopback) or any(target in network for network in allowed)
