"""How many stories a topic brings: counted over the last weeks, and told in words that promise no more than that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, and_, case, col, func, select

from digestmail.language import Language
from digestmail.store.models import Item, ItemTopic

COUNTED_FOR = timedelta(days=28)
"""Whole weeks, so that each day of the week counts equally; shorter than items are kept."""

KNOWN_AFTER = timedelta(days=2)
"""A topic that is younger is called new."""

_STEPS = ((100, 10), (20, 5))  # from so many stories on, rounded to such a number of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """So many stories were news in so long a time, which is at most `COUNTED_FOR`."""

    stories: int
    within: timedelta

    @property
    def is_known(self) -> bool:
        """What a younger topic's feeds brought at first says little of what will come."""
        return self.within >= KNOWN_AFTER

    def in_words(self, language: Language) -> str:
        """Such as “about 6 stories a day”."""
        if not self.is_known:
            return language.gettext("a new topic")
        if not self.stories:
            return language.gettext("quiet lately")
        a_day = self.stories / (self.within / timedelta(days=1))
        if not (a_week := round(7 * a_day)):
            return language.gettext("a story now and then")
        if a_week < 7:
            words = language.ngettext("about one story a week", "about %(num)s stories a week", a_week)
            return words % {"num": language.number(a_week)}
        number = rounded(a_day)
        words = language.ngettext("about one story a day", "about %(num)s stories a day", number)
        return words % {"num": language.number(number)}


NEW = Pace(stories=0, within=timedelta())
"""That of a topic that has no items yet."""


def rounded(number: float) -> int:
    """To a whole number, and a large one to a round one."""
    step = next((step for start, step in _STEPS if number >= start), 1)
    return step * round(number / step)


def paces(session: Session, *, now: datetime) -> dict[int, Pace]:
    """The pace of each topic, by its id; a topic that never had an item is not in it.

    A topic whose first item came later than `COUNTED_FOR` ago is counted from that item on.
    """
    since = now - COUNTED_FOR
    counts = and_(
        col(ItemTopic.news),
        col(ItemTopic.seen_at) > since,
        col(ItemTopic.quarantined_by).is_(None),
        col(Item.withdrawn_at).is_(None),
        col(Item.broken).is_(None),
    )
    counted = (
        select(ItemTopic.topic_id, func.sum(case((counts, 1), else_=0)), func.min(ItemTopic.seen_at))
        .join(Item, col(Item.id) == ItemTopic.item_id)
        .group_by(col(ItemTopic.topic_id))
    )
    return {
        topic: Pace(stories=stories, within=max(now - max(first, since), timedelta()))
        for topic, stories, first in session.exec(counted)
    }
