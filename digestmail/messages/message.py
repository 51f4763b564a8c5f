"""A message as a value: what the wire needs to carry it, and the one place where Message-IDs are made."""

from datetime import UTC, datetime
from typing import NamedTuple

from digestmail.store.models import Kind


class Message(NamedTuple):
    """One mail to one person.

    `sender` and `recipient` are the bare addresses of the envelope. `data` is the whole message (RFC 5322): lines end
    in CRLF, the last one too, none is longer than 998 octets, and dots are not stuffed.
    """

    message_id: str
    """As in the header, with its angle brackets."""
    sender: str
    recipient: str
    data: bytes
    wire_ready: bool = False
    """Known to be ASCII and to have no line that begins with a dot: it goes over the wire as it is (RFC 5321 4.5.2)."""


def message_id(delivery_id: int, *, kind: Kind, slot_at: datetime, installation: str, domain: str) -> str:
    """The Message-ID of a delivery: the same on every attempt, so that a message sent twice is known as one.

    `installation` keeps deliveries of two databases on one domain apart, also when one was begun anew.
    """
    return f"<{delivery_id}{message_id_ending(kind=kind, slot_at=slot_at, installation=installation, domain=domain)}"


def message_id_ending(*, kind: Kind, slot_at: datetime, installation: str, domain: str) -> str:
    """What follows the delivery's id: the same for all deliveries of a kind and slot."""
    at = slot_at.astimezone(UTC)
    return f".{kind}.{at.year:04}{at.month:02}{at.day:02}.{installation}@{domain}>"
