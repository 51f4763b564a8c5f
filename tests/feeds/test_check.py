"""What a feed would bring, before it is added."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from digestmail.feeds.check import Checked, check_feed
from digestmail.feeds.discover import Discovered
from digestmail.feeds.document import MAX_ENTRIES, Entry, ParsedFeed
from digestmail.feeds.fetch import Fetched
from digestmail.feeds.page import Candidate

URL = "https://harbour.example/feed"


def entry(name: str, **values: object) -> Entry:
    says = {
        "identity": name,
        "guid": name,
        "url": f"https://harbour.example/{name}",
        "title": name,
        "excerpt": "",
        "author": "",
        "image_url": "",
        "published_at": None,
        "categories": (),
    }
    return Entry(**says | values)  # type: ignore[arg-type]


def check(entries: Sequence[Entry], now: datetime, *, max_age: timedelta | None = None, **feed: object) -> Checked:
    fetched = Fetched(
        status=200, body=b"", content_type="", etag=None, last_modified=None, url=f"{URL}?moved", max_age=max_age
    )
    parsed = ParsedFeed(title="The Harbour", entries=tuple(entries), **feed)  # type: ignore[arg-type]
    found = Discovered(url=URL, fetched=fetched, feed=parsed, others=(Candidate(url="https://harbour.example/sea"),))
    return check_feed(found, now=now)


def test_it_shows_the_feed_and_its_entries_as_they_would_be_stored(now: datetime) -> None:
    one = entry(
        "a", author="Ann", categories=("Sea",), image_url="https://x.example/i", published_at=now, language="de"
    )
    checked = check([one], now, site_url="https://harbour.example/", language="en", ttl=timedelta(hours=1))
    assert (checked.url, checked.title, checked.site_url) == (f"{URL}?moved", "The Harbour", "https://harbour.example/")
    assert (checked.language, checked.ttl_seconds, checked.hub_url) == ("en", 3600, "")
    assert checked.other_feeds == ("https://harbour.example/sea",)
    [shown] = checked.entries
    assert (shown.id, shown.identity, shown.link, shown.image) == ("a", "a", one.url, one.image_url)
    assert (shown.author, shown.categories, shown.language, shown.published_at) == ("Ann", ("Sea",), "de", now)


def test_the_newest_are_news_and_the_others_back_catalogue(now: datetime) -> None:
    days = [entry(str(day), published_at=now - timedelta(days=day)) for day in reversed(range(20))]
    news = [entry.id for entry in check(days, now).entries if entry.news]
    assert news == [str(day) for day in reversed(range(8))]


def test_an_entry_with_nothing_to_show_is_no_news(now: datetime) -> None:
    checked = check([entry("a", title="", published_at=now), entry("b", published_at=now)], now)
    assert [shown.news for shown in checked.entries] == [False, True]
    assert checked.notes == ("1 of 2 entries has neither title, text nor link: no digest shows that.",)


def test_it_remarks_in_words_on_what_may_surprise(now: datetime) -> None:
    old, ahead = now - timedelta(days=8), now + timedelta(hours=1)
    entries = [
        entry("a", guid="", published_at=old),
        entry("b", guid="x", published_at=ahead),
        entry("c", guid="x", url="", published_at=now),
        entry("d"),
        entry("e"),
    ]
    assert check(entries, now, ttl=timedelta(hours=2), max_age=timedelta(hours=3), hub_url="https://hub").notes == (
        "2 of 5 entries share a guid with another.",
        "1 of 5 entries has no guid.",
        "1 of 5 entries has no link.",
        "2 of 5 entries have no date: the moment of the first poll counts.",
        "1 of 5 entries is dated in the future: the moment of the first poll counts.",
        "1 of 5 entries is older than 7 days, too old to be mailed.",
        "It asks to be polled every 3 hours.",
        "It offers a hub, which can tell us of new entries at once.",
    )


def test_one_guid_for_all_is_said_once(now: datetime) -> None:
    entries = [entry(name, guid="same", published_at=now) for name in "ab"]
    assert check(entries, now).notes == (
        "All entries share one guid; they are told apart by their links, or by what they say.",
    )
    assert check(entries[:1], now).notes == ()


def test_it_remarks_on_a_feed_with_nothing_or_too_much(now: datetime) -> None:
    assert check([], now).notes == ("It has no entries at the moment.",)
    many = [entry(str(number), published_at=now) for number in range(MAX_ENTRIES)]
    assert check(many, now).notes == ("Only its first 1,000 entries are read.",)
