from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.document import Entry, make_entry, with_identities

LINKS = st.sampled_from(["", "https://a.example/1", "https://a.example/2?utm_source=x"])
WORDS = st.sampled_from(["", "One", "Two"])


def entry(guid: str = "", link: str = "", title: str = "", text: str = "") -> Entry:
    return make_entry(
        guid=guid, link=link, title=title, texts=[text], author="", image_url="", published_at=None, categories=()
    )


def identities(*entries: Entry) -> list[str]:
    return [one.identity for one in with_identities(entries)]


def test_the_guid_comes_first_then_the_link_then_the_words() -> None:
    link = "http://a.example/x/?utm_source=rss&b=1"
    found = identities(entry(" g\x00 1 ", link, "One"), entry("", link + "&c=3", "Two"), entry("", "", "Three", "text"))
    assert found == [
        "g 1",
        "a.example/x?b=1&c=3",
        "sha256:5bf8a151e9197bdfa7e7de84de9d9c7c2c2d641c6b5663d288bfc4fd7a4c2926",
    ]


def test_a_guid_that_several_links_share_tells_nothing() -> None:
    assert identities(entry("same", "https://a.example/1", "One"), entry("same", "https://a.example/2", "Two")) == [
        "a.example/1",
        "a.example/2",
    ]


def test_a_link_that_several_texts_share_tells_nothing() -> None:
    first, second = identities(entry("", "https://a.example/#1", "One"), entry("", "https://a.example/#2", "Two"))
    assert first != second
    assert first.startswith("sha256:")


def test_a_fragment_that_counts_is_no_part_of_a_guid() -> None:
    first, second = with_identities([entry("https://a.example/1#3"), entry("https://a.example/2#top")])
    assert (first.guid, first.identity) == ("https://a.example/1#3", "https://a.example/1")
    assert second.identity == "https://a.example/2#top"


def test_a_fragment_that_tells_two_entries_apart_stays() -> None:
    assert identities(entry("https://a.example/#1"), entry("https://a.example/#2"), entry("https://b.example/#2")) == [
        "https://a.example/#1",
        "https://a.example/#2",
        "https://b.example/",
    ]


@given(st.lists(st.builds(entry, st.sampled_from(["", "g", "https://a.example/#1", "x" * 600]), LINKS, WORDS)))
def test_identities_are_short_and_no_two_are_equal(entries: list[Entry]) -> None:
    known = identities(*entries)
    assert len(set(known)) == len(known)
    assert all(0 < len(identity) <= 500 for identity in known)


def test_an_entry_that_stands_twice_counts_once() -> None:
    twice = entry("g", "https://a.example/1", "One")
    assert identities(twice, twice) == ["g"]


def test_a_long_guid_is_kept_short() -> None:
    [known] = with_identities([entry("x" * 5000, "", "One")])
    assert (len(known.identity), len(known.guid)) == (71, 500)


def test_an_entry_without_a_title_is_called_by_its_first_words() -> None:
    note = entry(text="<p>The first sentence is here and it is long enough to be one. " + "And on. " * 30)
    assert note.title == "The first sentence is here and it is long enough to be one." + " And on." * 5
    assert note.excerpt.startswith(note.title)
    assert entry(text="Only this").title == "Only this"
    assert entry(text="Only this").excerpt == ""
    assert entry(link="https://a.example/x").title == "https://a.example/x"


def test_an_entry_with_nothing_to_show_has_no_title() -> None:
    bare = entry("g", "javascript:x()", "<p>", " ")
    assert (bare.title, bare.url, bare.excerpt) == ("", "", "")
