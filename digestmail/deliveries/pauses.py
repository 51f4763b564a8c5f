"""Domains that refuse us: after some refusals by policy in a row, a domain's readers wait for a while.

A reply with 5.7.x speaks of the sender or of the message and not of the reader (RFC 3463, 3.8): a blocked address of
ours, say, or a missing record. Who comes after the first few must not pay for that with a failed digest.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from digestmail.address import domain_of
from digestmail.deliveries.outcome import Reply

log = structlog.get_logger(__name__)

REFUSALS = 5
"""So many refusals by policy, and nothing taken between them, pause a domain."""

_FIRST_PAUSE = timedelta(minutes=15)
_LONGEST_PAUSE = timedelta(hours=3)


@dataclass(slots=True)
class _Domain:
    refusals: int = 0
    pauses: int = 0
    until_at: datetime | None = None


class Pauses:
    """What a process has heard from domains. After a pause one more refusal makes the next, which is twice as long."""

    def __init__(self) -> None:
        self._domains: dict[str, _Domain] = {}

    def __bool__(self) -> bool:
        """Whether any domain has refused us lately."""
        return bool(self._domains)

    def until(self, recipient: str, *, now: datetime) -> datetime | None:
        """How long the recipient's domain is to be left alone; None where it is not."""
        domain = self._domains.get(domain_of(recipient))
        return domain.until_at if domain and domain.until_at and domain.until_at > now else None

    def hear(self, recipient: str, reply: Reply, *, now: datetime) -> datetime | None:
        """Note what the server said to a message. As `until`, as of now: this message waits as well."""
        if not reply.is_policy:
            if self and 200 <= reply.code < 300:
                self._domains.pop(domain_of(recipient), None)
            return None
        name = domain_of(recipient)
        domain = self._domains.setdefault(name, _Domain())
        domain.refusals += 1
        if domain.refusals > REFUSALS and not self.until(recipient, now=now):
            domain.until_at = now + min(_FIRST_PAUSE * 2 ** min(domain.pauses, 20), _LONGEST_PAUSE)
            domain.pauses += 1
            log.warning(
                "a domain refuses our mail and is left alone", domain=name, until=str(domain.until_at), reply=str(reply)
            )
        return self.until(recipient, now=now)
