"""Writes down what came back, once, and stops the next mail where it must: all in the caller's transaction.

A delivery bounces once in each way, and is complained about once, however that is told and how often. A hard bounce and
a complaint suppress the address at once. A soft bounce does where at least three deliveries in a row bounced, over more
than fourteen days: one that was sent in between and stayed sent begins the row anew, as does lifting a suppression.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlmodel import Session, col, func, select

from digestmail.deliveries import ledger
from digestmail.deliveries.bounces.report import Nature, Proof, Report, Returned, Verdict
from digestmail.deliveries.outcome import Outcome, Result
from digestmail.deliveries.readers import suppress
from digestmail.store.database import insert_new
from digestmail.store.models import Bounce, ConsentEvent, Delivery, LiftedSuppression, Subscriber
from digestmail.store.states import Bounced, Kind, Standing, State
from digestmail.subscribers.consent import Event, Origin
from digestmail.subscribers.erasure import whose
from digestmail.subscribers.unsubscribe import unsubscribe

SOFT_BOUNCES = 3
SOFT_SPREAD = timedelta(days=14)

_STAYED = timedelta(days=5)
"""After so long a message that was sent does not come back any more: mail servers give up within this time."""

_MILDEST_FIRST = (Verdict.DELIVERED, Verdict.DELAYED, Verdict.POLICY, Verdict.SOFT, Verdict.HARD)
_LONGEST_REASON = 300


class Counted(StrEnum):
    """What became of a report."""

    HARD = "hard"
    SOFT = "soft"
    POLICY = "policy"
    COMPLAINT = "complaint"
    AGAIN = "counted before"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    AUTOMATIC = "automatic reply"
    OTHER = "not understood"
    UNPROVEN = "unproven"
    """It seems to be a bounce or a complaint, and holds nothing that only we can have made."""
    UNKNOWN = "unknown"
    """The ledger has forgotten the delivery, or a provider tells of somebody who is no subscriber."""


class Taken(NamedTuple):
    """What became of a report, and whether it suppressed the address."""

    counted: Counted
    suppressed: bool = False


class _Case(NamedTuple):
    subscriber: Subscriber
    delivery: Delivery | None
    returned: Returned


def take(session: Session, report: Report, *, now: datetime) -> Taken:
    """Count a report and do what follows; of several recipients that a provider names, what became of the last one."""
    if report.nature not in (Nature.BOUNCE, Nature.COMPLAINT):
        return Taken(Counted(report.nature.value))
    if not report.proof.proves:
        return Taken(Counted.UNPROVEN)
    taken = Taken(Counted.UNKNOWN)
    for case in _cases(session, report):
        taken = _take(session, report, case, now=now)
    return taken


def _take(session: Session, report: Report, case: _Case, *, now: datetime) -> Taken:
    kind = Bounced.COMPLAINT if report.nature is Nature.COMPLAINT else case.returned.verdict.bounced
    if kind is None:
        return Taken(Counted(case.returned.verdict.value))
    subscriber, delivery, returned = case
    assert subscriber.id is not None  # noqa: S101 - it was read from the database
    row = {
        "fingerprint": _fingerprint(report, case, kind),
        "subscriber_id": subscriber.id,
        "delivery_id": delivery.id if delivery else None,
        "kind": kind,
        "status": returned.status,
        "reason": returned.reason,
        "source": report.source,
        "at": now,
    }
    connection = session.connection()
    if not insert_new(connection, Bounce, [row]):
        return Taken(Counted.AGAIN)
    if delivery and delivery.state == State.DOUBT and delivery.id is not None:
        ledger.resolve(connection, delivery.id, _resolution(kind, returned), now=now)
    reason = _why_suppressed(session, report, case, kind, now=now)
    if not reason:
        return Taken(Counted(kind.value))
    if kind is Bounced.COMPLAINT:
        unsubscribe(session, subscriber.id, origin=Origin(f"complaint ({report.source})"), now=now)
    suppress(connection, [subscriber.id], reason[:_LONGEST_REASON], now=now)
    return Taken(Counted(kind.value), suppressed=True)


def _cases(session: Session, report: Report) -> Iterator[_Case]:
    """Who it is about: by the token, else by the addresses in what a provider has signed."""
    proof = report.proof
    delivery = session.get(Delivery, proof.delivery_id) if proof.delivery_id is not None else None
    subscriber_id = delivery.subscriber_id if delivery else proof.subscriber_id
    if subscriber_id is not None:
        subscriber = session.get(Subscriber, whose(session, subscriber_id) or 0, with_for_update=True)
        if subscriber and subscriber.standing != Standing.ERASED:
            yield _Case(subscriber, delivery or _named(session, proof, subscriber), _about(subscriber, report.returned))
        return
    if proof.addressed:
        for returned in report.returned:
            wanted = select(Subscriber).where(col(Subscriber.email_key).in_(sorted(returned.addresses)))
            for subscriber in session.exec(wanted.order_by(col(Subscriber.id)).with_for_update()):
                yield _Case(subscriber, _named(session, proof, subscriber), returned)


def _named(session: Session, proof: Proof, subscriber: Subscriber) -> Delivery | None:
    """The delivery to a subscriber who is known by other means, by the Message-ID."""
    name = proof.message_name
    if name is None:
        return None
    if name.delivery_id is not None:
        delivery = session.get(Delivery, name.delivery_id)
        return delivery if delivery and delivery.subscriber_id == subscriber.id else None
    if name.subscriber_id != subscriber.id:
        return None
    wanted = select(Delivery).where(
        Delivery.subscriber_id == subscriber.id, Delivery.scheduled_day == name.day, Delivery.kind == Kind.DIGEST
    )
    return session.exec(wanted).first()


def _about(subscriber: Subscriber, returned: tuple[Returned, ...]) -> Returned:
    """What is said of the subscriber. A mailbox may hand on to others, of whom then some bounce: the mildest counts."""
    own = [each for each in returned if subscriber.email_key in each.addresses]
    mildest = min(own or returned, key=lambda each: _MILDEST_FIRST.index(each.verdict), default=None)
    return mildest or Returned(Verdict.SOFT)


def _fingerprint(report: Report, case: _Case, kind: Bounced) -> str:
    if case.delivery:
        return f"delivery {case.delivery.id} {kind}"
    told = repr(report.proof.message_name or report.identity)
    return hashlib.sha256(f"{case.subscriber.id} {kind} {told}".encode("utf-8", "replace")).hexdigest()


def _resolution(kind: Bounced, returned: Returned) -> Outcome:
    if kind is Bounced.COMPLAINT:
        return Outcome(Result.SENT, "in doubt, and its reader complained")
    return Outcome(Result.FAILED, f"in doubt, and it bounced: {returned.reason}"[:_LONGEST_REASON])


def _why_suppressed(session: Session, report: Report, case: _Case, kind: Bounced, *, now: datetime) -> str:
    """Why the address is to be suppressed by now, or ""."""
    subscriber, delivery, returned = case
    if kind is Bounced.POLICY:
        return ""
    lifted = select(func.max(LiftedSuppression.lifted_at)).where(LiftedSuppression.email_key == subscriber.email_key)
    lifted_at = session.exec(lifted).one()
    sent_at = delivery.slot_at if delivery else report.at or now
    if lifted_at and sent_at < lifted_at:
        return ""  # it speaks of a time before the operator decided
    if kind is Bounced.COMPLAINT:
        return f"complaint: {returned.reason}".rstrip(": ")
    moved = select(func.max(ConsentEvent.at)).where(
        ConsentEvent.subscriber_id == subscriber.id, ConsentEvent.event == Event.MOVED
    )
    if (moved_at := session.exec(moved).one()) and sent_at < moved_at:
        return ""  # it speaks of the address before
    told = returned.status in returned.reason
    said = returned.reason if told else f"{returned.status} {returned.reason}".strip()
    if kind is Bounced.HARD:
        return f"hard bounce: {said}".rstrip(": ")
    return _why_soft(session, subscriber, said, since=lifted_at, now=now)


def _why_soft(session: Session, subscriber: Subscriber, said: str, *, since: datetime | None, now: datetime) -> str:
    bounced = select(Bounce.delivery_id).where(
        Bounce.subscriber_id == subscriber.id, col(Bounce.delivery_id).is_not(None)
    )
    stayed = select(func.max(Delivery.settled_at)).where(
        Delivery.subscriber_id == subscriber.id,
        Delivery.state == State.SENT,
        col(Delivery.settled_at) < now - _STAYED,
        col(Delivery.id).not_in(bounced),
    )
    begins = max(filter(None, (since, session.exec(stayed).one())), default=None)
    soft = select(func.count(), func.min(Bounce.at)).where(
        Bounce.subscriber_id == subscriber.id, Bounce.kind == Bounced.SOFT
    )
    count, first_at = session.exec(soft.where(col(Bounce.at) > begins) if begins else soft).one()
    if count < SOFT_BOUNCES or now - first_at <= SOFT_SPREAD:
        return ""
    return f"{count} soft bounces since {first_at:%Y-%m-%d}, the last: {said}".rstrip(": ")
