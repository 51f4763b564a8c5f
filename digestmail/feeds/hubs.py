"""Hubs that tell us when a feed has something new, so that it need not wait for its next poll (W3C WebSub).

A hub is noted when a feed offers one, asked to tell us and asked again before its lease ends, and makes the feed due
when it does tell. What it sends is never read: the feed is fetched as ever, and polled as ever where its hub is silent.
"""

import hmac
import ipaddress
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog
from sqlalchemy import case, literal
from sqlmodel import Session, col, select, update

from digestmail.clock import Clock
from digestmail.errors import FeedError
from digestmail.feeds.addresses import is_public
from digestmail.feeds.clean import tidy
from digestmail.feeds.document import host_of
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.hub_offer import HubOffer
from digestmail.settings import Settings
from digestmail.store.columns import Instant
from digestmail.store.database import Database
from digestmail.store.models import Feed, Hub
from digestmail.store.states import FeedState

LEASE = timedelta(days=10)
"""For how long a hub is asked to tell us (section 8.2)."""
SHORTEST_LEASE, LONGEST_LEASE = timedelta(hours=1), timedelta(days=30)
"""What is made of a lease that is shorter or longer."""
CONFIRM_WITHIN = timedelta(days=1)
"""A hub that we asked longer ago does not confirm any more: it was not we who asked."""

ASK_AGAIN, ASK_SELDOM = timedelta(hours=1), timedelta(days=1)
"""When a hub is asked again that has not confirmed, at first and after `PATIENCE` times."""
PATIENCE = 3

ASK_AT_MOST = 20
"""Hubs that are asked in one round: collecting waits until they have answered."""
ASK_AT_ONCE = 4

POLL_AT_MOST_EVERY = timedelta(minutes=1)
"""However often its hub tells of news."""

