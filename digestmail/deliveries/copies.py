"""What a copy repeats: the digest or welcome that went to its reader with the same edition.

A copy looks as that did. It has its day, and the announcements that it had, but for those that its reader gave for
since. It is no digest of its own: it takes no day of the schedule and does not count for what was shown how often.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import NamedTuple

from sqlalchemy import Connection, literal_column
from sqlalchemy.orm import aliased
from sqlmodel import col, select

from digestmail.store.database import among, aside
from digestmail.store.models import Delivery
from digestmail.store.statements import Statement
from digestmail.store.states import Kind


class Original(NamedTuple):
    """What a copy repeats."""

    id: int
    slot_at: datetime
    day: date
    """A digest's scheduled day, a welcome's slot's in UTC."""


_copy = aliased(Delivery)
_ORIGINALS = Statement(
    select(col(_copy.id), col(Delivery.id), col(Delivery.slot_at), col(Delivery.scheduled_day))
    .join(
        Delivery,
        (col(Delivery.subscriber_id) == _copy.subscriber_id)
        & (aside(Delivery.edition_id, 0) == _copy.edition_id)
        & (col(Delivery.kind) != _copy.kind),
    )
    .where(among(_copy.id), col(_copy.kind) == literal_column(f"'{Kind.COPY}'"))
)


def originals(connection: Connection, ids: Sequence[int]) -> dict[int, Original]:
    """What those deliveries repeat that are copies, by their ids; nothing where the ledger has forgotten it."""
    if not ids:
        return {}
    return {
        number: Original(original, slot_at, day or slot_at.astimezone(UTC).date())
        for number, original, slot_at, day in _ORIGINALS.rows(connection, {"ids": ids})
    }
