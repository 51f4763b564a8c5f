"""Lists of feeds as OPML: what is written is read again, and what others write is read as far as it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from digestmail.errors import InputError
from digestmail.feeds.clean import tidy
from digestmail.feeds.opml import MAX_BYTES, Listed, read_opml, write_opml

URL = "https://harbour.example/feed"

words = st.text(max_size=12).map(tidy)
names = words.filter(bool)
urls = st.integers(1, 99).map(lambda number: f"https://harbour.example/{number}?a=1&b=<2>")
listed = st.builds(Listed, url=urls, title=words, site_url=words, folder=names, slug=names, categories=st.just(()))
routed = st.builds(
    Listed,
    url=urls,
    title=words,
    site_url=words,
    folder=names,
    slug=names,
    categories=st.lists(names, unique=True).map(tuple),
)
alone = st.builds(Listed, url=urls, title=words, site_url=words)


def outlines(body: str, *, head: str = "") -> bytes:
    return f'{head}<opml version="1.0"><head/><body>{body}</body></opml>'.encode()


@given(st.lists(st.one_of(routed, alone), min_size=1))
def test_what_is_written_is_read_again(feeds: list[Listed]) -> None:
    grouped = sorted(feeds, key=lambda feed: feed.slug)
    folders = {feed.slug: feed.folder for feed in reversed(grouped)}
    as_read = [
        Listed(
            url=feed.url,
            title=feed.title if feed.title != feed.url else "",
            site_url=feed.site_url,
            folder=folders[feed.slug],
            slug=feed.slug,
            categories=feed.categories,
        )
        for feed in grouped
    ]
    assert read_opml(write_opml(grouped, title="All")) == as_read


def test_others_can_read_what_is_written() -> None:
    feeds = [
        Listed(url=URL, title="Harbour", site_url="https://harbour.example/", folder="Sea", slug="sea"),
        Listed(url=URL, title="Harbour", folder="Sea", slug="sea", categories=("Tides, tolls/50%", "Été")),
        Listed(url="https://coast.example/"),
    ]
    root = etree.fromstring(write_opml(feeds, title="A & B\0"))
    assert (root.tag, root.get("version"), root.findtext("head/title")) == ("opml", "2.0", "A & B")
    [sea, coast] = root.findall("body/outline")
    assert [outline.get("xmlUrl") for outline in sea] == [URL, URL]
    assert sea[0].get("htmlUrl") == "https://harbour.example/"
    assert sea[0].get("category") is None
    assert sea[1].get("category") == "Tides%2C tolls%2F50%25,Été"
    assert (coast.get("text"), coast.get("type"), coast.get("xmlUrl")) == (
        ("https://coast.example/"),
        "rss",
        coast.get("text"),
    )


def test_the_innermost_folder_counts_and_others_categories_do_not() -> None:
    body = f"""<outline text="News"><outline title="World &amp; more"><outline text="A" xmlUrl="{URL}" category="/x"/>
      </outline><OUTLINE TITLE="B" XMLURL=" https://b.example/ " type="rss"/></outline>
      <outline xmlurl="https://c.example/"><outline xmlUrl="https://d.example/"/></outline><outline text="empty"/>"""
    assert read_opml(outlines(body)) == [
        Listed(url=URL, title="A", folder="World & more"),
        Listed(url="https://b.example/", title="B", folder="News"),
        Listed(url="https://c.example/"),
        Listed(url="https://d.example/"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        outlines(f'<outline text="Harbour & Coast" xmlUrl="{URL}"/>'),
        outlines(f'<outline text="A" xmlUrl="{URL}"/>').removesuffix(b"</body></opml>"),
        b"\n  " + outlines(f'<outline text="A" xmlUrl="{URL}"/>', head='<?xml version="1.0"?>'),
        b"\xef\xbb\xbf" + outlines(f'<outline xmlUrl="{URL}"/>'),
        outlines(f'<outline text="é" xmlUrl="{URL}"/>').decode().encode("utf-16"),
        outlines(f'<outline text="A" xmlUrl="{URL}"/>', head="<!DOCTYPE opml>"),
        f"<?xml version='1.0' encoding='windows-1251'?><opml><body><outline text='Море' xmlUrl='{URL}'/>".encode(
            "cp1251"
        ),
        f"<?xml version='1.0' encoding='utf-8'?><opml><body><outline xmlUrl='{URL}' text='\xe9'/>".encode("latin-1"),
        f"<?xml version='1.0' encoding='klingon'?><opml><body><outline xmlUrl='{URL}'/></body></opml>".encode(),
    ],
)
def test_broken_files_are_read_as_far_as_they_go(document: bytes) -> None:
    assert [feed.url for feed in read_opml(document)] == [URL]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"email,topics\n", "not an OPML file"),
        (b"\0\xff" * 100, "not an OPML file"),
        (b"<html><body>", "not an OPML file"),
        (b"<rss><channel/></rss>", "not an OPML file"),
        (outlines('<outline text="A"/>'), "lists no feeds"),
        (outlines("", head="<!-- x -->"), "lists no feeds"),
        (b"<opml>".ljust(MAX_BYTES + 1), "larger than 5 MB"),
        (outlines('<outline xmlUrl="&x;"/>', head='<!DOCTYPE opml [<!ENTITY x "https://x.example/">]>'), "of its own"),
        (
            outlines('<outline xmlUrl="&x;"/>', head='<!DOCTYPE opml [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
            "entities of its own",
        ),
    ],
)
def test_what_is_no_list_of_feeds_is_refused_in_words(document: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_opml(document)


def test_a_bomb_does_not_go_off() -> None:
    entities = (
        '<!ENTITY a "'
        + "ha" * 50
        + '">'
        + "".join(f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 20}">' for level in range(12))
    )
    bomb = outlines('<outline text="&m;" xmlUrl="&m;"/>', head=f"<!DOCTYPE opml [{entities}]>")
    with pytest.raises(InputError):
        read_opml(bomb)


def test_a_deep_file_is_read_in_part_and_a_long_one_whole() -> None:
    deep = outlines(f'<outline text="A" xmlUrl="{URL}"/>' + "<outline text='x'>" * 100_000)
    assert [feed.url for feed in read_opml(deep)] == [URL]
    assert len(read_opml(outlines(f'<outline xmlUrl="{URL}"/>' * 50_000))) == 50_000


@given(st.one_of(st.binary(), st.text().map(lambda text: outlines(text.encode("utf-8", "replace").decode()))))
def test_whatever_a_file_holds_it_is_read_or_refused(document: bytes) -> None:
    try:
        feeds = read_opml(document)
    except InputError:
        return
    assert feeds
