"""Collecting: every due feed is claimed, fetched outside any transaction, and settled in a short one.

One feed's failure is written on that feed and never disturbs another. A document has a transaction of its own; of the
answers without one, many are settled together: what a crash loses of these is only polled again.
"""

import random
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from http import HTTPStatus
from queue import Empty, SimpleQueue

from digestmail.clock import Clock
from digestmail.errors import FeedError
from digestmail.feeds.claims import CLAIM, Claimed, claim, give_back, put_off
from digestmail.feeds.fetch import Fetched, Fetcher
from digestmail.feeds.health import RETRY_AFTER
from digestmail.feeds.parse import Parse, parse_feed
from digestmail.feeds.permit import LARGE_AT_ONCE, Permit
from digestmail.feeds.politeness import Turns
from digestmail.feeds.settle import Failure, Outcome, Poll, settle, unforeseen
from digestmail.store.database import Database

FETCHES_AT_ONCE = 24

_SLOW_SECONDS = 5.0
"""A host that takes longer is asked for its other feeds when nobody else is left."""
_SETTLED_TOGETHER = 100
_SETTLE_EVERY = 0.5
"""Seconds that an answer waits for others, at most."""
_LOOK_EVERY = 0.2
"""Seconds after which a round notices that it is to stop."""
_CLAIM_EVERY = timedelta(minutes=1)

OnFeed = Callable[[int, int, str], None]
"""Called after each feed with how many are done, how many there are, and the feed's URL."""

