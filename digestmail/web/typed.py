"""What a reader typed into a form, and the options that the form offers."""

from functools import cache

from pydantic import BaseModel, ConfigDict

from digestmail.clock import time_zones
from digestmail.store.models import Topic
from digestmail.subscribers.choices import DEFAULT_HOUR
from digestmail.subscribers.preferences import Preferences
from digestmail.subscribers.schedule import DAY_NAMES, weekdays_of

DAYS = tuple(
    zip(DAY_NAMES, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)

HOURS = (
    ("Night", range(6)),
    ("Morning", range(6, 12)),
    ("Afternoon", range(12, 18)),
    ("Evening", range(18, 24)),
)


class Typed(BaseModel):
    """A form as it came, right or wrong, so that it can be shown again. Nothing here is checked yet."""

    model_config = ConfigDict(frozen=True)

    email: str = ""
    topics: list[str] = []
    hour: str = str(DEFAULT_HOUR)
    time_zone: str = ""
    days: list[str] = []

    @classmethod
    def of(cls, preferences: Preferences, topics: list[Topic]) -> "Typed":
        """The form of a reader who has typed nothing yet: the choices as they are kept."""
        choices = preferences.choices
        return cls(
            email=preferences.email,
            topics=[topic.slug for topic in topics if topic.id in choices.topics],
            hour=str(choices.hour),
            time_zone=choices.time_zone,
            days=[DAY_NAMES[weekday] for weekday in weekdays_of(choices.days)],
        )


@cache
def zone_groups() -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """All time zones as (region, ((name, label), …)), regions and names sorted, zones without a region last."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in sorted(time_zones()):
        region, separator, place = name.partition("/")
        if separator:
            groups.setdefault(region, []).append((name, place.replace("_", " ").replace("/", ", ")))
        else:
            groups.setdefault("Other", []).append((name, name))
    in_order = sorted(groups, key=lambda region: (region in ("Etc", "Other"), region))
    return tuple((region, tuple(groups[region])) for region in in_order)
