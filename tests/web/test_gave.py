"""What the link “I already gave” opens: a page that hides what asks, for its own reader, and shows it again."""

from datetime import timedelta
from typing import Any

from sqlmodel import select

from digestmail.desk.announcements import add_announcement, change_announcement
from digestmail.store.models import Gift, Subscriber
from digestmail.tokens import Purpose
from tests.web.conftest import Web

OVER = "Nothing to hide"
QUESTION = "You gave already?"
THANKS = "Thank you for giving"


def announce(web: Web, title: str = "Our year-end drive", *, season: str = "year-end", **changes: Any) -> int:
    """An announcement that runs for ten days."""
    values = {"starts_at": web.now, "ends_at": web.now + timedelta(days=10)} | changes
    with web.database.transaction() as session:
        return add_announcement(session, title=title, season=season, **values)


def link(web: Web, reader: int) -> str:
    return f"/g/{web.tokens.make(Purpose.GAVE, reader)}"


def gifts(web: Web) -> set[tuple[int, str]]:
    with web.database.reading() as session:
        return {(gift.subscriber_id, gift.season) for gift in session.exec(select(Gift))}


def test_looking_names_what_is_hidden_and_changes_nothing(web: Web) -> None:
    path = link(web, web.subscribe())
    announce(web, "Roof & <b>beams</b>", season="roof")
    announce(web)
    announce(web, "The spring fair", season="")
    announce(web, "Over", ends_at=web.now + timedelta(microseconds=1))
    web.later(minutes=1)
    before = web.rows()
    for looked_at in (path, f"{path}/undo"):
        page = web.client.get(looked_at)
        assert page.status_code == web.client.head(looked_at).status_code == 200
        assert page.text.count("<button") == 1
        assert f'action="{path}" method="post"' in page.text
        assert QUESTION in page.text
        assert ">Roof &amp; &lt;b&gt;beams&lt;/b&gt;<" in page.text
        assert ">Our year-end drive<" in page.text
        assert "spring fair" not in page.text
        assert ">Over<" not in page.text
    assert web.rows() == before


def test_the_button_hides_every_season_that_runs_for_this_reader_alone(web: Web) -> None:
    reader, other = web.subscribe(), web.subscribe("olu@example.org")
    for title, season in (("One", "year-end"), ("Two", "year-end"), ("Three", "roof")):
        announce(web, title, season=season)
    announce(web, "Next year", season="next", starts_at=web.now + timedelta(days=1))
    answer = web.client.post(link(web, reader))
    assert THANKS in answer.text
    assert ">Three<" in answer.text
    assert f'action="{link(web, reader)}/undo"' in answer.text
    assert gifts(web) == {(reader, "year-end"), (reader, "roof")}
    assert QUESTION in web.client.get(link(web, other)).text


def test_the_button_may_be_pressed_twice_and_later_again(web: Web) -> None:
    path = link(web, web.subscribe())
    announce(web)
    first = web.client.post(path)
    rows = web.rows()
    assert web.client.post(path).text == first.text
    assert web.client.get(path).text == first.text
    assert web.rows() == rows
    announce(web, "Another", season="roof")
    assert QUESTION in web.client.get(path).text
    web.client.post(path)
    assert len(gifts(web)) == 2


def test_undo_shows_it_again_and_may_come_twice(web: Web) -> None:
    reader, other = web.subscribe(), web.subscribe("olu@example.org")
    announce(web)
    for each in (reader, other):
        web.client.post(link(web, each))
    first, second = (web.client.post(f"{link(web, reader)}/undo") for _ in range(2))
    assert "As it was before" in first.text
    assert first.text == second.text
    assert gifts(web) == {(other, "year-end")}
    assert QUESTION in web.client.get(link(web, reader)).text


def test_an_undo_leaves_seasons_that_are_over(web: Web) -> None:
    reader = web.subscribe()
    number = announce(web, season="spring")
    web.client.post(link(web, reader))
    with web.database.transaction() as session:
        change_announcement(session, number, ends_at=web.now + timedelta(minutes=1))
    web.later(minutes=1)
    announce(web)
    web.client.post(f"{link(web, reader)}/undo")
    assert gifts(web) == {(reader, "spring")}


def test_where_nothing_runs_a_friendly_page_says_so(web: Web) -> None:
    reader = web.subscribe()
    announce(web, season="")
    before = web.rows()
    for path in (link(web, reader), link(web, 99)):
        for answer in (web.client.get(path), web.client.post(path), web.client.post(f"{path}/undo")):
            assert answer.status_code == 200
            assert OVER in answer.text
    assert web.rows() == before


def test_a_link_never_expires(web: Web) -> None:
    path = link(web, web.subscribe())
    web.later(days=4000)
    announce(web)
    assert THANKS in web.client.post(path).text


def test_an_unknown_reader_gives_nothing(web: Web) -> None:
    announce(web)
    before = web.rows()
    assert OVER in web.client.post(link(web, 99)).text
    assert web.rows() == before


def test_it_is_said_in_the_readers_language(web: Web) -> None:
    reader = web.subscribe()
    with web.database.transaction() as session:
        session.get_one(Subscriber, reader).locale = "es"
    announce(web)
    path = link(web, reader)
    for page in (web.client.get(path), web.client.post(path), web.client.post(f"{path}/undo")):
        assert page.headers["content-language"] == "es"
    assert "¿Ya has donado?" in web.client.get(path).text


def test_a_tampered_token_and_one_for_another_purpose_do_nothing(web: Web) -> None:
    reader = web.subscribe()
    announce(web)
    path = link(web, reader)
    before = web.rows()
    other = f"/g/{web.tokens.make(Purpose.UNSUBSCRIBE, reader)}"
    for wrong in (path[:-1], path[:-1] + ("A" if path[-1] != "A" else "E"), path + "A", "/g/ä", other):
        for answer in (web.client.get(wrong), web.client.post(wrong), web.client.post(f"{wrong}/undo")):
            assert answer.status_code == 404
    assert web.client.post(f"/u/{web.tokens.make(Purpose.GAVE, reader)}").status_code == 404
    assert web.rows() == before


def test_a_reader_who_is_erased_takes_the_gifts_along(web: Web) -> None:
    reader = web.subscribe()
    announce(web)
    web.client.post(link(web, reader))
    with web.database.transaction() as session:
        session.delete(web.subscriber())
    assert gifts(web) == set()
