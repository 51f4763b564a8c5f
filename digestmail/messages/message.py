"""A message as a value: what the wire needs to carry it, and the one place where Message-IDs are made."""

import hashlib
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import NamedTuple

from digestmail.store.states import Kind


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


def message_id(number: str, kind: Kind, *, day: date, installation: str, domain: str) -> str:
    """The Message-ID of a delivery: the same on every attempt, so that a message sent twice is known as one.

    `number` is what `message_number` gives, and `day` a digest's scheduled day, else that of the slot in UTC.
    `installation` keeps deliveries of two databases on one domain apart.
    """
    return f"<{number}{message_id_ending(kind, day=day, installation=installation, domain=domain)}"


def message_number(kind: Kind, *, delivery_id: int, subscriber_id: int) -> str:
    """How the Message-ID of a delivery begins.

    A digest is named by its reader, whose scheduled day follows: so it is known also to a database that was restored
    and has planned it anew. All else is named by the delivery.
    """
    return f"r{subscriber_id}" if kind is Kind.DIGEST else str(delivery_id)


def message_id_ending(kind: Kind, *, day: date, installation: str, domain: str) -> str:
    """What follows: the same for all deliveries of a kind and day."""
    return f".{kind}.{day.year:04}{day.month:02}{day.day:02}.{installation}@{domain}>"


class MessageName(NamedTuple):
    """What a Message-ID of ours says: of a digest its reader and scheduled day, else the delivery."""

    kind: Kind
    day: date
    subscriber_id: int | None = None
    delivery_id: int | None = None


_KINDS = frozenset(Kind)
_OURS = re.compile(r"(r?)([0-9]{1,18})\.([a-z]{1,20})\.([0-9]{8})\.([0-9a-f]{8})@([^\s<>@]{1,255})")


def read_message_id(text: str, *, installation: str, domain: str) -> MessageName | None:
    """What the first Message-ID of ours in a text says. Anybody can have written it: it proves nothing."""
    for by_reader, number, kind, day, made_by, at in _OURS.findall(text):
        if made_by != installation or at.lower() != domain.lower() or kind not in _KINDS:
            continue
        if bool(by_reader) != (kind == Kind.DIGEST):
            continue
        try:
            on = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            continue
        if by_reader:
            return MessageName(Kind(kind), on, subscriber_id=int(number))
        return MessageName(Kind(kind), on, delivery_id=int(number))
    return None


def notice_id(notices: Iterable[int], *, installation: str, domain: str) -> str:
    """The Message-ID of a mail to the operator: the same whenever it tells of the same notices."""
    told = hashlib.sha256(",".join(map(str, sorted(notices))).encode()).hexdigest()[:16]
    return f"<{told}.notice.{installation}@{domain}>"
