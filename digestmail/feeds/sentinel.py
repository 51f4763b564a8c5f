"""The sentinel: notes when a feed gets into trouble or out of it, so that the operator is told once, and surely.

`Feed.told` is the trouble that the operator knows of, or will by the notice that was written in the same transaction.
A trouble that is interrupted is still the same one:

* a feed is not said to be well again until it has stayed so for `SETTLED_AFTER`;
* one that fails again within that time after a notice of it is not told of again;
* while nothing at all can be read, the fault is likely here, and one notice says it for all feeds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, delete, func, or_, select, update

from digestmail.feeds.document import host_of
from digestmail.feeds.quarantine import quarantined
from digestmail.feeds.trouble import moment_in_words, trouble_of, well_again, words_of
from digestmail.store.models import Feed, ItemTopic, Notice
from digestmail.store.states import FeedState, Trouble

SETTLED_AFTER = timedelta(hours=6)
KEPT_FOR = timedelta(days=90)
"""Older notices are forgotten."""

_MANY = 3
"""So many feeds must fail before the fault is looked for here."""
_NOTHING_FOR = timedelta(hours=1)

_WATCHED = (
    *(Feed.id, Feed.url, Feed.title, Feed.state, Feed.told, Feed.local, Feed.usual_gap, Feed.longest_gap),
    *(Feed.first_success_at, Feed.last_success_at, Feed.last_item_at),
    *(Feed.failures, Feed.failing_since_at, Feed.last_error),
)

Rows = Sequence[Any]
"""Feeds, of which each is a `Watched` with its `id` and `told`."""


def watch(session: Session, *, now: datetime) -> int:
    """Compare how each feed is with what the operator was told, and write notices; how many.

    Two watchers at once write each notice once.
    """
    feeds, waiting = _look(session)
    found = {feed.id: trouble_of(feed, quarantined=waiting.get(feed.id, 0), now=now) for feed in feeds}
    changed = _take(session, [feed for feed in feeds if feed.told != (found[feed.id] or "")], found)
    if not changed:
        return 0
    _take_back(session, [feed.id for feed in changed if found[feed.id]], now=now)
    said = _Said(session, changed)
    floods = _floods(session, [feed.id for feed in changed if found[feed.id] is Trouble.QUARANTINE])
    outage = _outage_of(feeds, now=now)
    notices = []
    for feed in changed:
        trouble = found[feed.id]
        if trouble is None:
            if feed.state == FeedState.ACTIVE and feed.told in (Trouble.FAILING, Trouble.SILENT):
                text = well_again(feed, Trouble(feed.told))  # all other troubles are ended by the operator
                notices.append(Notice(feed_id=feed.id, trouble="", text=text, created_at=now))
        elif trouble is Trouble.FAILING and outage and feed.id in outage.struck:
            if not said.of_all(since=outage.since):
                notices.append(Notice(feed_id=None, trouble=trouble, text=outage.words, created_at=now))
                said.add(notices[-1])
        elif not said.of(feed, trouble, flood_at=floods.get(feed.id)):
            text = words_of(feed, trouble, quarantined=waiting.get(feed.id, 0), now=now)
            notices.append(Notice(feed_id=feed.id, trouble=trouble, text=text, created_at=now))
    session.add_all(notices)
    session.connection().execute(delete(Notice).where(col(Notice.created_at) < now - KEPT_FOR))
    return len(notices)


def count_troubles(session: Session, *, now: datetime) -> Mapping[Trouble | None, int]:
    """How many feeds are in each trouble, and in none; a number for each."""
    feeds, waiting = _look(session)
    counts: dict[Trouble | None, int] = dict.fromkeys((*Trouble, None), 0)
    for feed in feeds:
        counts[trouble_of(feed, quarantined=waiting.get(feed.id, 0), now=now)] += 1
    return counts


def _look(session: Session) -> tuple[Rows, Mapping[int, int]]:
    """All feeds, and how many items of each are quarantined."""
    return session.connection().execute(select(*map(col, _WATCHED))).all(), quarantined(session)


def _take(session: Session, changed: Rows, found: Mapping[int, Trouble | None]) -> Rows:
    """Note for each feed the trouble that is told from now on; those that no other watcher has noted meanwhile."""
    alike: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for feed in changed:
        alike[feed.told, found[feed.id] or ""].append(feed.id)
    ours: set[int | None] = set()
    for (told, trouble), ids in sorted(alike.items()):
        note = update(Feed).where(col(Feed.id).in_(ids), col(Feed.told) == told).values(told=trouble)
        ours.update(number for (number,) in session.connection().execute(note.returning(col(Feed.id))))
    return [feed for feed in changed if feed.id in ours]


def _take_back(session: Session, feeds: Sequence[int], *, now: datetime) -> None:
    """Forget that these feeds were well again: it did not last."""
    unsettled = delete(Notice).where(
        col(Notice.feed_id).in_(feeds),
        col(Notice.trouble) == "",
        col(Notice.sent_at).is_(None),
        col(Notice.created_at) > now - SETTLED_AFTER,
    )
    session.connection().execute(unsettled)


class _Said:
    """What notices say of some feeds since each was last said to be well."""

    def __init__(self, session: Session, feeds: Rows) -> None:
        self._said: defaultdict[int | None, list[Notice]] = defaultdict(list)
        concerned = or_(col(Notice.feed_id).in_([feed.id for feed in feeds]), col(Notice.feed_id).is_(None))
        for notice in session.exec(select(Notice).where(concerned).order_by(col(Notice.id))):
            self.add(notice)

    def add(self, notice: Notice) -> None:
        """Take in one more."""
        if notice.trouble:
            self._said[notice.feed_id].append(notice)
        else:
            self._said[notice.feed_id].clear()

    def of_all(self, *, since: datetime | None) -> bool:
        """Whether there is a notice since then that nothing can be read."""
        return any(since is None or notice.created_at >= since for notice in self._said[None])

    def of(self, feed: Any, trouble: Trouble, *, flood_at: datetime | None) -> bool:
        """Whether there is a notice of this trouble since it began."""
        if trouble is Trouble.FAILING and feed.failing_since_at:
            began = feed.failing_since_at - SETTLED_AFTER
            if self.of_all(since=feed.failing_since_at):
                return True
        else:
            began = {Trouble.SILENT: feed.last_item_at, Trouble.QUARANTINE: flood_at}.get(trouble)
        return began is not None and any(
            notice.trouble == trouble and notice.created_at >= began for notice in self._said[feed.id]
        )


def _floods(session: Session, feeds: Sequence[int]) -> dict[int | None, datetime]:
    """When the last of what waits came, by feed."""
    if not feeds:
        return {}
    newest = (
        select(ItemTopic.quarantined_by, func.max(ItemTopic.seen_at))
        .where(col(ItemTopic.quarantined_by).in_(feeds))
        .group_by(col(ItemTopic.quarantined_by))
    )
    return dict(session.exec(newest).all())


@dataclass(frozen=True, slots=True)
class _Outage:
    """Nothing can be read; `since` is when a feed answered last, and `struck` are those that were asked in vain."""

    since: datetime | None
    struck: frozenset[int]
    words: str


def _outage_of(feeds: Iterable[Any], *, now: datetime) -> _Outage | None:
    """The outage, where of the feeds from elsewhere several fail and none has answered for a while."""
    asked = [feed for feed in feeds if feed.state == FeedState.ACTIVE and not feed.local]
    since = max((feed.last_success_at for feed in asked if feed.last_success_at), default=None)
    failing = [feed for feed in asked if feed.failures and (since is None or (feed.failing_since_at or since) > since)]
    if len(failing) < _MANY or (since is not None and now - since < _NOTHING_FOR):
        return None
    hosts = {host_of(feed.url) for feed in failing}
    last = f"since {moment_in_words(since)}" if since else "so far"
    cause = (
        f"They are all on {hosts.pop()}: it is down, or this server cannot reach it."
        if len(hosts) == 1
        else "Most likely this server itself is cut off: look at its network and its name server first."
    )
    words = f"No feed has answered {last}: all {len(failing):,} that were asked have failed. {cause}"
    return _Outage(since, frozenset(feed.id for feed in failing), words)
