"""Leaving and coming back."""

import pytest

from digestmail.store.states import Standing
from digestmail.tokens import Purpose
from tests.web.conftest import Web

ONE_CLICK = "List-Unsubscribe=One-Click"


def test_looking_at_the_links_changes_nothing(web: Web) -> None:
    reader = web.subscribe()
    before = web.rows()
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.UNDO, Purpose.PREFERENCES):
        page = web.client.get(web.link(purpose, reader))
        assert page.status_code == web.client.head(web.link(purpose, reader)).status_code == 200
        assert "<button" in page.text
    assert web.rows() == before


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": ONE_CLICK},
        {"content": b"\xff" * 100, "headers": {"content-type": "multipart/form-data; boundary=none"}},
        {},
    ],
    ids=["urlencoded", "multipart", "no type", "garbage", "empty"],
)
def test_one_click_acts_at_once_and_may_come_twice(web: Web, body: dict[str, object]) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    first = web.client.post(link, follow_redirects=False, **body)  # type: ignore[arg-type]
    assert web.subscriber().standing == Standing.UNSUBSCRIBED
    rows = web.rows()
    second = web.client.post(link, follow_redirects=False, **body)  # type: ignore[arg-type]
    assert (first.status_code, second.status_code) == (200, 200)
    assert first.text == second.text
    assert web.rows() == rows
    assert not first.headers.get("set-cookie")


def test_one_click_for_an_erased_reader_is_fine(web: Web) -> None:
    assert web.client.post(web.link(Purpose.UNSUBSCRIBE, 99)).status_code == 200


def test_the_page_shows_the_address_shortened(web: Web) -> None:
    page = web.client.get(web.link(Purpose.UNSUBSCRIBE, web.subscribe())).text
    assert "ma…@example.org" in page
    assert "maja@example.org" not in page


def test_undo_brings_the_reader_back(web: Web) -> None:
    reader = web.subscribe()
    answer = web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    undo = web.link(Purpose.UNDO, reader)
    assert f'action="{undo}"' in answer.text
    web.later(days=29)
    assert "Welcome back" in web.client.post(undo).text
    assert web.subscriber().standing == Standing.ACTIVE


def test_undo_after_thirty_days_says_so(web: Web) -> None:
    reader = web.subscribe()
    web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    web.later(days=31)
    answer = web.client.post(web.link(Purpose.UNDO, reader))
    assert answer.status_code == 410
    assert "Too late to undo" in answer.text
    assert web.subscriber().standing == Standing.UNSUBSCRIBED


def test_a_tampered_token_does_nothing(web: Web) -> None:
    link = web.link(Purpose.UNSUBSCRIBE, web.subscribe())
    before = web.rows()
    for wrong in (link[:-1], link[:-1] + ("A" if link[-1] != "A" else "E"), link + "A", "/u/ä", "/u/" + "A" * 23):
        assert web.client.post(wrong).status_code == 404
    assert web.rows() == before


def test_a_token_opens_only_the_door_it_was_made_for(web: Web) -> None:
    reader = web.subscribe()
    preferences = web.tokens.make(Purpose.PREFERENCES, reader)
    assert web.client.post(f"/u/{preferences}").status_code == 404
    assert web.subscriber().standing == Standing.ACTIVE
