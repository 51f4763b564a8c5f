"""All feeds as the operator's list shows them: where their items go, how they fare, and what is wrong in words."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from digestmail.feeds.manage import routes_by_feed
from digestmail.feeds.quarantine import quarantined
from digestmail.feeds.spans import counted
from digestmail.feeds.trouble import rhythm_in_words, sentence_of, trouble_of
from digestmail.store.models import Feed, ItemSource
from digestmail.store.states import FeedState, Trouble

_REMEDIES = {
    Trouble.GONE: " It is not asked again unless you resume it.",
    Trouble.QUARANTINE: " To mail them: digestmail feed let-through URL. To leave them out: "
    "digestmail feed mark-seen URL.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedLine:
    """A feed in the operator's list. `routes` are in words: `climate`, or `Economy=business` for one category."""

    url: str
    title: str
    site_url: str
    state: str
    routes: tuple[str, ...]
    trouble: str
    """The worst, a `Trouble`, or empty."""
    explanation: str
    """The trouble in words and what can be done, or why the last poll failed."""
    last_success_at: datetime | None
    failing_since_at: datetime | None
    last_error: str | None
    items: int
    waiting: int
    """How many of the items wait for the operator."""
    last_item_at: datetime | None
    usual_gap: int | None
    """The usual seconds from one item to the next."""
    rhythm: str
    """The same in words."""
    next_poll_at: datetime | None
    """None where it is not polled."""


def list_feeds(session: Session, *, now: datetime) -> list[FeedLine]:
    """All feeds in the order of their adding."""
    items = dict(
        session.exec(
            select(ItemSource.feed_id, func.count(col(ItemSource.item_id).distinct())).group_by(col(ItemSource.feed_id))
        ).all()
    )
    routes, waiting = routes_by_feed(session), quarantined(session)
    lines = []
    for feed in session.exec(select(Feed).order_by(col(Feed.id))):
        number = feed.id or 0
        held = waiting.get(number, 0)
        trouble = trouble_of(feed, quarantined=held, now=now)
        lines.append(
            FeedLine(
                url=feed.url,
                title=feed.title,
                site_url=feed.site_url,
                state=feed.state,
                routes=routes.get(number, ()),
                trouble=trouble or "",
                explanation=_explained(trouble, feed, held, now),
                last_success_at=feed.last_success_at,
                failing_since_at=feed.failing_since_at,
                last_error=feed.last_error,
                items=items.get(number, 0),
                waiting=held,
                last_item_at=feed.last_item_at,
                usual_gap=feed.usual_gap,
                rhythm=rhythm_in_words(feed.usual_gap) if feed.usual_gap else "",
                next_poll_at=feed.next_poll_at if feed.state == FeedState.ACTIVE else None,
            )
        )
    return lines


def _explained(trouble: Trouble | None, feed: Feed, waiting: int, now: datetime) -> str:
    if trouble:
        return sentence_of(feed, trouble, quarantined=waiting, now=now) + _REMEDIES.get(trouble, "")
    return f"{feed.last_error} ({counted(feed.failures, 'failed poll')})" if feed.failures else ""
