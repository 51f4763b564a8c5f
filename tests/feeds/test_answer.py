from datetime import datetime, timedelta

import pytest

from digestmail.feeds.answer import MOST_REST, max_age, refusal

HOUR = timedelta(hours=1)


def rest(now: datetime, status: int, **headers: str) -> timedelta | None:
    """`now` is Monday, 23 November 2026, noon."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return refusal("feeds.example", status, fields, now=now).retry_after


def test_seconds_to_rest_are_read(now: datetime) -> None:
    assert rest(now, 429, retry_after="3600") == HOUR
    assert rest(now, 503, retry_after=" 120 ") == timedelta(minutes=2)
    assert rest(now, 503, retry_after="0") == timedelta()


@pytest.mark.parametrize(
    "date", ["Mon, 23 Nov 2026 13:00:00 GMT", "Monday, 23-Nov-26 13:00:00 GMT", "Mon Nov 23 13:00:00 2026"]
)
def test_a_date_to_rest_until_is_read_in_all_its_forms(now: datetime, date: str) -> None:
    assert rest(now, 503, retry_after=date) == HOUR


def test_a_date_is_reckoned_by_the_clock_of_the_server(now: datetime) -> None:
    slow = {"date": "Mon, 23 Nov 2026 02:00:00 GMT", "retry_after": "Mon, 23 Nov 2026 03:00:00 GMT"}
    assert rest(now, 429, **slow) == HOUR
    assert rest(now, 429, **slow | {"date": "once"}) == timedelta()


def test_no_host_rests_for_ever(now: datetime) -> None:
    assert rest(now, 503, retry_after="9" * 5000) == MOST_REST
    assert rest(now, 503, retry_after="Fri, 31 Dec 9999 23:59:59 GMT") == MOST_REST


@pytest.mark.parametrize("text", ["", "soon", "-1", "1.5", "٣", "Mon, 99 Nov 2026 13:00:00 GMT", "0 0 0 0 0"])
def test_what_cannot_be_read_asks_for_nothing(now: datetime, text: str) -> None:
    assert rest(now, 503, retry_after=text) is None


def test_too_many_requests_asks_for_rest_by_itself(now: datetime) -> None:
    assert rest(now, 429) == rest(now, 429, retry_after="soon") == timedelta()


def test_other_answers_ask_for_no_rest(now: datetime) -> None:
    assert rest(now, 500, retry_after="3600") is rest(now, 503) is rest(now, 410) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("public, max-age=60", 60), ('MAX-AGE = "7"', 7), ("s-maxage=9", None), ("max-age=soon", None), ("", None)],
)
def test_it_reads_how_long_an_answer_is_fresh(text: str, seconds: int | None) -> None:
    found = max_age({"cache-control": text})
    assert found == (None if seconds is None else timedelta(seconds=seconds))
