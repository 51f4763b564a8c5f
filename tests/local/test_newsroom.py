import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta

from digestmail.feeds.parse import Entry, parse_feed
from digestmail.local.newsroom import PICTURES, feed_document, newsroom, published, story

BASE = "http://127.0.0.1:8000"


def entries(now: datetime) -> dict[str, Entry]:
    """The feed's entries by identity, as a feed reader sees them."""
    document = feed_document(base_url=BASE, now=now)
    parsed = parse_feed(document, content_type="application/atom+xml", url=f"{BASE}/demo/feed.atom")
    return {entry.identity: entry for entry in parsed.entries}


def test_the_newsroom_is_whole() -> None:
    room = newsroom()
    slugs = [article.slug for article in room.stories]
    assert len(slugs) == len(set(slugs)) == 24
    assert "international-relations" in {topic.slug for topic in room.topics}
    assert {name for article in room.stories for name in article.topics} == {topic.name for topic in room.topics}
    assert sum(len(article.topics) > 1 for article in room.stories) >= 6
    assert all(article.paragraphs for article in (*room.stories, room.appeal))


def test_every_picture_is_there_and_small() -> None:
    wanted = {article.picture for article in (*newsroom().stories, newsroom().appeal) if article.picture}
    there = {path.name: path.stat().st_size for path in PICTURES.iterdir()}
    assert wanted == set(there)
    assert max(there.values()) <= 60_000


def test_a_story_is_found_by_its_slug() -> None:
    first = newsroom().stories[0]
    assert story(first.slug) == first
    assert story(newsroom().appeal.slug) == newsroom().appeal
    assert story("../newsroom") is None


def test_the_feed_is_fresh_and_never_ahead(now: datetime) -> None:
    for hour in range(48):
        at = now + timedelta(hours=hour)
        dates = [entry.published_at for entry in entries(at).values()]
        assert len(dates) >= 8
        assert all(date and at - timedelta(days=2) < date <= at for date in dates)


def test_a_day_keeps_its_stories(now: datetime) -> None:
    morning, evening = entries(now), entries(now + timedelta(hours=9))
    assert morning.items() <= evening.items()
    assert len(evening) > len(morning)


def test_the_next_day_has_other_stories(now: datetime) -> None:
    late = now.replace(hour=23, minute=59)
    titles = [
        {
            article.title
            for at, article in published(late + timedelta(days=day))
            if at.date() == late.date() + timedelta(days=day)
        }
        for day in range(4)
    ]
    assert titles[0] | titles[1] | titles[2] == {article.title for article in newsroom().stories}
    assert titles[0].isdisjoint(titles[1])
    assert titles[3] == titles[0]


def test_a_story_that_comes_round_again_is_another_entry(now: datetime) -> None:
    first, again = entries(now), entries(now + timedelta(days=3))
    assert {entry.title for entry in first.values()} == {entry.title for entry in again.values()}
    assert set(first).isdisjoint(again)
    assert {entry.url for entry in first.values()}.isdisjoint(entry.url for entry in again.values())


def test_an_entry_as_a_reader_sees_it() -> None:
    found = entries(datetime(2026, 11, 23, 12, tzinfo=UTC))
    entry = found["tag:lamplight.example,2026-11-23:a-forest-planted-out-of-step"]
    assert entry.url == f"{BASE}/demo/stories/a-forest-planted-out-of-step?day=2026-11-23"
    assert entry.image_url == f"{BASE}/demo/pictures/forest.jpg"
    assert entry.author == "Tomas Verhoven"
    assert entry.categories == ("Climate & Nature",)
    assert entry.excerpt.startswith("Foresters in the uplands")


def test_the_document_is_atom(now: datetime) -> None:
    root = ET.fromstring(feed_document(base_url=BASE, now=now))
    atom = "{http://www.w3.org/2005/Atom}"
    assert root.tag == f"{atom}feed"
    assert all(root.findtext(f"{atom}{name}") for name in ("id", "title", "updated"))
    for entry in root.iter(f"{atom}entry"):
        assert all(entry.findtext(f"{atom}{name}") for name in ("id", "title", "updated"))
