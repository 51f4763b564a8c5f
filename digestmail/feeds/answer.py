"""What a feed's server answers, read from status and headers (pure): news, nothing new, a refusal, a wish for rest."""

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from digestmail.errors import FeedError

Headers = Mapping[str, str]
"""By name in small letters."""

MOST_REST = timedelta(days=7)
"""A host is left alone no longer than this, whatever it asks for: its feeds would seem to be dead."""

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A good answer: 200 with a body, or 304 (not modified) without."""

    status: int
    body: bytes
    content_type: str
    etag: str | None
    last_modified: str | None
    url: str
    """Where the answer came from, after redirects."""
    permanent_url: str | None = None
    """Where the feed has moved for good: set where every redirect was permanent (RFC 9110, 301 and 308), unless the
    way led out of https."""
    max_age: timedelta | None = None
    """How long the answer stays fresh (RFC 9111)."""
    links: tuple[str, ...] = ()
    """The Link headers as they came (RFC 8288)."""


def max_age(headers: Headers) -> timedelta | None:
    """How long an answer stays fresh (RFC 9111, 5.2.2.1)."""
    age = _MAX_AGE.search(headers.get("cache-control", ""))
    return timedelta(seconds=int(age[1])) if age else None


def refusal(host: str, status: int, headers: Headers, *, now: datetime) -> FeedError:
    """Any other answer in words, for how long the host wants to be left alone, and whether it will ever change."""
    if status == HTTPStatus.GONE:
        return FeedError(f"{host} answered 410: this feed is gone for good.", permanent=True)
    phrase = http.client.responses.get(status, "a status that nobody knows")
    return FeedError(f"{host} answered {status} ({phrase}).", retry_after=_rest(status, headers, now=now))


def _rest(status: int, headers: Headers, *, now: datetime) -> timedelta | None:
    """What Retry-After asks for (RFC 9110, 10.2.3; RFC 6585, 4); 429 asks for rest also where it names no time."""
    if status not in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE):
        return None
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), MOST_REST)
    if (until := _instant(text)) is not None:
        said_at = _instant(headers.get("date", "")) or now  # the server's clock may be wrong, but by the same on both
        return min(max(until - said_at, timedelta()), MOST_REST)
    return timedelta() if status == HTTPStatus.TOO_MANY_REQUESTS else None


def _instant(text: str) -> datetime | None:
    """An HTTP-date in any of its three forms (RFC 9110, 5.6.7)."""
    try:
        read = parsedate_to_datetime(text)
        return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
