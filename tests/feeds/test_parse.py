import pickle
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.errors import FeedError
from digestmail.feeds.document import MAX_ENTRIES
from digestmail.feeds.parse import ParsedFeed, parse_feed
from tests.feeds.documents import ATOM, JSON_FEED, RDF, RSS, STRANGE_RSS, item, rss


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


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("<script>x()</script>Tides", "Tides"),
        ("<img src=x onerror=x()>Tides", "Tides"),
        ("<svg/onload=x() />Tides<b/>", "Tides"),
        ("Tides <!-- to be checked -->and <blink>tolls</blink>", "Tides and tolls"),
        ("What the <script> element is for", "What the <script> element is for"),
        ("Where a < b and c > d", "Where a < b and c > d"),
    ],
)
def test_a_title_of_rss_is_html_where_it_looks_so(written: str, meant: str) -> None:
    [entry] = parse(rss(item("a", title=written))).entries
    assert entry.title == meant


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


def test_it_reads_what_is_broken_as_it_was_meant() -> None:
    feed = parse(STRANGE_RSS, "text/html; charset=iso-8859-1")
    assert feed.title == "خبرنامه\u200cها \u200f(روز)"
    assert (feed.site_url, feed.self_url) == ("https://news.example/?a=1&b=2", "https://harbour.example/feed.xml")
    assert (feed.hub_url, feed.language, feed.ttl) == ("https://hub.example/", "", timedelta(hours=6))
    one, two, three, bare = feed.entries
    assert (one.guid, one.identity, one.url) == ("1234", "1234", "https://harbour.example/one")
    assert (one.title, one.author, one.language) == ("AT&T & Co", "The desk", "fa-IR")
    assert one.published_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert (two.url, two.title, two.language) == ("https://news.example/two", "Der Anfang…", "de")
    assert two.published_at == datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    assert (three.url, three.image_url) == ("https://harbour.example/three.mp3", "https://harbour.example/cover.jpg")
    assert (bare.title, bare.url, bare.published_at) == ("", "", None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "utf-32-le"])
@pytest.mark.parametrize(
    "content_type", ["", "text/html", "application/octet-stream", "text/xml; charset=windows-1251"]
)
def test_no_word_of_a_server_changes_what_a_document_says(encoding: str, content_type: str) -> None:
    body = rss(item("a", title="Ünïcödé “日本” עברית")).decode().encode(encoding)
    assert parse(body, content_type).entries[0].title == "Ünïcödé “日本” עברית"


@pytest.mark.parametrize(
    ("channel", "ttl"),
    [
        ("<ttl>90</ttl>", timedelta(minutes=90)),
        ("<ttl>soon</ttl>", None),
        ("<ttl>0</ttl>", None),
        ("<sy:updatePeriod> Hourly </sy:updatePeriod>", timedelta(hours=1)),
        ("<sy:updatePeriod>weekly</sy:updatePeriod><sy:updateFrequency>7</sy:updateFrequency>", timedelta(days=1)),
        ("<sy:updatePeriod>sometimes</sy:updatePeriod>", None),
    ],
)
def test_a_feed_says_how_long_to_leave_it_alone(channel: str, ttl: timedelta | None) -> None:
    assert parse(f"<rss><channel>{channel}</channel></rss>".encode()).ttl == ttl


@pytest.mark.parametrize(
    ("elements", "author"),
    [
        ("<author>ann@a.example</author>", "The house"),
        ("<author>ann@a.example (Ann)</author>", "Ann"),
        ("<author>Ann &lt;ann@a.community&gt;</author>", "Ann"),
        ("<author>Ann (the captain)</author>", "Ann (the captain)"),
        ("<dc:creator>Ann</dc:creator><dc:creator>bo@a.example</dc:creator><dc:creator>Cy</dc:creator>", "Ann, Cy"),
        ("<itunes:author>&lt;b&gt;Ann&lt;/b&gt; &amp;amp; Bo</itunes:author>", "Ann & Bo"),
        ("", "The house"),
    ],
)
def test_an_author_is_a_name_and_else_the_feeds(elements: str, author: str) -> None:
    body = f"<rss><channel><itunes:author>The house</itunes:author><item>{elements}</item></channel></rss>"
    assert parse(body.encode()).entries[0].author == author


