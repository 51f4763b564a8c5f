"""What a reader typed into a form, and the options that the form offers."""

import unicodedata
from datetime import datetime
from functools import cache

from pydantic import BaseModel, ConfigDict

from digestmail.clock import time_zones
from digestmail.language import Language, english, language_of
from digestmail.sentence import Sentence
from digestmail.store.models import Topic
from digestmail.subscribers.choices import DEFAULT_HOUR
from digestmail.subscribers.preferences import Preferences
from digestmail.subscribers.schedule import DAY_NAMES, weekdays_of

HOURS = (
    (Sentence("Night"), range(6)),
    (Sentence("Morning"), range(6, 12)),
    (Sentence("Afternoon"), range(12, 18)),
    (Sentence("Evening"), range(18, 24)),
)

_REGIONS = {
    "Africa": Sentence("Africa"),
    "America": Sentence("America"),
    "Antarctica": Sentence("Antarctica"),
    "Arctic": Sentence("Arctic"),
    "Asia": Sentence("Asia"),
    "Atlantic": Sentence("Atlantic"),
    "Australia": Sentence("Australia"),
    "Brazil": Sentence("Brazil"),
    "Canada": Sentence("Canada"),
    "Chile": Sentence("Chile"),
    "Europe": Sentence("Europe"),
    "Indian": Sentence("Indian Ocean"),
    "Mexico": Sentence("Mexico"),
    "Pacific": Sentence("Pacific"),
    "US": Sentence("United States"),
    "Other": Sentence("Other"),
}
_OTHERS = ("Etc", "Other")


class Typed(BaseModel):
    """A form as it came, right or wrong, so that it can be shown again. Nothing here is checked yet."""

    model_config = ConfigDict(frozen=True)

    email: str = ""
    topics: list[str] = []
    hour: str = str(DEFAULT_HOUR)
    time_zone: str = ""
    days: list[str] = []
    lang: str = ""
    mail_format: str = ""
    """Empty: as it is."""
    pause_until: str = ""
    """Empty: no pause."""
    pause_for: str = ""
    """The days of a pause that was chosen by a button, from today on; 0 ends it. It goes before `pause_until`."""

    @classmethod
    def of(cls, preferences: Preferences, topics: list[Topic], *, now: datetime) -> "Typed":
        """The form of a reader who has typed nothing yet: the choices as they are kept."""
        choices = preferences.choices
        return cls(
            email=preferences.email,
            topics=[topic.slug for topic in topics if topic.id in choices.topics],
            hour=str(choices.hour),
            time_zone=choices.time_zone,
            days=[DAY_NAMES[weekday] for weekday in weekdays_of(choices.days)],
            lang=language_of(preferences.locale).code,
            mail_format=choices.mail_format,
            pause_until=str(preferences.pause(now) or ""),
        )


@cache
def zone_groups(language: Language) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """All time zones as (region, ((name, label), …)), regions and labels sorted, zones without a region last."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(time_zones()):
        region, separator, _ = name.partition("/")
        groups.setdefault(region if separator else "Other", []).append((name, zone_in_words(name, language)))
    named = [(region in _OTHERS, language.say(_REGIONS.get(region, region)), zones) for region, zones in groups.items()]
    named.sort(key=lambda group: (group[0], _without_accents(group[1])))
    return tuple((label, tuple(sorted(zones, key=lambda zone: _without_accents(zone[1])))) for _, label, zones in named)


def _without_accents(label: str) -> str:
    """What to sort a name by."""
    return "".join(letter for letter in unicodedata.normalize("NFD", label) if not unicodedata.combining(letter))


def zone_in_words(name: str, language: Language) -> str:
    """A time zone as a reader calls it: by its town."""
    if language == english():
        return name.partition("/")[2].replace("_", " ").replace("/", ", ") or name
    return language.place(name) or name.replace("_", " ")
