"""A saving is told in sentences: one for each thing that changed, in the reader's language, and none that is not so."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from digestmail.language import languages
from digestmail.store.states import MailFormat, Standing
from digestmail.subscribers.choices import Choices
from digestmail.subscribers.preferences import Change, Preferences
from digestmail.web.changes import changes_in_words

TOPICS = {3: "Climate", 1: "Labour", 2: "صحة"} | {number: f"Topic {number}" for number in range(4, 20)}
BEFORE = Preferences(
    subscriber_id=1,
    email="ann@example.org",
    standing=Standing.ACTIVE,
    choices=Choices(topics=frozenset({1}), hour=7, time_zone="Europe/Berlin"),
    locale="en",
    next_send_at=datetime(2026, 11, 24, 6, tzinfo=UTC),
)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def words(
    before: Preferences = BEFORE,
    *,
    language: str = "en",
    on_its_way: bool = False,
    next_send_at: datetime | None = BEFORE.next_send_at,
    locale: str = "en",
    **choices: object,
) -> list[str]:
    changed = replace(before.choices, **choices)  # type: ignore[arg-type]
    after = replace(before, choices=changed, next_send_at=next_send_at, locale=locale)
    change = Change(before=before, after=after, on_its_way=on_its_way)
    tongue = languages()[language]
    return [tongue.say(said) for said in changes_in_words(change, topics=TOPICS, language=tongue, now=NOON)]


def test_nothing_changed_is_no_sentence() -> None:
    assert words() == []


def test_topics_are_named_in_the_order_of_the_form() -> None:
    assert words(topics=frozenset({2, 3})) == ["You added Climate and \u2068صحة\u2069.", "You dropped Labour."]


def test_many_topics_are_counted() -> None:
    assert words(topics=frozenset(range(4, 12))) == ["Topics added: 8.", "You dropped Labour."]
    before = replace(BEFORE, choices=replace(BEFORE.choices, topics=frozenset(TOPICS)))
    assert words(before, topics=frozenset({1})) == [f"Topics dropped: {len(TOPICS) - 1}."]


def test_a_new_hour_holds_from_the_day_of_the_next_digest_on() -> None:
    at = datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert words(hour=8, next_send_at=at) == [
        "From Tuesday, 24 November 2026 on, your digest comes at 8:00 (Berlin time)."
    ]


@pytest.mark.parametrize("at", [None, datetime(2026, 11, 25, 6, tzinfo=UTC)], ids=["no digest", "another hour first"])
def test_no_day_is_promised_on_which_the_digest_comes_at_another_hour(at: datetime | None) -> None:
    assert words(hour=23, next_send_at=at) == ["The hour of your digest is now 23:00 (Berlin time)."]


def test_days_are_named() -> None:
    some = replace(BEFORE, choices=replace(BEFORE.choices, days=9))
    assert words(days=9) == ["Your digest now comes on these days: Monday and Thursday."]
    assert words(some, days=127) == ["Your digest now comes on every day of the week."]


def test_form_and_language_hold_from_the_next_mail_on() -> None:
    text = replace(BEFORE, choices=replace(BEFORE.choices, mail_format=MailFormat.TEXT))
    assert words(mail_format=MailFormat.TEXT) == ["Your digests come as plain text from the next one on."]
    assert words(text, mail_format=MailFormat.HTML) == [
        "Your digests come with layout and pictures from the next one on."
    ]
    assert words(locale="es") == ["The language of your mails from the next one on: Español."]


def test_a_pause_names_its_end_and_what_still_comes() -> None:
    day = date(2026, 12, 6)
    paused = "Your digest is paused until Sunday, 6 December 2026."
    assert words(paused_until_day=day) == [paused]
    assert words(paused_until_day=day, on_its_way=True) == [
        paused,
        "One digest was on its way already and may still come.",
    ]
    before = replace(BEFORE, choices=replace(BEFORE.choices, paused_until_day=day))
    assert words(before, on_its_way=True) == []
    assert words(before, paused_until_day=None) == ["The pause is over."]


def test_a_pause_that_has_passed_is_as_none() -> None:
    before = replace(BEFORE, choices=replace(BEFORE.choices, paused_until_day=date(2026, 11, 23)))
    assert words(before, paused_until_day=None) == []


def test_a_change_is_told_in_the_readers_language() -> None:
    assert words(topics=frozenset({1, 3}), language="es") == ["Has añadido Climate."]
    assert words(topics=frozenset({1, 2, 3}), language="ar") == ["أُضيف إلى موجزك: \u2068Climate\u2069 وصحة."]
