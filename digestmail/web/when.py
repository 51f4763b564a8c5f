"""When a digest comes, as the sign-up form offers it and says it in one line."""

from typing import NamedTuple

from digestmail.clock import time_zones
from digestmail.language import Language
from digestmail.subscribers.schedule import DAY_NAMES
from digestmail.web.typed import Typed, zone_in_words


class When(NamedTuple):
    """Hour, days and time zone in words; each empty where what was typed is no such thing."""

    hour: str
    days: str
    time_zone: str


def day_choices(language: Language) -> dict[str, str]:
    """The days that the form offers, in words: every day, Monday to Friday, or once a week."""
    offered = {"daily": language.gettext("Every day"), "weekdays": language.gettext("Monday to Friday")}
    weekly = language.gettext("Once a week: %(day)s")
    return offered | {name: weekly % {"day": language.weekday(number)} for number, name in enumerate(DAY_NAMES)}


def when_in_words(typed: Typed, language: Language, *, time_zone: str) -> When:
    """The choices of a form; `time_zone` is the one that holds where the form names none."""
    zone = typed.time_zone or time_zone
    hours = {str(hour): language.hour(hour) for hour in range(24)}
    return When(
        hour=hours.get(typed.hour.strip(), ""),
        days=day_choices(language).get(" ".join(typed.days) or "daily", ""),
        time_zone=zone_in_words(zone, language) if zone in time_zones() else "",
    )
