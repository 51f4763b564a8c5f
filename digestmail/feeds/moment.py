"""The instant at which something becomes news."""

from datetime import datetime, timedelta

from sqlmodel import Session, func, select

from digestmail.store.models import Edition


def unfrozen(session: Session, now: datetime) -> datetime:
    """The present instant, but never one that lies in the window of an edition.

    A frozen edition takes no more items, so what is seen before its cutoff would reach nobody. And a cutoff can lie
    ahead of our clock: the clocks of several hosts differ, and `tick --now` travels in time.
    """
    cutoff_at = session.exec(select(func.max(Edition.cutoff_at))).one()
    return now if cutoff_at is None else max(now, cutoff_at + timedelta(microseconds=1))
