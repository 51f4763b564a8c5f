"""Who may be written to, and what a reader has chosen: read at the claim, and asked once more by the mark."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Text, case, cast, literal_column
from sqlmodel import col, exists, func, select

from digestmail.store.database import among, insert_new
from digestmail.store.models import ConsentEvent, Delivery, Subscriber, Subscription, Suppression
from digestmail.store.statements import Statement
from digestmail.store.states import Kind, Standing
from digestmail.subscribers.consent import Event

_STANDINGS_FOR: dict[Kind, tuple[Standing, ...]] = {
    Kind.DIGEST: (Standing.ACTIVE,),
    Kind.WELCOME: (Standing.ACTIVE,),
    Kind.COPY: (Standing.ACTIVE,),
    Kind.REMINDER: (Standing.ACTIVE,),
    Kind.CONFIRMATION: (Standing.PENDING,),
    Kind.ACCESS: (Standing.ACTIVE, Standing.PENDING, Standing.UNSUBSCRIBED),
    Kind.MOVE: (Standing.PENDING,),
    Kind.MOVING: (Standing.ACTIVE,),
}
"""Digests first, as there are the most of them: the mark compares their kind once."""


_JUST = timedelta(hours=2)
"""Longer than a delivery is in hand or in doubt: what was claimed before a move has ended by then."""


def _word(value: str) -> ColumnElement[str]:
    return literal_column(f"'{value}'")


def _one_of(standings: Sequence[Standing]) -> ColumnElement[Any]:
    """The standing that a subscriber must have: of several, the one that it has, if it is one of them."""
    if len(standings) == 1:
        return _word(standings[0])
    return case((col(Subscriber.standing).in_([_word(standing) for standing in standings]), col(Subscriber.standing)))


def _joined(column: ColumnElement[str]) -> Any:
    separator: Any = _word(",")  # as a parameter it would be written into the text anew each time
    return func.aggregate_strings(column, separator)


_SUPPRESSED = exists().where(col(Suppression.email_key) == Subscriber.email_key)

MAY_BE_WRITTEN_TO: ColumnElement[bool] = exists().where(
    col(Subscriber.id) == Delivery.subscriber_id,
    col(Subscriber.standing)
    == case(
        *((col(Delivery.kind) == _word(kind), _one_of(standings)) for kind, standings in _STANDINGS_FOR.items()),
    ),
    ~_SUPPRESSED,
)
"""Whether the subscriber of a delivery stands as its kind asks for, and the address is not suppressed."""

_READERS = Statement(
    select(
        col(Subscriber.id),
        col(Subscriber.email),
        col(Subscriber.standing),
        col(Subscriber.locale),
        col(Subscriber.mail_format),
        _SUPPRESSED.label("suppressed"),
        select(_joined(cast(col(Subscription.topic_id), Text)))
        .where(Subscription.subscriber_id == Subscriber.id)
        .scalar_subquery()
        .label("topics"),
    ).where(among(col(Subscriber.id)))  # type: ignore[call-overload]  # SQLModel knows selects of four columns at most
)


class Reader(NamedTuple):
    """What is known of a subscriber at the claim."""

    email: str
    standing: str
    locale: str
    mail_format: str
    suppressed: bool
    topics: frozenset[int]

    def unwanted(self, kind: Kind) -> str:
        """Why a delivery of a kind must not be sent, or ""."""
        if self.suppressed:
            return "the address is suppressed"
        if self.standing in _STANDINGS_FOR[kind]:
            return ""
        asks = kind in (Kind.CONFIRMATION, Kind.MOVE)
        return "confirmed already" if asks and self.standing == Standing.ACTIVE else self.standing


def readers(connection: Connection, ids: Sequence[int]) -> dict[int, Reader]:
    """The subscribers of these ids, by one query."""
    return {
        number: Reader(email, standing, locale, mail_format, bool(suppressed), _topics(topics or ""))
        for number, email, standing, locale, mail_format, suppressed, topics in _READERS.rows(connection, {"ids": ids})
    }


@lru_cache(maxsize=4096)
def _topics(ids: str) -> frozenset[int]:
    """Readers of the same topics share one set."""
    return frozenset(map(int, filter(None, ids.split(","))))


def suppress(connection: Connection, subscriber_ids: Sequence[int], reason: str, *, now: datetime) -> None:
    """Let nobody write to the addresses of these subscribers any more.

    Not where the subscriber has just moved: then it may be the old address that is dead.
    """
    moved = exists().where(
        col(ConsentEvent.subscriber_id) == Subscriber.id,
        col(ConsentEvent.event) == Event.MOVED,
        col(ConsentEvent.at) > now - _JUST,
    )
    wanted = select(Subscriber.email_key).where(
        among(col(Subscriber.id)), col(Subscriber.standing) != Standing.ERASED, ~moved
    )
    keys = connection.execute(wanted, {"ids": subscriber_ids})
    insert_new(
        connection, Suppression, [{"email_key": key, "reason": reason, "created_at": now} for key in keys.scalars()]
    )