_NOT_PUBLIC = ("localhost", "local", "internal", "home.arpa")
_METHODS = ("sha1", "sha256", "sha384", "sha512")  # as section 7.1.1 names them, and as Python does

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A hub as it was when its turn came."""

    feed_id: int
    url: str
    topic_url: str
    secret: str
    asks: int


def is_reachable(settings: Settings) -> bool:
    """Whether hubs are to be asked: they must be able to reach us."""
    if settings.websub != "auto":
        return settings.websub == "on"
    host = urlsplit(settings.base_url or "").hostname or ""
    try:
        return is_public(ipaddress.ip_address(host))
    except ValueError:
        return "." in host and not host.endswith(tuple(f".{name}" for name in _NOT_PUBLIC))


def note_hub(session: Session, feed: Feed, offer: HubOffer | None, *, now: datetime) -> None:
    """Note which hub a feed offers, once its document was read; another than before gets a secret of its own."""
    hub = session.get(Hub, feed.id)
    if feed.local:
        offer = None  # we know when it has something new
    if hub is not None:
        if offer == HubOffer(hub.url, hub.topic_url):
            return
        session.delete(hub)
        session.flush()
    if offer is not None:
        assert feed.id is not None  # noqa: S101 - it is in the database
        secret = secrets.token_urlsafe(32)
        session.add(Hub(feed_id=feed.id, url=offer.hub_url, topic_url=offer.topic_url, secret=secret, next_ask_at=now))


def renew(database: Database, fetcher: Fetcher, clock: Clock, *, callback: Callable[[int], str]) -> None:
    """Ask those hubs to tell us whose turn it is; `callback` gives the address for a feed's id.

    A hub may confirm before it answers, so that it was asked is written down first.
    """
    by_hub = defaultdict(list)
    for asked in _take(database, clock()):
        by_hub[asked.url].append(asked)
    with ThreadPoolExecutor(ASK_AT_ONCE, thread_name_prefix="hub") as threads:
        for answers in threads.map(lambda hubs: _ask(fetcher, hubs, callback), by_hub.values()):
            with database.transaction() as session:
                for feed_id, error in answers:
                    waits = update(Hub).where(col(Hub.feed_id) == feed_id, col(Hub.asks) > 0)
                    session.execute(waits.values(last_error=error))


def _take(database: Database, now: datetime) -> list[_Asked]:
    """Those whose turn it is; the statement that reads them puts off their next turn, so nobody else asks them."""
    turn = (
        select(Hub.feed_id)
        .join(Feed, col(Feed.id) == Hub.feed_id)
        .where(col(Hub.next_ask_at) <= now, col(Feed.state) == FeedState.ACTIVE)
        .order_by(col(Hub.next_ask_at))
        .limit(ASK_AT_MOST)
    )
    again, seldom = (literal(now + wait, Instant()) for wait in (ASK_AGAIN, ASK_SELDOM))
    take = (
        update(Hub)
        .where(col(Hub.feed_id).in_(turn), col(Hub.next_ask_at) <= now)
        .values(
            asked_at=now,
            asks=col(Hub.asks) + 1,
            next_ask_at=case((col(Hub.asks) + 1 < PATIENCE, again), else_=seldom),
        )
        .returning(col(Hub.feed_id), col(Hub.url), col(Hub.topic_url), col(Hub.secret), col(Hub.asks))
    )
    with database.transaction() as session:
        return [_Asked(*row) for row in session.execute(take)]


def _ask(fetcher: Fetcher, hubs: Sequence[_Asked], callback: Callable[[int], str]) -> list[tuple[int, str | None]]:
    """Ask one hub for several feeds, one after the other; (feed id, what is wrong or None).

    Where it cannot be reached for one, it is not tried for the next.
    """
    answers: list[tuple[int, str | None]] = []
    away: str | None = None
    for asked in hubs:
        error = away
        if away is None:
            try:
                error = _read_answer(asked, fetcher.post(asked.url, _form(asked, callback(asked.feed_id))))
            except FeedError as trouble:
                error = away = str(trouble)
            except Exception as trouble:
                _log.exception("a hub could not be asked", feed_id=asked.feed_id)
                error = f"Asking this hub failed ({type(trouble).__name__}); the log holds the details."
        answers.append((asked.feed_id, error))
    return answers


def _form(asked: _Asked, callback: str) -> dict[str, str]:
    """Section 5.1. The secret also goes to a hub without https: who has it can only have a feed fetched sooner."""
    return {
        "hub.mode": "subscribe",
        "hub.topic": asked.topic_url,
        "hub.callback": callback,
        "hub.secret": asked.secret,
        "hub.lease_seconds": str(int(LEASE.total_seconds())),
    }


def _read_answer(asked: _Asked, status: int) -> str | None:
    """What is wrong with it, or None."""
    host = host_of(asked.url)
    if not 200 <= status < 300:
        return f"The hub {host} answered {status}."
    if asked.asks > 1:
        return f"The hub {host} takes what we ask and does not confirm it; can it reach the address in BASE_URL?"
    return None


def confirm(session: Session, feed_id: int, *, topic_url: str, lease_seconds: str, now: datetime) -> bool:
    """Whether it was we who asked the hub (section 5.3). The first time, note until when it will tell us."""
    hub = _find(session, feed_id, topic_url)
    if hub is None or hub.asked_at is None or now - hub.asked_at > CONFIRM_WITHIN:
        return False
    if hub.asks:
        lease = _lease(lease_seconds)
        hub.leased_until_at = now + lease
        hub.next_ask_at = hub.leased_until_at - min(lease / 10, timedelta(days=1))
        hub.asks, hub.last_error = 0, None
    return True


def _lease(seconds: str) -> timedelta:
    """What the hub says, within bounds; what we asked for where it says nothing that can be read."""
    if not re.fullmatch(r"[0-9]{1,12}", seconds):
        return LEASE
    return min(max(timedelta(seconds=int(seconds)), SHORTEST_LEASE), LONGEST_LEASE)


def note_denial(session: Session, feed_id: int, *, topic_url: str, reason: str, now: datetime) -> None:
    """The hub will not tell us (section 5.2), or not any more; it is asked once a day whether it has thought better."""
    hub = _find(session, feed_id, topic_url)
    if hub is None or hub.asked_at is None:
        return
    hub.leased_until_at = None
    hub.next_ask_at = now + ASK_SELDOM
    hub.asks = max(hub.asks, PATIENCE)
    why = f": {said}" if (said := tidy(reason)[:200].rstrip(".")) else " and does not say why"
    hub.last_error = f"The hub {host_of(hub.url)} refused{why}."


def is_unwanted(session: Session, feed_id: int, *, topic_url: str) -> bool:
    """Whether a hub may forget us: we ask none to tell us of this topic."""
    return _find(session, feed_id, topic_url) is None


def secret_of(session: Session, feed_id: int) -> str | None:
    """What the hub of a feed signs with; None where we have asked none."""
    return session.exec(select(Hub.secret).where(Hub.feed_id == feed_id)).first()


def _find(session: Session, feed_id: int, topic_url: str) -> Hub | None:
    return session.exec(select(Hub).where(Hub.feed_id == feed_id, Hub.topic_url == topic_url)).first()


class Signature:
    """What a hub signed with (section 7.1): the content is hashed as it comes, and nothing of it is kept."""

    def __init__(self, given: str, *, secret: str) -> None:
        method, _, self._digest = given.strip().lower().partition("=")
        self._hash = hmac.new(secret.encode(), digestmod=method) if method in _METHODS else None

    def add(self, content: bytes) -> None:
        """The next part of the content."""
        if self._hash is not None:
            self._hash.update(content)

    def is_valid(self) -> bool:
        """Whether whoever sent all that knows the secret."""
        return self._hash is not None and hmac.compare_digest(self._hash.hexdigest().encode(), self._digest.encode())


def make_due(session: Session, feed_id: int, *, now: datetime) -> bool:
    """Have a feed polled that has something new; whether that is to be done at once.

    A feed that was asked a moment ago, also for another piece of news, waits a little. One that fails or asked to be
    left alone (RFC 9110, Retry-After) keeps its time.
    """
    feed = session.get(Feed, feed_id)
    if feed is None or feed.state != FeedState.ACTIVE or feed.failures:
        return False
    due = max(now, feed.last_success_at + POLL_AT_MOST_EVERY) if feed.last_success_at else now
    if feed.next_poll_at <= due:
        return False
    feed.next_poll_at = due
    return due == now
