"""Counts what comes from each network within an hour, in a bounded piece of memory.

They are this process's own: see docs/decisions/0017-buckets-in-the-process.md for what that means with several.
"""

import ipaddress
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from digestmail.web.guard.verdict import HOUR

MOST_NETWORKS = 50_000
"""Some 15 MB. Beyond them the networks whose hours began first are forgotten."""

_CUSTOMERS = 16
"""A /48 may come so many times as often as a /64: it is an office's, or one attacker's with 65,536 networks."""


@dataclass(slots=True)
class _Bucket:
    began_at: datetime
    tries: int = 0


class Buckets:
    """The counts of this process."""

    def __init__(self, most: int = MOST_NETWORKS) -> None:
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        """In the order in which their hours began."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def enter(self, ip: str, *, now: datetime) -> int:
        """Count a try; the how manieth of its network it is in this hour. 0 for this machine, which is not counted."""
        with self._lock:
            self._forget(now)
            return max((self._count(network, now) // share for network, share in networks_of(ip)), default=0)

    def take_back(self, ip: str) -> None:
        """Take one try back, as whoever mistypes is not a second person."""
        with self._lock:
            for network, _ in networks_of(ip):
                if bucket := self._buckets.get(network):
                    bucket.tries = max(0, bucket.tries - 1)

    def _count(self, network: str, now: datetime) -> int:
        bucket = self._buckets.setdefault(network, _Bucket(now))
        bucket.tries += 1
        return bucket.tries

    def _forget(self, now: datetime) -> None:
        """What is over, and what is too many; two may be added after it."""
        while self._buckets:
            network, bucket = next(iter(self._buckets.items()))
            if now - bucket.began_at < HOUR and len(self._buckets) <= self._most - 2:
                return
            del self._buckets[network]


def networks_of(ip: str) -> tuple[tuple[str, int], ...]:
    """The networks that an address belongs to, and by what their counts are divided; none for this machine."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return (("unknown", 1),)
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    if address.is_loopback:
        return ()
    widths = ((24, 1),) if address.version == 4 else ((64, 1), (48, _CUSTOMERS))
    return tuple((str(ipaddress.ip_network((address, width), strict=False)), share) for width, share in widths)
