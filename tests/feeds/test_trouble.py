"""What is wrong with a feed, and in which words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.trouble import (
    FAILING_FOR,
    FAILURES,
    SILENT_FOR,
    name_of,
    predicate_of,
    rhythm_in_words,
    trouble_of,
    well_again,
    words_of,
)
from digestmail.store.models import Feed
from digestmail.store.states import FeedState, Trouble

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

instants = st.none() | st.timedeltas(-DAY, 400 * DAY).map(lambda ago: NOW - ago)
gaps = st.none() | st.integers(0, 500 * 86_400)
feeds = st.builds(
    Feed,
    url=st.just("https://harbour.example/feed"),
    title=st.text(max_size=200),
    state=st.sampled_from(FeedState),
    first_success_at=instants,
    last_success_at=instants,
    last_item_at=instants,
    usual_gap=gaps,
    longest_gap=gaps,
    failures=st.integers(0, 20),
    failing_since_at=instants,
    last_error=st.none() | st.text(max_size=1000),
    next_poll_at=st.just(NOW),
    local=st.booleans(),
)


def feed(**changes: object) -> Feed:
    """One that is well and brings three items a day."""
    values: dict[str, object] = {
        "url": "https://harbour.example/feed",
        "title": "The Harbour",
        "first_success_at": NOW - 90 * DAY,
        "last_success_at": NOW - HOUR,
        "last_item_at": NOW - 8 * HOUR,
        "usual_gap": 8 * 3600,
        "longest_gap": 20 * 3600,
        "next_poll_at": NOW,
    }
    return Feed(**(values | changes))


def failing(**changes: object) -> Feed:
    values: dict[str, object] = {
        "failures": FAILURES,
        "failing_since_at": NOW - 29 * HOUR,
        "last_error": "127.0.0.1 answered 500 (Internal Server Error).",
    }
    return feed(**(values | changes))


def trouble(feed: Feed, *, quarantined: int = 0) -> Trouble | None:
    return trouble_of(feed, quarantined=quarantined, now=NOW)


def words(feed: Feed, trouble: Trouble, *, quarantined: int = 0) -> str:
    return words_of(feed, trouble, quarantined=quarantined, now=NOW)


def test_a_feed_that_answers_and_brings_what_it_usually_does_is_well() -> None:
    assert trouble(feed()) is None


def test_a_feed_fails_after_three_polls_and_an_hour() -> None:
    assert trouble(failing(failing_since_at=NOW - FAILING_FOR)) is Trouble.FAILING
    assert trouble(failing(failures=FAILURES - 1)) is None
    assert trouble(failing(failing_since_at=NOW - FAILING_FOR + timedelta(seconds=1))) is None


def test_a_feed_that_could_never_be_read_fails_by_the_same_rule() -> None:
    never = {"first_success_at": None, "last_success_at": None, "last_item_at": None, "usual_gap": None}
    assert trouble(failing(**never)) is Trouble.FAILING
    assert trouble(failing(**never, failing_since_at=None)) is Trouble.FAILING
    assert trouble(failing(**never, failures=1)) is None


def test_the_worst_trouble_comes_first() -> None:
    silent = {"last_item_at": NOW - 40 * DAY}
    assert trouble(failing(**silent, state=FeedState.GONE), quarantined=3) is Trouble.GONE
    assert trouble(failing(**silent), quarantined=3) is Trouble.FAILING
    assert trouble(feed(**silent), quarantined=3) is Trouble.QUARANTINE
    assert trouble(feed(**silent)) is Trouble.SILENT


def test_a_paused_feed_is_left_in_peace() -> None:
    paused = failing(state=FeedState.PAUSED, last_item_at=NOW - 40 * DAY)
    assert trouble(paused, quarantined=3) is None


def test_silence_is_unusual_after_two_days_at_the_earliest() -> None:
    busy = {"usual_gap": 600, "longest_gap": 3600, "last_success_at": NOW}
    assert trouble(feed(**busy, last_item_at=NOW - SILENT_FOR)) is None
    assert trouble(feed(**busy, last_item_at=NOW - SILENT_FOR - HOUR)) is Trouble.SILENT


def test_a_weekly_feed_is_given_four_weeks() -> None:
    weekly = {"usual_gap": 7 * 86_400, "longest_gap": 9 * 86_400}
    assert trouble(feed(**weekly, last_item_at=NOW - 27 * DAY)) is None
    assert trouble(feed(**weekly, last_item_at=NOW - 29 * DAY)) is Trouble.SILENT


def test_a_feed_that_rests_at_weekends_raises_no_alarm_on_monday_nor_after_a_holiday() -> None:
    friday = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
    weekdays = {"usual_gap": 3600 * 11, "longest_gap": 3600 * 64, "last_item_at": friday}
    for hours in range(0, 24 * 4, 6):
        now = friday + timedelta(hours=hours)
        assert trouble_of(feed(**weekdays, last_success_at=now), quarantined=0, now=now) is None
    now = friday + 5 * DAY
    assert trouble_of(feed(**weekdays, last_success_at=now), quarantined=0, now=now) is Trouble.SILENT


def test_nobody_knows_whether_a_feed_is_silent_while_it_cannot_be_read() -> None:
    """It was read a day after its last item, and fails since: whether it had something new is unknown."""
    assert trouble(feed(last_item_at=NOW - 10 * DAY, last_success_at=NOW - 9 * DAY, failures=1)) is None


def test_a_feed_without_a_rhythm_cannot_be_silent() -> None:
    assert trouble(feed(usual_gap=None, last_item_at=NOW - 300 * DAY)) is None
    assert trouble(feed(last_item_at=None)) is None


def test_what_this_installation_publishes_itself_may_be_silent() -> None:
    assert trouble(feed(local=True, last_item_at=NOW - 300 * DAY)) is None
    assert trouble(failing(local=True)) is Trouble.FAILING


@pytest.mark.parametrize(
    ("feed", "trouble", "sentence"),
    [
        (
            failing(),
            Trouble.FAILING,
            "The Harbour has failed since Sunday, 22 Nov, 07:00 UTC: 127.0.0.1 answered 500 (Internal Server Error).",
        ),
        (
            failing(first_success_at=None, failing_since_at=None, last_error="harbour.example could not be found."),
            Trouble.FAILING,
            "The Harbour could not be read even once: harbour.example could not be found.",
        ),
        (
            feed(state=FeedState.GONE, last_error="harbour.example answered 410: this feed is gone for good."),
            Trouble.GONE,
            "The Harbour is not read any more: harbour.example answered 410: this feed is gone for good.",
        ),
        (
            feed(last_item_at=NOW - 4 * DAY - HOUR),
            Trouble.SILENT,
            "The Harbour usually brings about 3 items a day and has brought none for 4 days.",
        ),
        (
            feed(title="", usual_gap=7 * 86_400, last_item_at=NOW - 30 * DAY),
            Trouble.SILENT,
            "harbour.example usually brings about one item a week and has brought none for 30 days.",
        ),
        (
            feed(),
            Trouble.QUARANTINE,
            "The Harbour brought 1,000 items at once, which wait for you: to be let through, or not.",
        ),
    ],
)
def test_the_operator_reads_a_sentence(feed: Feed, trouble: Trouble, sentence: str) -> None:
    assert words(feed, trouble, quarantined=1000) == sentence


def test_one_item_waits() -> None:
    assert "brought 1 item at once, which waits for you" in words(feed(), Trouble.QUARANTINE, quarantined=1)


def test_what_has_passed_is_said_too() -> None:
    assert well_again(feed(), Trouble.FAILING) == "The Harbour can be read again."
    assert well_again(feed(), Trouble.SILENT) == "The Harbour has something new again."


@given(feeds, st.integers(0, 2000))
def test_every_trouble_is_said_on_one_line_of_bounded_length(feed: Feed, quarantined: int) -> None:
    found = trouble(feed, quarantined=quarantined)
    for each in {*Trouble, found} - {None}:
        assert each is not None
        sentence = words(feed, each, quarantined=quarantined)
        assert sentence.startswith(name_of(feed))
        assert sentence.endswith(predicate_of(feed, each, quarantined=quarantined, now=NOW))
        assert len(sentence) <= 80 + 300 + 100
        assert len(sentence.splitlines()) == 1
        assert not any(ord(letter) < 32 for letter in sentence)


@given(feeds, st.integers(0, 3))
def test_trouble_means_that_something_is_wrong(feed: Feed, quarantined: int) -> None:
    found = trouble(feed, quarantined=quarantined)
    if found is Trouble.FAILING:
        assert feed.failures >= FAILURES
    if found is Trouble.QUARANTINE:
        assert quarantined
    if found is Trouble.SILENT:
        assert feed.last_item_at is not None
        assert NOW - feed.last_item_at > SILENT_FOR
    assert (found is Trouble.GONE) == (feed.state == FeedState.GONE)
    if feed.state == FeedState.PAUSED:
        assert found is None


@pytest.mark.parametrize(
    ("gap", "said"),
    [
        (0, "about 86,400 a day"),
        (864, "about 100 a day"),
        (8 * 3600, "about 3 a day"),
        (24 * 3600, "about one a day"),
        (34 * 3600, "about 5 a week"),
        (3.5 * 86_400, "about 2 a week"),
        (7 * 86_400, "about one a week"),
        (10 * 86_400, "about 3 a month"),
        (31 * 86_400, "about one a month"),
        (60 * 86_400, "about 6 a year"),
        (1000 * 86_400, "about one a year"),
    ],
)
def test_a_rhythm_is_said_in_the_unit_that_suits_it(gap: float, said: str) -> None:
    assert rhythm_in_words(round(gap)) == said


@given(st.integers(1, 400 * 86_400))
def test_a_rhythm_is_about_right(gap: int) -> None:
    _, number, _, unit = rhythm_in_words(gap).split()
    days = {"day": 1, "week": 7, "month": 30, "year": 365}[unit]
    count = 1 if number == "one" else int(number.replace(",", ""))
    assert 0.6 < days * 86_400 / count / gap < 1.6
