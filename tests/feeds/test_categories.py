"""A feed's categories."""

from dataclasses import replace

from digestmail.feeds.categories import Category, categories_of
from digestmail.feeds.parse import parse_feed
from tests.feeds.documents import item, rss


def test_categories_are_counted_whatever_their_spelling_and_the_largest_is_first() -> None:
    document = rss(
        item("a", categories=["World  News", "Sea", "world news"]),
        item("b", categories=["WORLD NEWS"]),
        item("c", categories=["Coast", "Новости"]),
        item("d"),
    )
    entries = parse_feed(document, content_type="", url="https://harbour.example/").entries
    assert categories_of(entries, topics={"water": "sea"}) == (
        Category(name="World News", items=2, slug="world-news"),
        Category(name="Coast", items=1, slug="coast"),
        Category(name="Sea", items=1, slug="water"),
        Category(name="Новости", items=1, slug="topic"),
    )
    assert categories_of([], topics={}) == ()
    assert categories_of([replace(entries[0], title="")], topics={}) == ()
