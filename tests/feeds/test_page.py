"""Which feeds a web page leads to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.page import Candidate, PageFeeds, feeds_of_page, is_page, web_address

URL = "https://harbour.example/news/"


def of(page: str | bytes, *, content_type: str = "text/html", url: str = URL) -> PageFeeds:
    body = page.encode() if isinstance(page, str) else page
    return feeds_of_page(body, content_type=content_type, url=url)


def named(page: str) -> list[str]:
    return [candidate.url for candidate in of(page).named]


def linked(page: str) -> list[str]:
    return [candidate.url for candidate in of(page).linked]


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="alternate" type="application/rss+xml" href="/feed">',
        "<LINK HREF=/feed TYPE=Application/RSS+XML REL=Alternate>",
        "<link href='/feed' rel='home alternate' type='application/atom+xml; charset=utf-8'/>",
        '<link type="application/feed+json" href="https://harbour.example/feed" rel="alternate">',
        '<link rel=alternate type=application/rdf+xml href=" ../feed#top ">',
        '<link rel=alternate type=application/json href="//harbour.example/feed">',
        '<link rel=alternate type=text/xml href="feed:https://harbour.example/feed">',
        '<link rel="feed" type="application/rss+xml" href="feed://harbour.example/feed">',
        '<html><body><p><link rel=alternate type=application/rss+xml href="/feed?a=1&amp;b=2">',
    ],
)
def test_a_feed_is_named_in_many_ways(link: str) -> None:
    [url] = named(link)
    assert url.partition("?")[0] == "https://harbour.example/feed"
    assert url.partition("?")[2] in ("", "a=1&b=2")


@pytest.mark.parametrize(
    "link",
    [
        '<link rel="stylesheet" type="application/rss+xml" href="/feed">',
        '<link rel="alternate stylesheet" type="text/css" href="/feed">',
        '<link rel="alternate" hreflang="de" href="/feed">',
        '<link rel="alternate" type="application/json+oembed" href="/oembed">',
        '<link rel="alternate" type="application/json" href="/wp-json/wp/v2/pages/7">',
        '<link rel="alternate" type="application/rss+xml">',
        '<link rel="alternate" type="application/rss+xml" href="javascript:feed()">',
        '<link rel="alternate" type="application/rss+xml" href="https://u:p@harbour.example/feed">',
        '<!-- <link rel="alternate" type="application/rss+xml" href="/feed"> -->',
        '<script>"<link rel=alternate type=application/rss+xml href=/feed>"</script>',
    ],
)
def test_what_only_resembles_one_is_not(link: str) -> None:
    assert of(link) == PageFeeds()


def test_they_stand_in_the_pages_order_once_and_those_of_comments_last() -> None:
    page = """<link rel=alternate type=application/rss+xml title="Harbour » Comments Feed" href=/comments/feed/>
    <link rel=alternate type=application/atom+xml title="Harbour &amp; &lt;Coast&gt;" href=/b>
    <link rel=alternate type=application/rss+xml title="About comments" href=/talk>
    <link rel=alternate type=application/rss+xml href=/a><link rel=alternate type=application/rss+xml href=/b>"""
    assert of(page).named[0] == Candidate(url="https://harbour.example/b", title="Harbour & <Coast>")
    assert named(page) == [f"https://harbour.example/{path}" for path in ("b", "a", "comments/feed/", "talk")]


def test_relative_addresses_go_by_the_pages_base() -> None:
    link = "<link rel=alternate type=application/rss+xml href=feed>"
    assert named(link) == ["https://harbour.example/news/feed"]
    assert named(f"<base href=/sea/><base href=/land/>{link}") == ["https://harbour.example/sea/feed"]
    assert named(f"<base href='https://coast.example/x'>{link}") == ["https://coast.example/feed"]
    assert named(f"<base target=_blank>{link}") == named(f"<base href='ftp://x/'>{link}") == named(link)


@pytest.mark.parametrize(
    "path",
    [
        *("/rss", "/atom/", "/feeds", "/blog/feed/", "/rss.xml", "/atom.xml", "/feed.json", "/index.xml", "/news.rss"),
        *("/world-rss.xml", "/rss2.php", "/x.rdf", "/?feed=rss2", "/x?a=1&format=atom", "/feed1.xml"),
    ],
)
def test_a_link_can_look_like_a_feed(path: str) -> None:
    assert linked(f'<p><a class=x href="{path}">RSS <b>feed</b></a>') == [f"https://harbour.example{path}"]


@pytest.mark.parametrize(
    "path", ["/", "/feedback", "/about", "/atomic-age.html", "/sitemap.xml", "mailto:rss@x.example", "/rss/help.html"]
)
def test_most_links_do_not(path: str) -> None:
    assert linked(f'<a href="{path}">RSS</a>') == []


def test_a_feed_server_is_told_by_its_name() -> None:
    page = '<a href="https://feeds.harbour.example/all">All <b>news</b></a>'
    assert of(page).linked == (Candidate(url="https://feeds.harbour.example/all", title="All news"),)


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8", "text/html; charset=iso-8859-1"),
        ("iso-8859-1", "text/html; charset=ISO-8859-1"),
        ("windows-1251", "text/html; charset=windows-1251"),
        ("utf-16", "text/html"),
    ],
)
def test_pages_come_in_many_encodings(encoding: str, content_type: str) -> None:
    title = "Новости" if encoding == "windows-1251" else "Café"
    page = f'<html><link rel=alternate type=application/rss+xml title="{title}" href=/f>'.encode(encoding)
    assert of(page, content_type=content_type).named == (Candidate(url="https://harbour.example/f", title=title),)


def test_an_encoding_that_nobody_knows_hides_no_feed() -> None:
    page = b"<link rel=alternate type=application/rss+xml title='\xff' href=/f>\0"
    assert of(page, content_type="text/html; charset=punycode").named[0].url == "https://harbour.example/f"


def test_a_page_of_links_alone_is_read_in_part() -> None:
    page = "".join(f"<a href=/rss{number}.xml>x</a>" for number in range(3000))
    assert len(linked(page)) == 2000


@given(st.one_of(st.text(), st.binary()), st.text(max_size=30))
def test_whatever_a_page_is_nothing_is_raised(page: str | bytes, content_type: str) -> None:
    body = page if isinstance(page, bytes) else page.encode("utf-8", "replace")
    feeds_of_page(body, content_type=content_type, url=URL)
    is_page(body, content_type=content_type)


def test_a_page_is_told_by_its_type_or_its_beginning() -> None:
    assert is_page(b"", content_type="Text/HTML; charset=utf-8")
    assert is_page(b"x", content_type="application/xhtml+xml")
    assert is_page(b'\n<?xml version="1.0"?> <!-- x --> <!DOCTYPE html>', content_type="")
    assert not is_page(b"<rss>", content_type="application/xml")
    assert not is_page(b"<!-- -->" * 500, content_type="")
    assert not is_page(b"%PDF", content_type="application/pdf")


def test_the_scheme_of_feed_readers_is_left_out() -> None:
    assert web_address("feed:https://x.example/f") == "https://x.example/f"
    assert web_address("FEED://http://x.example/f") == "http://x.example/f"
    assert web_address(" feed://x.example/f") == "https://x.example/f"
    assert web_address("//x.example/f") == "//x.example/f"
    assert web_address("https://x.example/feed:f") == "https://x.example/feed:f"
