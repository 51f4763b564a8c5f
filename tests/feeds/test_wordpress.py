"""A feed as WordPress with its usual extensions writes it, from the site's address to the digest's items."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from digestmail.clock import standing_still
from digestmail.feeds.categories import categories_of
from digestmail.feeds.collect import collect_due
from digestmail.feeds.discover import discover
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.manage import add_feed, add_topic
from digestmail.feeds.parse import parse_feed
from digestmail.store.database import Database
from digestmail.store.models import Item, ItemTopic, Topic
from tests.feeds.server import Page, Server

DOCUMENT = Path(__file__).with_name("wordpress.xml").read_bytes()
SITE = "https://quay.example"
PAGE = b"""<!DOCTYPE html>
<html lang="en-GB"><head><title>The Quay</title>
<link rel='dns-prefetch' href='//stats.wp.com' />
<link rel="alternate" type="application/rss+xml" title="The Quay &raquo; Feed" href="/feed/" />
<link rel="alternate" type="application/rss+xml" title="The Quay &raquo; Comments Feed" href="/comments/feed/" />
<link rel="https://api.w.org/" href="/wp-json/" />
<link rel="alternate" title="oEmbed (JSON)" type="application/json+oembed" href="/wp-json/oembed/1.0/embed" />
</head><body></body></html>"""


@pytest.fixture
def site(server: Server) -> Server:
    server.pages["/"] = Page(PAGE, headers={"Content-Type": "text/html; charset=UTF-8"})
    server.pages["/feed/"] = Page(DOCUMENT, headers={"Content-Type": "application/rss+xml; charset=UTF-8"})
    return server


def test_what_its_entries_say() -> None:
    feed = parse_feed(DOCUMENT, content_type="application/rss+xml; charset=UTF-8", url=f"{SITE}/feed/")
    assert (feed.title, feed.site_url) == ("The Quay – News from the harbour", f"{SITE}/")
    assert (feed.language, feed.ttl, feed.self_url) == ("en-GB", timedelta(hours=1), f"{SITE}/feed/")
    assert feed.hub_url == "https://pubsubhubbub.appspot.com"
    ferries, gulls, fog, minutes = feed.entries
    assert [entry.guid for entry in feed.entries] == [f"{SITE}/?p={post}" for post in (4711, 4698, 4690, 4680)]
    assert ferries.title == "Ferries’ winter timetable: who gains, who… waits?"
    assert ferries.excerpt == "The last boat to the islands leaves at seven from December on."
    assert ferries.categories == ("International Relations", "Climate & Nature", "ferries", "Österreich")
    assert ferries.image_url == f"{SITE}/wp-content/uploads/2026/11/ferry-300x200.jpg"
    assert gulls.title == "Wer zahlt für die Möwen? Q&A with “Gull” <the> warden"
    assert (gulls.author, gulls.image_url) == ("Jörg O'Hara", f"{SITE}/wp-content/uploads/2026/11/gull.jpg")
    assert fog.title == "Fog. The bell on the mole rang all night, for the first time since March."
    assert (fog.excerpt, fog.image_url, fog.url) == ("", "", f"{SITE}/2026/11/22/4690/")
    assert "Password" not in minutes.excerpt


def test_its_site_leads_to_it_and_not_to_the_comments(site: Server, fetcher: Fetcher) -> None:
    found = discover(fetcher, site.url("/"))
    assert found.fetched.url == site.url("/feed/")
    assert [other.url for other in found.others] == [site.url("/comments/feed/")]
    offered = categories_of(found.feed.entries, topics={})
    assert {one.name: one.items for one in offered} == {
        "Climate & Nature": 2,
        "Uncategorized": 2,
        "International Relations": 1,
        "ferries": 1,
        "Österreich": 1,
        "Inside the house": 1,
    }


def test_its_categories_become_topics_and_an_edited_post_stays_one_item(
    database: Database, site: Server, fetcher: Fetcher, now: datetime
) -> None:
    with database.transaction() as session:
        for slug, name in (("world", "International Relations"), ("climate", "Climate & Nature")):
            add_topic(session, slug=slug, name=name)
            add_feed(session, url=site.url("/feed/"), categories=[(name.upper(), slug)], now=now)
    collect_due(database, fetcher, standing_still(now))
    edited = DOCUMENT.replace(b"Ferries&#8217; winter", b"Ferries&#8217; new winter").replace(
        b"/ferries-winter-timetable/", b"/ferries-new-timetable/"
    )
    site.pages["/feed/"] = Page(edited)
    collect_due(database, fetcher, standing_still(now + timedelta(hours=2)))
    with database.reading() as session:
        rows = session.exec(
            select(Topic.slug, Item.title)
            .select_from(ItemTopic)
            .join(Item)
            .join(Topic)
            .order_by(Topic.slug, Item.published_at)
        ).all()
        assert len(session.exec(select(Item)).all()) == 4
    assert [tuple(row) for row in rows] == [
        ("climate", "Wer zahlt für die Möwen? Q&A with “Gull” <the> warden"),
        ("climate", "Ferries’ new winter timetable: who gains, who… waits?"),
        ("world", "Ferries’ new winter timetable: who gains, who… waits?"),
    ]
