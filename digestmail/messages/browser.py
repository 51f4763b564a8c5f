"""What of a digest one page in a browser shows (pure): sixty stories, and no picture that another server would count.

A mail is read once and then gone; a page may be opened by anybody who has its link, and a picture from elsewhere tells
its server so each time. So such pictures come only where the reader asks for them.
"""

from dataclasses import dataclass, replace

from digestmail.editions.select import Section, Selection

OF_A_PAGE = 60
"""Stories on one page: with the longest excerpts it stays under 100 KB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """How a reader looks at a digest: which page of it, and whether with pictures from other servers."""

    number: int = 1
    pictures: bool = False
    archive_url: str = ""
    """Where past stories are; empty where they are not public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One of so many pages, for the template."""

    visit: Visit
    pages: int
    hidden_pictures: int

    @property
    def before(self) -> str:
        """What asks for the page before this one; empty where it is the first."""
        return self._query(self.visit.number - 1) if self.visit.number > 1 else ""

    @property
    def after(self) -> str:
        """What asks for the next page; empty where it is the last."""
        return self._query(self.visit.number + 1) if self.visit.number < self.pages else ""

    @property
    def with_pictures(self) -> str:
        """What asks for the same page with pictures; empty where none is missing."""
        return self._query(self.visit.number, pictures=True) if self.hidden_pictures else ""

    def _query(self, number: int, *, pictures: bool = False) -> str:
        return f"?page={number}" + ("&pictures=1" if pictures or self.visit.pictures else "")


def part_of(selection: Selection, visit: Visit, *, own_url: str) -> tuple[Selection, Turn] | None:
    """What a visit shows of a digest, the announcements on its first page; None where there is no such page.

    Pictures under `own_url` are ours.
    """
    pages = -(-len(selection.stories) // OF_A_PAGE)
    if not 1 <= visit.number <= pages:
        return None
    shown = Selection(_cut(selection.sections, visit.number), selection.announcements if visit.number == 1 else ())
    bare = shown if visit.pictures else _without_pictures(shown, own_url)
    return bare, Turn(visit=visit, pages=pages, hidden_pictures=_pictures(shown) - _pictures(bare))


def _cut(sections: tuple[Section, ...], number: int) -> tuple[Section, ...]:
    skipped, room = (number - 1) * OF_A_PAGE, OF_A_PAGE
    cut = []
    for section in sections:
        stories = section.stories[skipped : skipped + room]
        skipped = max(0, skipped - len(section.stories))
        room -= len(stories)
        if stories:
            cut.append(replace(section, stories=stories))
    return tuple(cut)


def _without_pictures(selection: Selection, own_url: str) -> Selection:
    def kept(url: str) -> str:
        return url if url.startswith(f"{own_url}/") else ""

    return Selection(
        tuple(
            replace(
                section,
                stories=tuple(
                    replace(placed, story=replace(placed.story, image_url=kept(placed.story.image_url)))
                    for placed in section.stories
                ),
            )
            for section in selection.sections
        ),
        tuple(replace(each, image_url=kept(each.image_url)) for each in selection.announcements),
    )


def _pictures(selection: Selection) -> int:
    of_stories = sum(bool(story.image_url) for story in selection.stories)
    return of_stories + sum(bool(each.image_url) for each in selection.announcements)
