"""Takes stories that cannot be rendered out of an edition, so that everybody else's come through.

Each story is tried alone, in a digest of its own. Those that fail go out of the frozen edition for every worker, no
later edition shows them, and the operator is told once.
"""

from collections.abc import Callable
from dataclasses import replace

import structlog
from sqlmodel import col, update

from digestmail.editions.content import Content
from digestmail.store.database import Database
from digestmail.store.models import Edition, Item

log = structlog.get_logger(__name__)

_LONGEST_REASON = 300


def take_out_poison(
    database: Database, edition_id: int, content: Content, *, render: Callable[[Content], object]
) -> None:
    """Leave the stories out of an edition, whose `content` was found, that `render` fails at."""
    broken = _broken_stories(content, render)
    if not broken:
        return
    healthy = replace(content, stories=tuple(story for story in content.stories if story.id not in broken))
    with database.writing() as connection:
        connection.execute(update(Edition).where(col(Edition.id) == edition_id).values(content=healthy.to_json()))
        for story in content.stories:
            if (reason := broken.get(story.id)) is None:
                continue
            note = update(Item).where(col(Item.id) == story.id, col(Item.broken).is_(None)).values(broken=reason)
            if connection.execute(note).rowcount:
                log.error("a story cannot be rendered and is left out", item=story.id, url=story.url, reason=reason)


def _broken_stories(content: Content, render: Callable[[Content], object]) -> dict[int, str]:
    """The ids of the stories that cannot be rendered even alone, and why."""
    broken: dict[int, str] = {}
    for story in content.stories:
        try:
            render(replace(content, stories=(story,), announcements=()))
        except Exception as error:
            broken[story.id] = f"{type(error).__name__}: {error}"[:_LONGEST_REASON]
    return broken
