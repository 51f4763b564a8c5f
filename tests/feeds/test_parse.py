from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from digestmail.errors import FeedError
from digestmail.feeds.document import MAX_ENTRIES
from digestmail.feeds.parse import ParsedFeed, parse_feed
from tests.feeds.documents import ATOM, JSON_FEED, RDF, RSS, item, rss


def parse(
    body: bytes, content_type: str = "application/xml", url: str = "https://harbour.example/f/feed"
) -> ParsedFeed:
    return parse_feed(body, content_type=content_type, url=url)


def test_it_reads_rss() -> None:
    feed = parse(RSS)
    assert (feed.title, feed.ttl) == ("The Harbour & Coast", timedelta(hours=3))
    tides, boats = feed.entries
    assert tides.identity == "tides-7"
    assert tides.url == "https://harbour.example/news/tides?utm_source=rss&id=7"
    assert tides.title == "Tides & tolls: how to read <b>"
    assert tides.excerpt == "The water came at six."
    assert tides.author == "Mira Voss"
    assert tides.categories == ("International Relations", "Sea")
    assert tides.published_at == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    assert tides.image_url == "https://harbour.example/pictures/wide.jpg"
    assert boats.identity == boats.url == "https://harbour.example/six-boats"
    assert (boats.excerpt, boats.author, boats.published_at) == ("They left.", "The desk", None)
    assert boats.image_url == "https://harbour.example/f/boats.jpg"


def test_it_reads_rdf_in_its_own_encoding() -> None:
    feed = parse(RDF, "text/xml; charset=iso-8859-1")
    [tea] = feed.entries
    assert (feed.title, tea.title, tea.excerpt, tea.categories) == ("Café journal", "Thé", "Tea.", ("Drinks",))
    assert (tea.url, tea.published_at) == ("https://old.example/1", datetime(2026, 11, 22, 10, tzinfo=UTC))


def test_it_reads_atom() -> None:
    feed = parse(ATOM, "application/atom+xml")
    note, less = feed.entries
    assert feed.title == "Notes on <b>"
    assert (note.identity, note.url, note.title) == ("urn:uuid:1", "https://blog.example/posts/one/", "A new note")
    assert (note.excerpt, note.author) == ("Hello", "Ann, Bo")
    assert note.categories == ("economy", "The Economy", "labour")
    assert note.published_at == datetime(2026, 11, 20, tzinfo=UTC)
    assert note.image_url == "https://blog.example/posts/one.png"
    assert (less.title, less.excerpt, less.url) == ("Less < more", "a <b> c", "https://blog.example/two")
    assert less.published_at == datetime(2026, 11, 20, 23, tzinfo=UTC)


@pytest.mark.parametrize("content_type", ["application/feed+json; charset=utf-8", "application/json", "text/plain", ""])
def test_it_reads_json_feed_however_it_is_called(content_type: str) -> None:
    feed = parse(b"\xef\xbb\xbf" + JSON_FEED, content_type)
    first, second, third, *untold = feed.entries
    assert [entry.title for entry in untold] == [""]
    assert feed.title == "Café <notes>"
    assert (first.identity, first.url) == ("7", "https://harbour.example/f/one")
    assert (first.title, first.excerpt, first.author) == ("Q&A: 1 < 2", "Yes & no.", "Ann, Bo")
    assert first.categories == ("Sea", "International Relations", "5")
    assert first.published_at == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    assert first.image_url == "https://pics.example/x.png"
    assert (second.url, second.title, second.author) == ("https://else.example/b", "Plain <b> text", "The house")
    assert (second.excerpt, second.image_url) == ("", "https://harbour.example/b.jpg")
    assert second.published_at == datetime(2026, 11, 22, tzinfo=UTC)
    assert (third.url, third.title, third.image_url) == ("", "Odd", "https://harbour.example/f/c.png")


def test_json_feed_1_0_has_one_author() -> None:
    body = b'{"version":"https://jsonfeed.org/version/1","author":{"name":"Ann"},"items":[{"id":"1","title":"x"}]}'
    assert parse(body).entries[0].author == "Ann"


@pytest.mark.parametrize(
    "body",
    [
        b'<rss version="2.0"><channel><title>Quiet</title></channel></rss>',
        b'<feed xmlns="http://www.w3.org/2005/Atom"><title>Quiet</title></feed>',
        b'{"version":"https://jsonfeed.org/version/1.1","title":"Quiet"}',
    ],
)
def test_a_feed_without_entries_is_fine(body: bytes) -> None:
    assert parse(body) == ParsedFeed(title="Quiet", entries=())


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty answer"),
        (b" \n", "empty answer"),
        (b"<!DOCTYPE html><html><head><title>x</title></head><body><p>Hello</p></body></html>", "web page, not a feed"),
        (b"\n<!-- x -->\n<HTML><body>x</body></HTML>", "web page, not a feed"),
        (b"hello", "neither RSS nor Atom nor JSON Feed"),
        (b'{"items": []}', "neither RSS nor Atom nor JSON Feed"),
        (b'{"version": 1', "neither RSS nor Atom nor JSON Feed"),
        (b'{"version":"https://jsonfeed.org/version/1","x":' + b"[" * 100_000, "nested too deeply"),
        (b"\x00\xff\xfe\x89PNG", "not a feed"),
    ],
)
def test_what_is_no_feed_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(FeedError, match=rf"harbour\.example .*{words}|{words}"):
        parse(body, "text/html")


def test_a_path_in_the_body_opens_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(RSS)
    for body in (str(secret).encode(), secret.as_uri().encode()):
        with pytest.raises(FeedError, match="not a feed"):
            parse(body)


def test_entities_that_multiply_do_no_harm() -> None:
    bombs = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10))
    body = f'<!DOCTYPE r [<!ENTITY b0 "ha"><!ENTITY x SYSTEM "file:///etc/passwd">{bombs}]>' + rss(
        item("a", title="ha")
    ).decode().replace("<title>ha", "<title>&b9;&x;ha")
    feed = parse(body.encode())
    assert len(feed.entries[0].title) < 300
    assert "root:" not in feed.entries[0].title


def test_a_document_that_breaks_off_gives_what_it_has() -> None:
    assert [entry.identity for entry in parse(rss(item("a"), item("b"))[:-120]).entries][:1] == ["a"]


def test_a_document_has_a_limit_of_entries() -> None:
    feed = parse(rss(*(item(str(number)) for number in range(MAX_ENTRIES + 5))))
    assert len(feed.entries) == MAX_ENTRIES
