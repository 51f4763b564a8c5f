"""The record of consent: one event for each thing that a subscriber agreed to or took back."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from digestmail.store.models import ConsentEvent, Subscriber

WORDING = "2026-11-23"
"""The version of the sentences beside the sign-up and confirm buttons; a new date when they change in meaning."""


class Event(StrEnum):
    """What happened."""

    SIGNED_UP = "signed up"
    CONFIRMED = "confirmed"
    IMPORTED = "imported"
    CHANGED = "changed preferences"
    UNSUBSCRIBED = "unsubscribed"
    UNDONE = "undid unsubscribing"
    MOVED = "moved to another address"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as far as it is kept."""

    source: str
    ip: str = ""
    user_agent: str = ""

    @classmethod
    def of(cls, source: str, *, ip: str = "", user_agent: str = "") -> "Origin":
        """Keep of an address its network alone (/24 or /48), and 200 characters of the user agent."""
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            network = ""
        else:
            prefix = 24 if address.version == 4 else 48
            network = str(ipaddress.ip_network((address, prefix), strict=False))
        return cls(source, network, user_agent[:200])


def record(
    session: Session, subscriber: Subscriber, event: Event, *, origin: Origin, now: datetime, reason: str = ""
) -> None:
    """Write one event down, which was asked about in the language that the subscriber has."""
    assert subscriber.id is not None  # noqa: S101 - it came out of the database
    session.add(
        ConsentEvent(
            subscriber_id=subscriber.id,
            event=event,
            wording=WORDING,
            at=now,
            source=origin.source,
            ip=origin.ip,
            user_agent=origin.user_agent,
            reason=reason,
            locale=subscriber.locale,
        )
    )
