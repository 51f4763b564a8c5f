from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.archive.days import Calendar
from digestmail.archive.search import LONGEST, MOST_WORDS, OF_A_PAGE, Piece, marked, search, words_of
from digestmail.feeds.naming import searchable
from digestmail.store.database import Database
from digestmail.store.models import Item, ItemTopic, Topic

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CALENDAR = Calendar("UTC", timedelta(days=30), NOW)

Print = Callable[..., None]


@pytest.fixture
def print_item(database: Database) -> Print:
    """Stores an item that was news in topic 1."""
    with database.transaction() as session:
        session.add_all([Topic(id=1, slug="sea", name="Sea"), Topic(id=2, slug="land", name="Land")])

    def add(number: int, title: str, *, topic: int = 1, at: datetime = NOW, news: bool = True, **more: object) -> None:
        text = searchable(title)
        with database.transaction() as session:
            session.add(
                Item(id=number, url="", link_key="", title=title, published_at=at, seen_at=at, search_text=text, **more)
            )
            session.flush()
            session.add(ItemTopic(item_id=number, topic_id=topic, seen_at=at, news=news))

    return add


def found(database: Database, typed: str, *, topic_id: int | None = None, before: int | None = None) -> list[int]:
    with database.reading() as session:
        page = search(session, words_of(typed), CALENDAR, topic_id=topic_id, before=before)
        return [item.id or 0 for item in page.items]


def test_every_word_must_stand_somewhere_whatever_its_case_and_accents(database: Database, print_item: Print) -> None:
    print_item(1, "Café Zürich öffnet wieder")
    print_item(2, "ZÜRICH baut")
    assert found(database, "zurich") == [2, 1]
    assert found(database, "CAFE  Zürich") == [1]
    assert found(database, "zürich nothing") == []


@pytest.mark.parametrize("letter", ["%", "_", "\\", "/", "'", '"'])
def test_no_letter_stands_for_others(database: Database, print_item: Print, letter: str) -> None:
    print_item(1, f"Up by 5{letter} again")
    print_item(2, "Up by 50 again")
    assert found(database, f"5{letter}") == [1]
    assert found(database, letter) == [1]


def test_what_was_no_news_or_is_gone_is_not_found(database: Database, print_item: Print) -> None:
    print_item(1, "whale")
    print_item(2, "whale", news=False)
    print_item(3, "whale", withdrawn_at=NOW)
    print_item(4, "whale", broken="it cannot be rendered")
    print_item(5, "whale", at=NOW - timedelta(days=40))
    assert found(database, "whale") == [1]


def test_one_topic_can_be_searched(database: Database, print_item: Print) -> None:
    print_item(1, "whale")
    print_item(2, "whale", topic=2)
    assert found(database, "whale", topic_id=2) == [2]


def test_the_next_page_begins_where_this_one_ends(database: Database, print_item: Print) -> None:
    for number in range(1, OF_A_PAGE + 4):
        print_item(number, "whale")
    with database.reading() as session:
        first = search(session, ["whale"], CALENDAR)
        second = search(session, ["whale"], CALENDAR, before=first.before)
    assert [item.id for item in first.items] == list(range(OF_A_PAGE + 3, 3, -1))
    assert [item.id for item in second.items] == [3, 2, 1]
    assert second.before is None


@given(st.text(max_size=300))
def test_words_are_few_and_have_nothing_that_a_database_refuses(typed: str) -> None:
    words = words_of(typed)
    assert len(words) <= MOST_WORDS
    assert sum(map(len, words_of(typed[:LONGEST]))) == sum(map(len, words))
    assert all(word and "\0" not in word and searchable(word) == word for word in words)
    assert len(set(words)) == len(words)


@given(st.text(max_size=60), st.text(max_size=8))
def test_marked_pieces_are_the_text_again(text: str, typed: str) -> None:
    pieces = marked(text, words_of(typed))
    assert "".join(piece.text for piece in pieces) == text
    assert all(piece.text for piece in pieces)


@given(st.text(max_size=30), st.text("aéßﬁİќ", min_size=1, max_size=4), st.text(max_size=30))
def test_what_is_found_is_marked(before: str, word: str, after: str) -> None:
    words = words_of(word)
    assert not words or any(piece.found for piece in marked(before + word + after, words))


@pytest.mark.parametrize(
    ("text", "typed", "hits"),
    [
        ("Café au lait", "cafe LAIT", ["Café", "lait"]),
        ("Cafe\u0301s", "cafe", ["Cafe\u0301"]),
        ("Straße", "strasse", ["Straße"]),
        ("ﬁsh", "f", ["ﬁ"]),
        ("aaa", "aa", ["aa"]),
        ("nothing", "whale", []),
    ],
)
def test_marks_stand_on_whole_letters(text: str, typed: str, hits: list[str]) -> None:
    pieces = marked(text, words_of(typed))
    assert [piece.text for piece in pieces if piece.found] == hits


def test_an_empty_text_has_no_pieces() -> None:
    assert marked("", ["a"]) == []
    assert marked("b", ["a"]) == [Piece("b", found=False)]
