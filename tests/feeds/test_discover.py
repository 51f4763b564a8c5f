"""From the address that a person types to the feed."""

import pytest

from digestmail.errors import FeedError
from digestmail.feeds.discover import MOST_TRIED, PLACES, NoFeedError, discover
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.page import Candidate
from tests.feeds.documents import ATOM, JSON_FEED, RDF, RSS, item, rss
from tests.feeds.server import Page, Server

HTML = {"Content-Type": "text/html"}


def link(*paths: str) -> Page:
    """A page whose head names feeds."""
    links = "".join(f"<link rel=alternate type=application/rss+xml title=T{path} href={path}>" for path in paths)
    return Page(f"<!doctype html><title>Harbour</title>{links}".encode(), headers=HTML)


@pytest.mark.parametrize("document", [RSS, ATOM, RDF, JSON_FEED])
def test_the_address_may_be_a_feed_itself(server: Server, fetcher: Fetcher, document: bytes) -> None:
    server.pages["/"] = Page(document, headers=HTML)  # which many servers say of a feed
    found = discover(fetcher, f" {server.url('/')}#top ")
    assert (found.url, found.others) == (server.url("/"), ())
    assert found.feed.title
    assert len(server.requests) == 1


def test_a_page_names_its_feeds_and_the_first_is_taken(server: Server, fetcher: Fetcher) -> None:
    server.pages |= {"/": link("/comments/feed", "/all", "/sea"), "/all": Page(rss(item("a")))}
    found = discover(fetcher, server.url("/"))
    assert found.url == found.fetched.url == server.url("/all")
    assert [other.url for other in found.others] == [server.url("/sea"), server.url("/comments/feed")]
    assert found.others[0] == Candidate(url=server.url("/sea"), title="T/sea")
    assert [path for path, _ in server.requests] == ["/", "/all"]


def test_a_name_that_leads_nowhere_is_passed_over(server: Server, fetcher: Fetcher) -> None:
    server.pages |= {"/": link("/gone", "/page", "/all"), "/page": Page(b"<html>", headers=HTML), "/all": Page(rss())}
    assert discover(fetcher, server.url("/")).url == server.url("/all")


def test_links_that_look_like_a_feed_come_next(server: Server, fetcher: Fetcher) -> None:
    page = b"<html><a href=/about>About</a><a href=/world.rss>World</a><a href=sea.rss>The sea</a>"
    server.pages |= {"/list/": Page(page, headers=HTML), "/list/sea.rss": Page(rss())}
    found = discover(fetcher, server.url("/list/"))
    assert found.url == server.url("/list/sea.rss")
    assert found.others == (Candidate(url=server.url("/world.rss"), title="World"),)


@pytest.mark.parametrize("place", PLACES)
def test_the_usual_places_are_tried_until_one_is_a_feed(server: Server, fetcher: Fetcher, place: str) -> None:
    server.pages |= {"/news/today": Page(b"<html>", headers=HTML), place: Page(rss())}
    assert discover(fetcher, server.url("/news/today")).url == server.url(place)
    assert [path for path, _ in server.requests] == ["/news/today", *PLACES[: PLACES.index(place) + 1]]


def test_without_any_feed_it_says_what_was_looked_at(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = Page(b"<html><a href=/x.rss>x</a>", headers=HTML)
    with pytest.raises(NoFeedError, match=r"No feed was found at 127.0.0.1: .* /index.xml or /feed.json\. Look on"):
        discover(fetcher, server.url("/"))


def test_a_named_feed_that_is_of_no_use_is_said_with_the_reason(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = link("/all")
    with pytest.raises(NoFeedError, match=r"names the feed http://.*/all, but that is of no use: .* 404 \(Not Found\)"):
        discover(fetcher, server.url("/"))


def test_few_of_many_candidates_are_asked_for(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = link(*(f"/{number}" for number in range(100)))
    with pytest.raises(NoFeedError):
        discover(fetcher, server.url("/"))
    assert len(server.requests) == 1 + MOST_TRIED + len(PLACES)


def test_no_candidate_is_tried_when_the_time_is_over(server: Server, fetcher: Fetcher) -> None:
    server.pages |= {"/": link("/all"), "/all": Page(rss())}
    with pytest.raises(NoFeedError):
        discover(fetcher, server.url("/"), patience=0)
    assert len(server.requests) == 1


@pytest.mark.parametrize(("body", "words"), [(b"", "empty answer"), (b"%PDF", "is not a feed"), (b"{}", "not a feed")])
def test_what_is_neither_feed_nor_page_leads_nowhere(server: Server, fetcher: Fetcher, body: bytes, words: str) -> None:
    server.pages["/"] = Page(body)
    with pytest.raises(NoFeedError, match=words):
        discover(fetcher, server.url("/"))
    assert len(server.requests) == 1


def test_an_address_that_cannot_be_had_is_another_matter(server: Server, fetcher: Fetcher) -> None:
    for url, words in ((server.url("/"), "404"), ("ftp://x.example/", "not a web address")):
        with pytest.raises(FeedError, match=words) as caught:
            discover(fetcher, url)
        assert not isinstance(caught.value, NoFeedError)


def test_only_permanent_redirects_are_written_down(server: Server, fetcher: Fetcher) -> None:
    server.pages |= {"/home": link("/old"), "/feed": Page(rss())}
    server.redirect("/", "/home")
    server.redirect("/old", "/feed", status=301)
    server.redirect("/today", "/feed")
    assert discover(fetcher, server.url("/")).url == server.url("/feed")
    found = discover(fetcher, server.url("/today"))
    assert (found.url, found.fetched.url) == (server.url("/today"), server.url("/feed"))


def test_a_page_cannot_send_us_to_a_private_network(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = link("http://10.0.0.1/feed")
    with pytest.raises(NoFeedError, match=r"10\.0\.0\.1 is not a public address"):
        discover(fetcher, server.url("/"))


def test_the_scheme_of_feed_readers_may_be_typed(server: Server, fetcher: Fetcher) -> None:
    server.pages["/"] = Page(rss())
    assert discover(fetcher, f"feed:{server.url('/')}").url == server.url("/")
