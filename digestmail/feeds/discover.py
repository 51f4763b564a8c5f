"""Finding a feed from the address that a person knows: the feed's own, or that of a site whose page leads to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from digestmail.errors import FeedError
from digestmail.feeds.connection import Deadline
from digestmail.feeds.document import ParsedFeed, host_of
from digestmail.feeds.fetch import Fetched, Fetcher, read_url
from digestmail.feeds.page import Candidate, feeds_of_page, is_page, web_address
from digestmail.feeds.parse import Parse, parse_feed

PLACES = ("/feed", "/feed/", "/rss", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/feed.json")
"""Where a site's feed usually is, the most usual first."""
MOST_TRIED = 4
"""Candidates of one kind that are fetched; a page can name hundreds."""
PATIENCE = 60
"""Seconds after which no further candidate is tried."""


class NoFeedError(FeedError):
    """The address answers, but neither is it a feed nor does it lead to one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovered:
    """A feed that was found and read."""

    url: str
    """Its address, after permanent redirects only: where to ask for it the next time."""
    fetched: Fetched
    feed: ParsedFeed
    others: tuple[Candidate, ...] = ()
    """What else the page offered; nobody has looked whether these are feeds."""


def discover(fetcher: Fetcher, url: str, *, parse: Parse = parse_feed, patience: float = PATIENCE) -> Discovered:
    """The feed at `url`, else the first one to which the web page at `url` leads, else one in a usual place.

    Raises FeedError where `url` cannot be had, and NoFeedError where it can but no feed was found.
    """
    deadline = Deadline(patience)
    url = str(read_url(web_address(url)))
    fetched = fetcher.get(url)
    try:
        return _read(url, fetched, parse)
    except FeedError as error:
        if not is_page(fetched.body, content_type=fetched.content_type):
            raise NoFeedError(str(error)) from error
    page = feeds_of_page(fetched.body, content_type=fetched.content_type, url=fetched.url)
    places = [Candidate(url=str(read_url(place, base=read_url(fetched.url)))) for place in PLACES]
    failure = None
    for group, most in ((page.named, MOST_TRIED), (page.linked, MOST_TRIED), (places, len(places))):
        for candidate in _while_time_is_left(group[:most], deadline):
            try:
                found = _read(candidate.url, fetcher.get(candidate.url), parse)
            except FeedError as error:
                if group is page.named:
                    failure = (
                        failure or f"{host_of(url)} names the feed {candidate.url}, but that is of no use: {error}"
                    )
                continue
            others = () if group is places else tuple(other for other in group if other != candidate)
            return Discovered(url=found.url, fetched=found.fetched, feed=found.feed, others=others)
    raise NoFeedError(failure or _nothing_at(url))


def _read(url: str, fetched: Fetched, parse: Parse) -> Discovered:
    feed = parse(fetched.body, content_type=fetched.content_type, url=fetched.url)
    return Discovered(url=fetched.permanent_url or url, fetched=fetched, feed=feed)


def _while_time_is_left(candidates: Sequence[Candidate], deadline: Deadline) -> Iterator[Candidate]:
    for candidate in candidates:
        try:
            deadline.left()
        except TimeoutError:
            return
        yield candidate


def _nothing_at(url: str) -> str:
    return (
        f"No feed was found at {host_of(url)}: the page names none, none of its links looks like one, and none is at "
        f"{', '.join(PLACES[:-1])} or {PLACES[-1]}. Look on the site for “RSS”, “Atom” or “feed” and give that address."
    )
