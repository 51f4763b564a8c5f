"""What the first page shows of the publication to those who are no readers yet; looked up now and then alone."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from digestmail.editions.assemble import newest
from digestmail.editions.content import Content
from digestmail.editions.pace import Pace, paces
from digestmail.language import Language
from digestmail.messages.publication import Publication
from digestmail.messages.taste import taste
from digestmail.store.database import Database
from digestmail.web.brief_memory import BriefMemory

_COUNTED_EVERY = timedelta(minutes=5)
_LOOKED_UP_EVERY = timedelta(minutes=1)
_PAGES = 64  # of some 24 KB


class Storefront:
    """The paces of the topics and the tastes of the digest, of one installation in one process."""

    def __init__(self, database: Database, publication: Publication) -> None:
        self._database = database
        self._publication = publication
        self._paces: BriefMemory[None, Mapping[int, Pace]] = BriefMemory(_COUNTED_EVERY)
        self._content: BriefMemory[None, Content] = BriefMemory(_LOOKED_UP_EVERY)
        self._pages: BriefMemory[tuple[frozenset[int], Language], str | None] = BriefMemory(
            _LOOKED_UP_EVERY, most=_PAGES
        )

    def paces(self, *, now: datetime) -> Mapping[int, Pace]:
        """The pace of each topic that has items, by its id."""

        def count() -> Mapping[int, Pace]:
            with self._database.reading() as session:
                return paces(session, now=now)

        return self._paces.recall(None, count, now=now)

    def with_stories(self, *, now: datetime) -> frozenset[str]:
        """The slugs of the topics of which a taste can be had."""
        content = self._newest(now)
        filled = {topic for story in content.stories for topic in story.topics}
        return frozenset(topic.slug for topic in content.topics if topic.id in filled)

    def taste(self, slugs: Iterable[str], *, language: Language, now: datetime) -> str | None:
        """The page with the newest stories of the topics with these slugs, of all where none of them is one; None where
        there is no story."""
        content = self._newest(now)
        wanted = set(slugs)
        chosen = frozenset(topic.id for topic in content.topics if topic.slug in wanted)
        chosen = chosen or frozenset(topic.id for topic in content.topics)

        def render() -> str | None:
            return taste(
                content,
                topics=chosen,
                publication=self._publication,
                language=language,
                day=now.astimezone(ZoneInfo(self._publication.time_zone)).date(),
            )

        return self._pages.recall((chosen, language), render, now=now)

    def _newest(self, now: datetime) -> Content:
        def look_up() -> Content:
            with self._database.reading() as session:
                return newest(session, now=now)

        return self._content.recall(None, look_up, now=now)
