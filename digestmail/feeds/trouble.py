"""What is wrong with a feed, and how that is said to the operator (pure)."""

from datetime import UTC, datetime, timedelta
from typing import Protocol

from digestmail.feeds.clean import tidy
from digestmail.feeds.document import host_of
from digestmail.feeds.spans import counted
from digestmail.store.states import FeedState, Trouble

FAILURES = 3
"""So many polls in a row must fail …"""
FAILING_FOR = timedelta(hours=1)
"""… and for so long, before it is more than a hiccup."""

SILENT_FOR = timedelta(hours=48)
"""No silence is unusual before that, …"""
_USUAL_GAPS = 4
"""… nor before so many of the feed's usual gaps, …"""
_LONGEST_GAPS = 1.5
"""… nor before so many of its longest one, which is a weekend where a feed rests at weekends."""

_DAY = 86_400
_UNITS = ((_DAY, "day"), (7 * _DAY, "week"), (30 * _DAY, "month"), (365 * _DAY, "year"))
_NEARLY_ONE = 0.85

_LONGEST_NAME = 80
_LONGEST_ERROR = 300


class Watched(Protocol):
    """A feed's row, or as much of it as tells how the feed is."""

    @property
    def url(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def first_success_at(self) -> datetime | None: ...
    @property
    def last_success_at(self) -> datetime | None: ...
    @property
    def last_item_at(self) -> datetime | None: ...
    @property
    def usual_gap(self) -> int | None: ...
    @property
    def longest_gap(self) -> int | None: ...
    @property
    def last_error(self) -> str | None: ...
    @property
    def failures(self) -> int: ...
    @property
    def failing_since_at(self) -> datetime | None: ...
    @property
    def local(self) -> bool: ...


def trouble_of(feed: Watched, *, quarantined: int, now: datetime) -> Trouble | None:
    """The worst that is wrong with a feed of which so many items are quarantined; a paused one is left in peace."""
    if feed.state == FeedState.PAUSED:
        return None
    if feed.state == FeedState.GONE:
        return Trouble.GONE
    if is_failing(feed, now=now):
        return Trouble.FAILING
    if quarantined:
        return Trouble.QUARANTINE
    return Trouble.SILENT if _is_silent(feed, now=now) else None


def is_failing(feed: Watched, *, now: datetime) -> bool:
    """Whether it fails, and not only now and then."""
    since = feed.failing_since_at
    return feed.failures >= FAILURES and (since is None or now - since >= FAILING_FOR)


def _is_silent(feed: Watched, *, now: datetime) -> bool:
    """Whether it had nothing new for unusually long when it answered last: while it cannot be read, who knows.

    What this installation publishes itself is a demonstration and may be silent.
    """
    if feed.usual_gap is None or feed.last_item_at is None or feed.last_success_at is None or feed.local:
        return False
    usual = timedelta(seconds=_USUAL_GAPS * feed.usual_gap)
    longest = timedelta(seconds=_LONGEST_GAPS * (feed.longest_gap or 0))
    return min(feed.last_success_at, now) - feed.last_item_at > max(SILENT_FOR, usual, longest)


def words_of(feed: Watched, trouble: Trouble, *, quarantined: int, now: datetime) -> str:
    """One sentence, or two, on one line: the feed's name and what is wrong."""
    return f"{name_of(feed)} {predicate_of(feed, trouble, quarantined=quarantined, now=now)}"


def predicate_of(feed: Watched, trouble: Trouble, *, quarantined: int, now: datetime) -> str:
    """The same without the name, where that stands above."""
    match trouble:
        case Trouble.GONE:
            return f"is not read any more: {_error(feed) or 'its server says that it is gone for good.'}"
        case Trouble.FAILING:
            since = f" since {moment_in_words(feed.failing_since_at)}" if feed.failing_since_at else ""
            failed = "has failed" if feed.first_success_at else "could not be read even once"
            return f"{failed}{since}: {_error(feed) or 'nobody noted why.'}"
        case Trouble.QUARANTINE:
            wait = "waits" if quarantined == 1 else "wait"
            return f"brought {counted(quarantined, 'item')} at once, which {wait} for you: to be let through, or not."
        case Trouble.SILENT:
            rhythm = rhythm_in_words(feed.usual_gap or _DAY, of="item")
            days = max(1, (now - feed.last_item_at) // timedelta(days=1)) if feed.last_item_at else 1
            return f"usually brings {rhythm} and has brought none for {counted(days, 'day')}."


def sentence_of(feed: Watched, trouble: Trouble, *, quarantined: int, now: datetime) -> str:
    """The same as a sentence."""
    words = predicate_of(feed, trouble, quarantined=quarantined, now=now)
    return words[:1].upper() + words[1:]


def well_again(feed: Watched, trouble: Trouble) -> str:
    """What there is to say when a trouble has passed by itself."""
    return f"{name_of(feed)} {'has something new' if trouble is Trouble.SILENT else 'can be read'} again."


def name_of(feed: Watched) -> str:
    """Its title, shortened, or the host where it has none."""
    return _short(feed.title, _LONGEST_NAME) or host_of(feed.url)


def rhythm_in_words(usual_gap: int, *, of: str = "") -> str:
    """How often something comes every so many seconds: “about 3 a day”, or with `of` “about 3 items a day”."""
    seconds, unit = next((u for u in _UNITS if u[0] >= _NEARLY_ONE * usual_gap), _UNITS[-1])
    count = max(1, round(seconds / max(1, usual_gap)))
    number = "one" if count == 1 else f"{count:,}"
    thing = f" {of}{'' if count == 1 else 's'}" if of else ""
    return f"about {number}{thing} a {unit}"


def moment_in_words(at: datetime) -> str:
    """Such as “Monday, 23 Nov, 07:00 UTC”."""
    at = at.astimezone(UTC)
    return f"{at:%A}, {at.day} {at:%b}, {at:%H:%M} UTC"


def _error(feed: Watched) -> str:
    return _short(feed.last_error or "", _LONGEST_ERROR)


def _short(text: str, limit: int) -> str:
    text = tidy(text)
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
