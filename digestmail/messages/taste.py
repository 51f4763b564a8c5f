"""What a digest would show today, as a page for somebody who is no reader yet.

It has no pictures, since they lie on other servers, no announcements, which speak to readers, and no link of anybody's.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from digestmail.editions.content import Content
from digestmail.editions.select import select
from digestmail.language import Language
from digestmail.messages.budget import Kept, Measured, cut
from digestmail.messages.digest import Digest
from digestmail.messages.pieces import NoMarks, octets_of
from digestmail.messages.publication import Publication
from digestmail.messages.template import render_page
from digestmail.messages.tidy import tidy

TASTE_BUDGET = 24 * 1024
"""Octets; the page that shows it is below 100 KB with it, in every language."""

_STORIES = (12, 8, 5, 3, 1)
"""So many of the most important stories are tried, one number after the other."""

_NOBODYS = dict.fromkeys(("unsubscribe", "preferences", "view", "gave", "more"), "")


def taste(
    content: Content,
    *,
    topics: Iterable[int],
    publication: Publication,
    language: Language,
    day: date,
    budget: int = TASTE_BUDGET,
) -> str | None:
    """The most important stories of `topics` (ids) in at most `budget` octets; None where there is no story.

    One story is always shown, if need be in a page that is too large.
    """
    selection = select(tidy(_without_extras(content), language=language), topics)
    if not selection.sections:
        return None
    digest = Digest.of(selection)
    values = _NOBODYS | {"day": language.dateline(day)}
    page = ""
    for most in _STORIES:
        few = replace(digest.cut(_first(digest, most)), hidden=0)
        page = render_page(
            "taste",
            marker=NoMarks(values),
            publication=publication,
            language=language,
            digest=few,
            welcome=False,
            page=True,
        )
        if octets_of(page) <= budget:
            break
    return page


def _without_extras(content: Content) -> Content:
    stories = (replace(story, image_url="") for story in content.stories if not story.more)
    return replace(content, stories=tuple(stories), announcements=())


def _first(digest: Digest, most: int) -> list[Kept]:
    """Of each topic the stories that are among the `most` important ones of the digest, all in full."""
    one = Measured(full=1, short=1, besides=0)
    sections = [[one] * len(section.stories) for section in digest.selection.sections]
    kept = cut(sections, around=0, more=lambda _: 0, budget=most)
    return [Kept(full=topic.shown, shown=topic.shown) for topic in kept]
