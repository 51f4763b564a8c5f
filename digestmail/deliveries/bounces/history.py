"""What came back lately, in figures for the operator."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from digestmail.address import domain_of
from digestmail.store.models import Bounce, Subscriber, Suppression
from digestmail.store.states import Bounced

LATELY = timedelta(days=7)
_MANY = 5
_MOST = 100_000


@dataclass(frozen=True, slots=True)
class Returns:
    """What came back in the last seven days."""

    kinds: Mapping[Bounced, int]
    """How many of each kind, 0 included."""
    refusing: tuple[tuple[str, int], ...]
    """Domains that refused several of our messages by their policy, the most first: they mean us, not the readers."""
    suppressed: int
    """How many addresses are suppressed, since whenever."""


def returns(session: Session, *, now: datetime) -> Returns:
    """Count what came back in the days before `now`."""
    since = now - LATELY
    counts = dict(
        session.exec(select(Bounce.kind, func.count()).where(col(Bounce.at) > since).group_by(Bounce.kind)).all()
    )
    refused = (
        select(Subscriber.email)
        .join(Bounce, col(Bounce.subscriber_id) == Subscriber.id)
        .where(Bounce.kind == Bounced.POLICY, col(Bounce.at) > since)
        .limit(_MOST)
    )
    domains = Counter(domain_of(email) for email in session.exec(refused))
    return Returns(
        kinds={kind: counts.get(kind, 0) for kind in Bounced},
        refusing=tuple((domain, count) for domain, count in domains.most_common(10) if count >= _MANY),
        suppressed=session.exec(select(func.count()).select_from(Suppression)).one(),
    )
