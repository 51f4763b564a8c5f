from datetime import UTC, datetime
from uuid import UUID

import feedparser
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from digestmail.archive.atom import Entry, Feed, identity, write
from digestmail.feeds.parse import parse_feed

AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
NAMES = {"a": "http://www.w3.org/2005/Atom"}


def entry(number: int = 1, **changes: object) -> Entry:
    values: dict[str, object] = {
        "id": identity("install", "item", number),
        "title": "Fish & “chips” <b>",
        "url": f"https://courier.example/{number}?a=1&b=2",
        "summary": "One sentence.",
        "author": "Ada",
        "published_at": AT,
        "updated_at": AT,
        "language": "en",
    }
    return Entry(**values | changes)  # type: ignore[arg-type]


def feed(*entries: Entry) -> Feed:
    return Feed(
        id=identity("install", "topic", 1),
        title="Climate · The Courier",
        subtitle="",
        author="The Courier",
        url="https://digest.example.org/archive/climate",
        self_url="https://digest.example.org/archive/climate.atom",
        category=("climate", "Climate"),
        entries=entries,
    )


def test_a_row_keeps_its_identity() -> None:
    assert identity("install", "item", 7) == UUID("fd4c2a6b-dfa3-5dfb-bc38-a51a943ed241")
    assert (
        len({identity(*key) for key in (("a", "item", 1), ("b", "item", 1), ("a", "topic", 1), ("a", "item", 2))}) == 4
    )


def test_feedparser_reads_it() -> None:
    read = feedparser.parse(write(feed(entry(1), entry(2, language="no language", author=""))))
    assert not read.bozo
    assert read.version == "atom10"
    assert (read.feed.title, read.feed.author, read.feed.updated) == (
        "Climate · The Courier",
        "The Courier",
        "2026-11-23T06:00:00Z",
    )
    assert [each.title for each in read.entries] == ["Fish & “chips” <b>"] * 2
    assert read.entries[0].link == "https://courier.example/1?a=1&b=2"
    assert read.entries[0].id == identity("install", "item", 1).urn


def test_our_own_parser_reads_it() -> None:
    read = parse_feed(
        write(feed(entry())), content_type="application/atom+xml", url="https://digest.example.org/x.atom"
    )
    (story,) = read.entries
    assert (story.url, story.excerpt, story.author) == ("https://courier.example/1?a=1&b=2", "One sentence.", "Ada")
    assert (story.published_at, story.language) == (AT, "en")


def test_it_has_what_every_feed_must_have() -> None:
    root = etree.fromstring(write(feed(entry(url=""))))
    for path in ("a:id", "a:title", "a:updated", "a:author/a:name", "a:link[@rel='self']"):
        assert len(root.findall(path, NAMES)) == 1
    for path in ("a:id", "a:title", "a:updated"):
        assert len(root.findall(f"a:entry/{path}", NAMES)) == 1
    link = root.find("a:entry/a:link[@rel='alternate']", NAMES)
    assert link is not None
    assert link.get("href") == "https://digest.example.org/archive/climate"  # it has no page of its own


def test_a_feed_without_a_story_is_one_too() -> None:
    read = feedparser.parse(write(feed()))
    assert not read.bozo
    assert read.feed.updated == "1970-01-01T00:00:00Z"


@given(st.text(), st.text(), st.text())
def test_any_text_becomes_xml(title: str, summary: str, author: str) -> None:
    root = etree.fromstring(write(feed(entry(title=title, summary=summary, author=author))))
    assert len(root.findall("a:entry", NAMES)) == 1


def test_what_no_xml_may_hold_is_left_out() -> None:
    root = etree.fromstring(write(feed(entry(title="a\0b\x08\ufffe\ud800c\td"))))
    assert root.findtext("a:entry/a:title", namespaces=NAMES) == "abc\td"
