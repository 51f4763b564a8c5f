"""The preferences page."""

import re

import pytest

from digestmail.feeds.manage import add_topic
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


def test_saving_says_what_changed_and_can_be_put_back(web: Web) -> None:
    link = web.link(Purpose.PREFERENCES, web.subscribe())
    saved = web.client.post(
        link, data=CHANGED | {"mail_format": "text", "pause_until": "2026-12-06", "lang": "en"}
    ).text
    for sentence in (
        "You added City &amp; Hall.",
        "You dropped Climate and Labour.",
        "From Monday, 7 December 2026 on, your digest comes at 18:00 (New York time).",
        "Your digest now comes on these days: Monday and Thursday.",
        "Your digests come as plain text from the next one on.",
        "Your digest is paused until Sunday, 6 December 2026.",
        "One digest was on its way already and may still come.",
    ):
        assert f"<p>{sentence}</p>" in saved
    row = web.subscriber()
    assert (str(row.paused_until_day), row.mail_format) == ("2026-12-06", "text")
    back = web.client.post(link, data=hidden(saved)).text
    assert "You added Climate and Labour." in back
    assert "The pause is over." in back
    row = web.subscriber()
    assert (row.hour, row.days, row.time_zone, row.mail_format) == (7, 127, "Europe/Berlin", "html")
    assert row.paused_until_day is None


def test_saving_what_is_there_already_says_so_and_writes_nothing(web: Web) -> None:
    link = web.link(Purpose.PREFERENCES, web.subscribe())
    web.client.post(link, data=CHANGED | {"pause_until": "2026-12-06"})
    before = web.rows()
    answer = web.client.post(link, data=CHANGED | {"pause_until": "2026-12-06"}).text
    assert "<h2>Nothing was changed</h2>" in answer
    assert "Put it back" not in answer
    assert web.rows() == before


def test_an_empty_day_ends_a_pause_and_a_form_without_the_format_leaves_it_alone(web: Web) -> None:
    link = web.link(Purpose.PREFERENCES, web.subscribe())
    web.client.post(link, data=CHANGED | {"mail_format": "text", "pause_for": "14"})
    assert str(web.subscriber().paused_until_day) == "2026-12-07"
    web.client.post(link, data=CHANGED | {"pause_until": ""})
    assert (web.subscriber().mail_format, web.subscriber().paused_until_day) == ("text", None)


def test_a_button_pauses_for_a_while_and_another_resumes(web: Web) -> None:
    link = web.link(Purpose.PREFERENCES, web.subscribe())
    assert 'name="pause_for" value="0"' not in web.client.get(link).text
    assert "paused until Monday, 30 November 2026." in web.client.post(link, data=CHANGED | {"pause_for": "7"}).text
    page = web.client.get(link).text
    assert 'name="pause_until" type="date" min="2026-11-24" max="2027-11-24" value="2026-11-30"' in page
    assert 'name="pause_for" value="0"' in page
    assert "The pause is over." in web.client.post(link, data=CHANGED | {"pause_for": "0"}).text


def test_a_pause_that_has_passed_does_not_show_and_does_not_hinder_saving(web: Web) -> None:
    link = web.link(Purpose.PREFERENCES, web.subscribe())
    web.client.post(link, data=CHANGED | {"pause_until": "2026-11-30"})
    web.later(days=7)
    page = web.client.get(link).text
    assert "paused" not in page
    assert 'max="2027-12-01" value=""' in page
    assert web.client.post(link, data=CHANGED | {"pause_until": "2026-11-30"}).status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("pause_until", "2026-11-23", "Please choose a day after today."),
        ("pause_until", "2028-01-01", "A pause lasts a year at most."),
        ("pause_until", "soon", "This is no day."),
        ("pause_for", "1000", "Please choose a day after today."),
        ("mail_format", "fax", "Please choose one of the two forms."),
    ],
)
def test_a_wrong_pause_or_form_is_told_beside_its_field(web: Web, field: str, value: str, words: str) -> None:
    link = web.link(Purpose.PREFERENCES, web.subscribe())
    before = web.rows()
    answer = web.client.post(link, data=CHANGED | {field: value})
    assert answer.status_code == 422
    assert words in answer.text
    named = "pause_until" if field == "pause_for" else field
    assert f'<a href="#{named}">' in answer.text
    assert re.search(rf'id="{named}"[^>]* aria-invalid="true" aria-describedby="{named}-problem"', answer.text)
    assert web.rows() == before


def test_sixty_topics_are_a_light_page(web: Web) -> None:
    with web.database.transaction() as session:
        for number in range(60):
            add_topic(session, slug=f"t{number}", name=f"Topic {number}", description="What it is about. " * 8)
    page = web.client.get(web.link(Purpose.PREFERENCES, web.subscribe()))
    assert 'class="sheet many"' in page.text
    assert len(page.content) < 85_000


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


def hidden(page: str) -> dict[str, list[str]]:
    """What the first form of a page with hidden fields would send."""
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page):
        fields.setdefault(name, []).append(value)
    return fields


def checked(page: str, name: str) -> list[str]:
    return re.findall(rf'name="{name}" value="([^"]+)" checked', page)
