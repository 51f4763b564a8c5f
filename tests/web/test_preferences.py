"""The preferences page."""

import re

from digestmail.tokens import Purpose
from tests.web.conftest import Web

CHANGED = {"topics": ["city"], "hour": "18", "time_zone": "America/New_York", "days": ["mon", "thu"]}


def test_the_page_shows_what_was_chosen(web: Web) -> None:
    page = web.client.get(web.link(Purpose.PREFERENCES, web.subscribe())).text
    assert checked(page, "topics") == ["climate", "labour"]
    assert checked(page, "days") == ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    assert '<option value="Europe/Berlin" selected>' in page
    assert "data-guess" not in page


def test_saving_shows_the_same_page_with_the_next_digest(web: Web) -> None:
    reader = web.subscribe()
    link = web.link(Purpose.PREFERENCES, reader)
    answer = web.client.post(link, data=CHANGED)
    assert answer.status_code == 200
    assert "Saved" in answer.text
    assert "Thursday, 26 November 2026, at 18:00" in answer.text
    page = web.client.get(link).text
    assert checked(page, "topics") == ["city"]
    assert checked(page, "days") == ["mon", "thu"]
    assert '<option value="America/New_York" selected>' in page


def test_wrong_input_changes_nothing_and_is_kept(web: Web) -> None:
    reader = web.subscribe()
    before = web.rows()
    answer = web.client.post(web.link(Purpose.PREFERENCES, reader), data={"hour": "21", "time_zone": "UTC"})
    assert answer.status_code == 422
    assert 'id="topics-problem"' in answer.text
    assert "Please choose at least one day." in answer.text
    assert '<option value="21" selected>' in answer.text
    assert web.rows() == before


def test_cleared_days_are_a_fault_of_their_own(web: Web) -> None:
    link = web.link(Purpose.PREFERENCES, web.subscribe())
    answer = web.client.post(link, data={name: value for name, value in CHANGED.items() if name != "days"})
    assert answer.status_code == 422
    assert 'id="days-problem"' in answer.text
    assert "topics-problem" not in answer.text


def test_the_page_leads_to_unsubscribing_and_back(web: Web) -> None:
    reader = web.subscribe()
    link = web.link(Purpose.PREFERENCES, reader)
    assert f'href="{web.link(Purpose.UNSUBSCRIBE, reader)}"' in web.client.get(link).text
    web.client.post(web.link(Purpose.UNSUBSCRIBE, reader))
    page = web.client.get(link).text
    assert "You are unsubscribed" in page
    assert f'action="{web.link(Purpose.UNDO, reader)}"' in page


def test_an_unknown_reader_is_not_found(web: Web) -> None:
    link = web.link(Purpose.PREFERENCES, 99)
    assert web.client.get(link).status_code == web.client.post(link, data=CHANGED).status_code == 404


def checked(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)" checked', page)