def test_json_feed_tells_of_itself_too() -> None:
    feed = parse(
        b"""{"version": "1.1", "title": "T", "home_page_url": "/", "feed_url": "https://a.example/feed.json",
        "language": "fr", "hubs": [{"type": "rssCloud"}, {"type": "WebSub", "url": "https://hub.example/"}],
        "items": [{"id": "https://a.example/1#0", "title": "A\n title", "language": "pt_BR"},
        {"id": 2, "title": "B"}]}"""
    )
    assert (feed.site_url, feed.self_url) == ("https://harbour.example/", "https://a.example/feed.json")
    assert (feed.hub_url, feed.language) == ("https://hub.example/", "fr")
    first, second = feed.entries
    assert (first.guid, first.identity) == ("https://a.example/1#0", "https://a.example/1")
    assert (first.title, first.language, second.language) == ("A title", "pt-BR", "fr")


def test_pictures_are_looked_for_where_feeds_put_them() -> None:
    def picture(elements: str) -> str:
        return parse(f"<rss><channel><item>{elements}</item></channel></rss>".encode()).entries[0].image_url

    assert picture('<itunes:image href="/cover.jpg"/>') == "https://harbour.example/cover.jpg"
    assert picture('<media:group><media:thumbnail url="t.jpg"/></media:group>') == "https://harbour.example/f/t.jpg"
    assert picture('<media:content url="x.png"/><media:content url="y.mp4"/>') == "https://harbour.example/f/x.png"
    assert picture('<enclosure url="x.svg" type="image/svg+xml"/>') == ""
    content = "<description><![CDATA[<img src='data:,' data-src='real.jpg'>]]></description>"
    assert picture('<enclosure url="1.gif" type="image/gif"/>' + content) == "https://harbour.example/f/1.gif"
    assert picture(content) == "https://harbour.example/f/real.jpg"


def test_what_is_read_can_be_handed_to_another_process() -> None:
    for body in (RSS, ATOM, RDF, JSON_FEED):
        assert pickle.loads(pickle.dumps(parse(body))) == parse(body)


PIECES = st.sampled_from(
    [
        *(
            b"<",
            b">",
            b"&",
            b'"',
            b"\x00",
            b"\xff",
            b"[",
            b"{",
            b"<![CDATA[",
            b"]]>",
            b"<!DOCTYPE",
            b"<item>",
            b"</item>",
        ),
        *(b"&#99999999999;", b"xml:base='http://[a'", b"<link href='//['/>", b"<media:content ", b"<georss:point>1 x"),
    ]
)
FLAWS = st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 30), PIECES | st.binary(max_size=5)), max_size=6)


@given(
    st.sampled_from([RSS, ATOM, RDF, JSON_FEED, STRANGE_RSS]), FLAWS, st.sampled_from(["", "text/xml; charset=big5"])
)
def test_a_damaged_document_is_read_or_refused(body: bytes, flaws: list[tuple[int, int, bytes]], said: str) -> None:
    for place, length, piece in flaws:
        body = body[:place] + piece + body[place + length :]
    with suppress(FeedError):
        for entry in parse(body, said).entries:
            assert "<script" not in entry.excerpt
            assert all(url == "" or url.startswith(("http://", "https://")) for url in (entry.url, entry.image_url))


def test_a_document_that_breaks_off_gives_what_it_has() -> None:
    assert [entry.identity for entry in parse(rss(item("a"), item("b"))[:-120]).entries][:1] == ["a"]


def test_a_document_has_a_limit_of_entries() -> None:
    feed = parse(rss(*(item(str(number)) for number in range(MAX_ENTRIES + 5))))
    assert len(feed.entries) == MAX_ENTRIES
