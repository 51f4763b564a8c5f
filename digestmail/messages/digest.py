"""What one digest shows: a reader's selection, a short index of it, and what an inbox shows of it unopened."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from digestmail.editions.content import Content
from digestmail.editions.select import Placed, Section, Selection, select, whole
from digestmail.messages.pieces import ALWAYS, NoMarks, key_of
from digestmail.messages.prose import day_in_words, shorten
from digestmail.messages.publication import Publication
from digestmail.messages.template import Marker, Rendering, render, render_subject
from digestmail.messages.tidy import tidy
from digestmail.store.models import Kind

_INDEX_FROM = 3  # stories; fewer are seen at a glance anyway
_INDEX_LINES = 12  # shared evenly among the topics
_TEASERS = 3
_LEAD = 56  # characters of the subject, which phones cut soon after


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One digest, or, made by `of_all`, the sum of all digests that an edition can give."""

    selection: Selection
    index: tuple[Section, ...]
    """The first stories of each topic; empty where the digest is short."""
    teasers: tuple[tuple[Section, Placed], ...]
    """The headlines behind the subject in an inbox: those that follow the lead."""
    leads: tuple[tuple[Section, Placed], ...]
    """The story whose excerpt stands there instead, where it is the only one."""

    @classmethod
    def of(cls, selection: Selection) -> "Digest":
        """A reader's digest; the selection must hold a story."""
        everything = tuple(_placed(selection))
        lines = max(1, _INDEX_LINES // len(selection.sections))
        return cls(
            selection=selection,
            index=tuple(replace(section, stories=section.stories[:lines]) for section in selection.sections)
            if len(everything) >= _INDEX_FROM
            else (),
            teasers=everything[1 : _TEASERS + 1],
            leads=everything if len(everything) == 1 else (),
        )

    @classmethod
    def of_all(cls, content: Content) -> "Digest":
        """Everything that any digest of the edition can show."""
        selection = whole(content)
        everything = tuple(_placed(selection))
        return cls(selection=selection, index=selection.sections, teasers=everything, leads=everything)

    def keys(self) -> Iterator[str]:
        """The keys of the pieces that make this digest, in any order; the templates set the marks."""
        yield ALWAYS
        if self.index:
            yield "index"
        for section in self.index:
            yield f"index:{section.topic.id}"
            yield from (f"index:{section.topic.id}:{placed.story.id}" for placed in section.stories)
        yield from (key_of("teaser", section.topic.id, placed.story.id) for section, placed in self.teasers)
        yield from (key_of("lead", section.topic.id, placed.story.id) for section, placed in self.leads)
        yield from (key_of("announcement", announcement.id) for announcement in self.selection.announcements)
        for section in self.selection.sections:
            yield f"topic:{section.topic.id}"
            for placed in section.stories:
                story = f"{section.topic.id}:{placed.story.id}"
                yield f"story:{story}"
                if placed.also:
                    yield f"also:{story}"
                    yield from (f"also:{story}:{topic.id}" for topic in placed.also)

    def subject(self, *, kind: Kind, publication: Publication) -> str:
        """The lead headline made short and how many more there are; a welcome says so."""
        stories = self.selection.stories
        return render_subject(
            "digest",
            publication=publication,
            welcome=kind is Kind.WELCOME,
            lead=shorten(stories[0].title, _LEAD if len(stories) > 1 else 2 * _LEAD),
            more=len(stories) - 1,
        )

    def render(self, *, kind: Kind, publication: Publication, marker: Marker) -> Rendering:
        """Both forms of the mail."""
        return render("digest", marker=marker, publication=publication, digest=self, welcome=kind is Kind.WELCOME)


def plain_rendering(
    content: Content,
    *,
    topics: Iterable[int],
    kind: Kind = Kind.DIGEST,
    publication: Publication,
    day: date,
    unsubscribe: str = "",
    preferences: str = "",
) -> Rendering | None:
    """The digest of a reader of `topics`, rendered for that reader alone; None where it has no story.

    `unsubscribe` and `preferences` are the tokens of the reader's links. For a look at a digest: sending goes through
    `DigestComposer`, which gives the same mail.
    """
    selection = select(tidy(content), topics)
    if not selection.stories:
        return None
    values = {"day": day_in_words(day), "unsubscribe": unsubscribe, "preferences": preferences}
    return Digest.of(selection).render(kind=kind, publication=publication, marker=NoMarks(values))


def _placed(selection: Selection) -> Iterator[tuple[Section, Placed]]:
    return ((section, placed) for section in selection.sections for placed in section.stories)