Ask = Callable[[Claimed], "Future[Poll]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectReport:
    """What one round of collecting came to. `failures` holds (URL, sentence) for each feed that could not be had."""

    polled: int = 0
    not_modified: int = 0
    new_items: int = 0
    failures: tuple[tuple[str, str], ...] = ()
    put_off: int = 0
    """Feeds that were not asked, since their host wants to be left alone."""


def collect_due(
    database: Database,
    fetcher: Fetcher,
    clock: Clock,
    *,
    every_feed: bool = False,
    on_feed: OnFeed | None = None,
    stopping: Callable[[], bool] = lambda: False,
    parse: Parse = parse_feed,
    jitter: Callable[[], float] = random.random,
) -> CollectReport:
    """Poll the feeds whose time has come, or every active one, and store what they bring.

    `jitter` gives numbers from 0 up to 1, which spread the polls to come. Once it is `stopping`, nobody else is asked,
    and the feeds whose turn had not come are due again.
    """
    threads = ThreadPoolExecutor(FETCHES_AT_ONCE, thread_name_prefix="fetch")
    with fetcher.keeping_connections():
        try:
            this = _Round(database, clock, jitter=jitter, on_feed=on_feed, stopping=stopping)
            permits = threading.Semaphore(LARGE_AT_ONCE)
            return this.run(
                lambda feed: threads.submit(_poll, fetcher, parse, feed, Permit(permits)), every_feed=every_feed
            )
        finally:
            threads.shutdown(cancel_futures=True)


class _Round:
    """One round. All but the asking happens in the thread that runs it."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        jitter: Callable[[], float],
        on_feed: OnFeed | None,
        stopping: Callable[[], bool],
    ) -> None:
        self._database = database
        self._clock = clock
        self._jitter = jitter
        self._on_feed = on_feed
        self._stopping = stopping
        self._total, self._done = 0, 0
        self._turns: Turns[Claimed] = Turns(width=FETCHES_AT_ONCE)
        self._came: SimpleQueue[Future[Poll]] = SimpleQueue()
        self._documents: list[Poll] = []
        self._others: list[Poll] = []
        self._settled_at = time.monotonic()
        self._claimed_at = clock()
        self._outcomes: list[tuple[str, Outcome]] = []
        self._put_off = 0

    def run(self, ask: Ask, *, every_feed: bool) -> CollectReport:
        """Poll them all; `ask` begins a poll in another thread."""
        self._claim(every_feed=every_feed)
        self._begin(ask)
        while self._turns.out:
            self._bring_in()
            self._begin(ask)  # before anything is stored, so that nobody idles meanwhile
            self._settle()
            if self._clock() - self._claimed_at >= _CLAIM_EVERY:
                self._renew_claims()
                self._claim()  # so that what is due now need not wait for the slowest of this round
        outcomes = [outcome for _, outcome in self._outcomes]
        return CollectReport(
            polled=len(outcomes),
            not_modified=sum(outcome.not_modified for outcome in outcomes),
            new_items=sum(outcome.new_items for outcome in outcomes),
            failures=tuple((url, outcome.failure) for url, outcome in self._outcomes if outcome.failure),
            put_off=self._put_off,
        )

    def _claim(self, *, every_feed: bool = False) -> None:
        self._claimed_at = self._clock()
        if not self._stopping():
            claimed = claim(self._database, self._claimed_at, every_feed=every_feed)
            self._turns.add(claimed)
            self._total += len(claimed)

    def _renew_claims(self) -> None:
        put_off(self._database, self._turns, until=self._clock() + CLAIM)

    def _begin(self, ask: Ask) -> None:
        if self._stopping():
            if left := self._turns.call_off_all():
                give_back(self._database, left)
            return
        while (feed := self._turns.take()) is not None:
            ask(feed).add_done_callback(self._came.put)

    def _bring_in(self) -> None:
        """Take what has come, after waiting a little where nothing has."""
        try:
            came = [self._came.get(timeout=_LOOK_EVERY)]
        except Empty:
            return
        came += [self._came.get() for _ in range(self._came.qsize())]  # nobody else takes from it
        for poll in (future.result() for future in came):
            failure = poll.answer if isinstance(poll.answer, Failure) else None
            self._turns.end(poll.feed, well=failure is None and poll.seconds < _SLOW_SECONDS)
            (self._documents if poll.document else self._others).append(poll)
            if failure and failure.retry_after is not None:
                self._leave_alone(poll.feed.host, failure.retry_after)

    def _leave_alone(self, host: str, rest: timedelta) -> None:
        """The host has asked for rest: its other feeds wait as long, though they have not failed."""
        if spared := self._turns.call_off(host):
            put_off(self._database, spared, until=self._clock() + max(rest, RETRY_AFTER))
            self._put_off += len(spared)
            self._tell(spared)

    def _settle(self) -> None:
        """Settle documents at once, and other answers when they are many, have waited long, or are the last."""
        while self._documents:
            self._settle_together([self._documents.pop(0)])
        is_time = time.monotonic() - self._settled_at > _SETTLE_EVERY or len(self._others) >= _SETTLED_TOGETHER
        if self._others and (is_time or not self._turns.out):
            self._settle_together(self._others)
            self._others = []
            self._settled_at = time.monotonic()

    def _settle_together(self, polls: Sequence[Poll]) -> None:
        for poll, outcome in zip(polls, settle(self._database, polls, self._clock, self._jitter), strict=True):
            self._outcomes.append((poll.feed.url, outcome))
            poll.permit.release()
        self._tell([poll.feed for poll in polls])

    def _tell(self, feeds: Sequence[Claimed]) -> None:
        for feed in feeds:
            self._done += 1
            if self._on_feed is not None:
                self._on_feed(self._done, self._total, feed.url)


def _poll(fetcher: Fetcher, parse: Parse, feed: Claimed, permit: Permit) -> Poll:
    """Fetch and read a feed, in a thread of its own. A large document keeps its permit until it is stored."""
    began = time.monotonic()
    answer: Fetched | Failure
    document = None
    try:
        fetched = fetcher.get(
            feed.url, etag=feed.etag, last_modified=feed.last_modified, local=feed.local, permit=permit
        )
        if fetched.status != HTTPStatus.NOT_MODIFIED:
            document = parse(fetched.body, content_type=fetched.content_type, url=fetched.url)
        answer = replace(fetched, body=b"")
    except FeedError as error:
        answer = Failure(str(error), error.permanent, error.retry_after)
    except Exception as error:
        answer = unforeseen(feed, error)
    if document is None:
        permit.release()
    return Poll(feed, answer, document, time.monotonic() - began - permit.waited, permit)
