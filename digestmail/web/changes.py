"""What a reader's saving changed, in sentences."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from digestmail.language import Language, language_of
from digestmail.sentence import Sentence
from digestmail.store.states import MailFormat
from digestmail.subscribers.preferences import Change, Preferences
from digestmail.subscribers.schedule import EVERY_DAY, weekdays_of
from digestmail.web.typed import zone_in_words

_MOST_NAMES = 6
"""So many topics are named; more are counted."""


def changes_in_words(
    change: Change, *, topics: Mapping[int, str], language: Language, now: datetime
) -> tuple[Sentence, ...]:
    """A sentence for each thing that was changed; `topics` has the names by ids, in the order to say them in."""
    return (
        *_topics(change, topics, language),
        *_schedule(change, language),
        *_mails(change),
        *_pause(change, language, now),
    )


def _topics(change: Change, topics: Mapping[int, str], language: Language) -> Iterator[Sentence]:
    before, after = change.before.choices.topics, change.after.choices.topics
    added = [name for number, name in topics.items() if number in after - before]
    dropped = [name for number, name in topics.items() if number in before - after]
    if len(added) > _MOST_NAMES:
        yield Sentence("Topics added: %(number)s.", number=language.number(len(added)))
    elif added:
        yield Sentence("You added %(topics)s.", topics=language.listed(added))
    if len(dropped) > _MOST_NAMES:
        yield Sentence("Topics dropped: %(number)s.", number=language.number(len(dropped)))
    elif dropped:
        yield Sentence("You dropped %(topics)s.", topics=language.listed(dropped))


def _schedule(change: Change, language: Language) -> Iterator[Sentence]:
    before, after = change.before.choices, change.after.choices
    if (before.hour, before.time_zone) != (after.hour, after.time_zone):
        time, zone = language.hour(after.hour), zone_in_words(after.time_zone, language)
        if day := _first_day(change.after, language):
            yield Sentence(
                "From %(day)s on, your digest comes at %(time)s (%(zone)s time).", day=day, time=time, zone=zone
            )
        else:
            yield Sentence("The hour of your digest is now %(time)s (%(zone)s time).", time=time, zone=zone)
    if before.days != after.days:
        if after.days == EVERY_DAY:
            yield Sentence("Your digest now comes on every day of the week.")
        else:
            days = [language.weekday(weekday) for weekday in weekdays_of(after.days)]
            yield Sentence("Your digest now comes on these days: %(days)s.", days=language.listed(days))


def _first_day(reader: Preferences, language: Language) -> str:
    """The day of the next digest, if that comes at the chosen hour: the one after a long move may not."""
    if reader.next_send_at is None:
        return ""
    local = reader.next_send_at.astimezone(ZoneInfo(reader.choices.time_zone))
    return language.day(local.date()) if local.hour == reader.choices.hour else ""


def _mails(change: Change) -> Iterator[Sentence]:
    if change.before.choices.mail_format != change.after.choices.mail_format:
        if change.after.choices.mail_format == MailFormat.TEXT:
            yield Sentence("Your digests come as plain text from the next one on.")
        else:
            yield Sentence("Your digests come with layout and pictures from the next one on.")
    if change.before.locale != change.after.locale:
        name = language_of(change.after.locale).name
        yield Sentence("The language of your mails from the next one on: %(language)s.", language=name)


def _pause(change: Change, language: Language, now: datetime) -> Iterator[Sentence]:
    before, after = change.before.pause(now), change.after.pause(now)
    if after and after != before:
        yield Sentence("Your digest is paused until %(day)s.", day=language.day(after))
        if change.on_its_way:
            yield Sentence("One digest was on its way already and may still come.")
    elif before and not after:
        yield Sentence("The pause is over.")
