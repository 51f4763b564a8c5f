"""The feeds as the operator's list shows them."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from digestmail.feeds.manage import add_feed, add_topic
from digestmail.feeds.overview import FeedLine, list_feeds
from digestmail.store.database import Database
from digestmail.store.models import Feed, Item, ItemSource, ItemTopic
from digestmail.store.states import FeedState, Trouble

URL = "https://harbour.example/feed"


def add_story(session: Session, feed: Feed, *identities: str, now: datetime) -> int:
    story = Item(url="u", link_key="k", title="t", published_at=now, seen_at=now)
    session.add(story)
    session.flush()
    assert story.id is not None
    for identity in identities:
        session.add(ItemSource(feed_id=feed.id or 0, identity=identity, item_id=story.id))
    return story.id


def test_a_feed_is_listed_with_its_routes_and_how_it_fares(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        add_topic(session, slug="sea", name="Sea")
        feed = add_feed(session, url=URL, topics=["sea"], categories=[("Tides", "sea")], title="Harbour", now=now)
        feed.site_url, feed.last_success_at, feed.last_item_at = "https://harbour.example/", now, now
        feed.usual_gap = 8 * 3600
        add_feed(session, url="https://coast.example/", now=now).state = FeedState.PAUSED
        add_story(session, feed, "a", "b", now=now)
    with database.reading() as session:
        harbour, coast = list_feeds(session, now=now)
    assert harbour == FeedLine(
        url=URL,
        title="Harbour",
        site_url="https://harbour.example/",
        state="active",
        routes=("sea", "Tides=sea"),
        trouble="",
        explanation="",
        last_success_at=now,
        failing_since_at=None,
        last_error=None,
        items=1,
        waiting=0,
        last_item_at=now,
        usual_gap=8 * 3600,
        rhythm="about 3 a day",
        next_poll_at=now,
    )
    assert (coast.routes, coast.items, coast.rhythm, coast.next_poll_at) == ((), 0, "", None)


@pytest.mark.parametrize(
    ("is_so", "trouble", "words"),
    [
        (
            {"state": FeedState.GONE, "failures": 1, "last_error": "It is gone."},
            Trouble.GONE,
            "more: It is gone. It is not asked again unless you resume it.",
        ),
        ({"failures": 1, "last_error": "No."}, "", "No. (1 failed poll)"),
        ({"failures": 3, "last_error": "No.", "failing": 3}, Trouble.FAILING, "Could not be read even once since"),
        ({"last_item": 90, "read": 0, "usual_gap": 3600}, Trouble.SILENT, "brings about 24 items a day and has"),
        ({"told": Trouble.FAILING}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_worst_trouble_is_explained(
    database: Database, now: datetime, is_so: dict[str, Any], trouble: str, words: str
) -> None:
    with database.transaction() as session:
        feed = add_feed(session, url=URL, now=now)
        feed.state, feed.told = is_so.get("state", FeedState.ACTIVE), is_so.get("told", "")
        feed.failures, feed.last_error = is_so.get("failures", 0), is_so.get("last_error")
        feed.failing_since_at = now - timedelta(hours=is_so["failing"]) if "failing" in is_so else None
        feed.last_item_at = now - timedelta(hours=is_so["last_item"]) if "last_item" in is_so else None
        feed.last_success_at = now - timedelta(hours=is_so["read"]) if "read" in is_so else None
        feed.usual_gap = is_so.get("usual_gap")
        session.flush()
        [line] = list_feeds(session, now=now)
    assert line.trouble == trouble
    assert words in line.explanation
    assert bool(words) == bool(line.explanation)


def test_what_is_held_back_is_counted_with_the_commands_that_decide(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        topic = add_topic(session, slug="sea", name="Sea")
        feed = add_feed(session, url=URL, topics=["sea"], now=now)
        for identity in "ab":
            item = add_story(session, feed, identity, now=now)
            session.add(ItemTopic(item_id=item, topic_id=topic.id or 0, seen_at=now, quarantined_by=feed.id))
        session.flush()
        [line] = list_feeds(session, now=now)
    assert (line.trouble, line.waiting) == (Trouble.QUARANTINE, 2)
    assert "2 items" in line.explanation
    assert "digestmail feed let-through URL" in line.explanation
