"""What a reader chooses (topics, hour, zone, days, format, pause), read from what a form or a file says."""

import calendar
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, delete, select

from digestmail.clock import time_zones
from digestmail.errors import FormError, InputError
from digestmail.sentence import Sentence
from digestmail.store.models import Subscription, Topic
from digestmail.store.states import MailFormat
from digestmail.subscribers.schedule import DAY_NAMES, EVERY_DAY, day_bits

DEFAULT_HOUR = 7

WEEKDAYS = 0b0011111

_DAYS = {name: number for number, day in enumerate(calendar.day_name) for name in (day.lower(), DAY_NAMES[number])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """A reader's choices: topic ids, the hour (0 to 23) in `time_zone`, and the days as bits (Monday is 1)."""

    topics: frozenset[int]
    hour: int
    time_zone: str
    days: int = EVERY_DAY
    mail_format: MailFormat = MailFormat.HTML
    paused_until_day: date | None = None
    """The first local day on which digests come again; it may have passed, and then it is as if there were none."""


def topic_ids(session: Session) -> dict[str, int]:
    """The id of each topic by its slug."""
    return {slug: number for slug, number in session.exec(select(Topic.slug, Topic.id)) if number is not None}


def find_topics(session: Session, slugs: Sequence[str]) -> frozenset[int]:
    """The ids of topics by their slugs. Raises InputError (field `topic`) for a slug that is none."""
    known = topic_ids(session)
    if unknown := [slug for slug in slugs if slug not in known]:
        raise InputError(f"There is no topic “{unknown[0]}”. See `digestmail topic list`.", field="topic")
    return frozenset(known[slug] for slug in slugs)


def read_choices(
    known: Mapping[str, int], *, topics: Sequence[str], hour: str | int, time_zone: str, days: Sequence[str] = ()
) -> Choices:
    """Read choices; `known` maps topic slugs to ids, and no `days` means every day.

    Raises FormError with a sentence for each of the fields topics, hour, time_zone and days that is wrong.
    """
    wrong: dict[str, str] = {}
    chosen = [slug.strip() for slug in topics if slug.strip()]
    unknown = [slug for slug in chosen if slug not in known]
    if unknown:
        wrong["topics"] = Sentence("There is no topic “%(topic)s”.", topic=unknown[0])
    elif not chosen:
        wrong["topics"] = Sentence("Please choose at least one topic.")
    try:
        number = int(hour)
    except ValueError:
        number = -1
    if not 0 <= number <= 23:
        wrong["hour"] = Sentence("Please choose an hour from 0 to 23.")
    if time_zone not in time_zones():
        wrong["time_zone"] = Sentence(
            "There is no time zone “%(zone)s”; they have names such as Europe/Berlin.", zone=time_zone
        )
    bits = EVERY_DAY
    try:
        bits = read_days(days)
    except InputError as error:
        wrong["days"] = error.message
    if wrong:
        raise FormError(wrong)
    return Choices(topics=frozenset(known[slug] for slug in chosen), hour=number, time_zone=time_zone, days=bits)


def read_days(words: Sequence[str]) -> int:
    """Days as bits from `daily`, `weekdays` or names such as `mon`, `thursday`. Raises InputError (field `days`)."""
    names = [word.strip().lower() for word in words if word.strip()]
    if names in ([], ["daily"]):
        return EVERY_DAY
    if names == ["weekdays"]:
        return WEEKDAYS
    for name in names:
        if name not in _DAYS:
            raise InputError(
                Sentence("“%(name)s” is no day; use daily, weekdays or names such as mon and thu.", name=name),
                field="days",
            )
    return day_bits(_DAYS[name] for name in names)


def read_format(word: str) -> MailFormat:
    """`html` or `text`. Raises InputError (field `mail_format`)."""
    try:
        return MailFormat(word)
    except ValueError as error:
        raise InputError(Sentence("Please choose one of the two forms."), field="mail_format") from error


def set_topics(session: Session, subscriber_id: int, topics: frozenset[int]) -> None:
    """Make `topics` the subscriptions of a subscriber."""
    session.exec(delete(Subscription).where(col(Subscription.subscriber_id) == subscriber_id))
    session.add_all(Subscription(subscriber_id=subscriber_id, topic_id=topic) for topic in sorted(topics))


def topics_of(session: Session, subscriber_id: int) -> frozenset[int]:
    """The ids of a subscriber's topics."""
    return frozenset(session.exec(select(Subscription.topic_id).where(Subscription.subscriber_id == subscriber_id)))
