"""What one digest shows: a reader's selection, a short index of it, and what an inbox shows of it unopened."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from digestmail.editions.content import Content
from digestmail.editions.select import Placed, Section, Selection, whole
from digestmail.language import Language
from digestmail.messages.budget import Kept
from digestmail.messages.prose import shorten
from digestmail.messages.publication import Publication
from digestmail.messages.template import Marker, Rendering, render, render_page, render_subject, render_text
from digestmail.store.states import Kind

TEASERS = 3
"""Headlines behind the subject in an inbox."""

INDEX_LINES = 12
"""Lines of the index, shared evenly among the topics."""

_INDEX_FROM = 3  # stories; fewer are seen at a glance anyway
_LEAD = 56  # characters of the subject, which phones cut soon after


@lru_cache(4096)
def index_lines(sections: int, stories: int) -> tuple[int, ...]:
    """How many lines of the index each section has: at most twelve in all, none where there are few stories."""
    if stories < _INDEX_FROM:
        return (0,) * sections
    shown = min(sections, INDEX_LINES)
    return (INDEX_LINES // shown,) * shown + (0,) * (sections - shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One digest, or, made by `of_all`, the sum of all digests that an edition can give."""

    selection: Selection
    index: tuple[Section, ...]
    """The first stories of each topic; empty where the digest is short."""
    teasers: tuple[Placed, ...]
    """The headlines behind the subject in an inbox: those that follow the lead."""
    leads: tuple[Placed, ...]
    """The story whose excerpt stands there instead, where it is the only one."""
    full: frozenset[int]
    """The ids of the stories that are shown with all they have."""
    short: frozenset[int] = frozenset()
    """The ids of the stories that are shown without picture and excerpt."""
    hidden: int = 0
    """How many stories are not shown but counted."""

    @classmethod
    def of(cls, selection: Selection) -> "Digest":
        """A reader's digest; the selection must hold a story."""
        everything = tuple(_placed(selection))
        lines = index_lines(len(selection.sections), len(everything))
        return cls(
            selection=selection,
            index=tuple(
                replace(section, stories=section.stories[:count])
                for section, count in zip(selection.sections, lines, strict=True)
                if count
            ),
            teasers=everything[1 : TEASERS + 1],
            leads=everything if len(everything) == 1 else (),
            full=_ids(selection.sections),
        )

    @classmethod
    def of_all(cls, content: Content) -> "Digest":
        """Everything that any digest of the edition can show."""
        selection = whole(content)
        everything = tuple(_placed(selection))
        return cls(
            selection=selection, index=selection.sections, teasers=everything, leads=everything, full=frozenset()
        ).in_every_form()

    def in_every_form(self) -> "Digest":
        """The same stories in full and short, and a line that counts what is not shown: to be cut into pieces."""
        ids = _ids(self.selection.sections)
        return replace(self, full=ids, short=ids, hidden=1)

    def cut(self, kept: Sequence[Kept]) -> "Digest":
        """What is left of it: of each topic its first stories, some in full and some short; the others are counted."""
        pairs = list(zip(self.selection.sections, kept, strict=True))
        shown = tuple(replace(section, stories=section.stories[: of.shown]) for section, of in pairs if of.shown)
        full = _ids(replace(section, stories=section.stories[: of.full]) for section, of in pairs)
        ids = _ids(shown)
        index = (
            replace(section, stories=tuple(placed for placed in section.stories if placed.story.id in ids))
            for section in self.index
        )
        return replace(
            self,
            selection=replace(self.selection, sections=shown),
            index=tuple(section for section in index if section.stories),
            full=full,
            short=ids - full,
            hidden=len(self.selection.stories) - len(ids),
        )

    def render(
        self, *, kind: Kind, publication: Publication, language: Language, marker: Marker, browser: bool = True
    ) -> Rendering:
        """Both forms of the mail; `browser` says whether the plain one links to the digest in the browser too."""
        values = {"digest": self, "welcome": kind is Kind.WELCOME, "page": False, "browser": browser}
        return render("digest", marker=marker, publication=publication, language=language, **values)

    def render_text(self, *, kind: Kind, publication: Publication, language: Language, marker: Marker) -> str:
        """The plain form alone, of which all stories are shown; it links to the digest in the browser."""
        values = {"digest": self, "welcome": kind is Kind.WELCOME, "browser": True}
        return render_text("digest", marker=marker, publication=publication, language=language, **values)

    def render_page(self, *, kind: Kind, publication: Publication, language: Language, marker: Marker) -> str:
        """The same as a page for a browser."""
        values = {"digest": self, "welcome": kind is Kind.WELCOME, "page": True}
        return render_page("digest", marker=marker, publication=publication, language=language, **values)


def subject(*, lead: str, stories: int, kind: Kind, publication: Publication, language: Language) -> str:
    """The lead headline made short and how many more stories there are; a welcome says so."""
    return render_subject(
        "digest",
        publication=publication,
        language=language,
        welcome=kind is Kind.WELCOME,
        lead=shorten(lead, _LEAD if stories > 1 else 2 * _LEAD),
        more=stories - 1,
    )


@lru_cache(4096)
def more_in_words(hidden: int, language: Language) -> str:
    """The line that counts the stories that are not shown."""
    words = language.ngettext("and %(num)s more in your whole digest", "and %(num)s more in your whole digest", hidden)
    return words % {"num": language.number(hidden)}


def _placed(selection: Selection) -> Iterator[Placed]:
    return (placed for section in selection.sections for placed in section.stories)


def _ids(sections: Iterable[Section]) -> frozenset[int]:
    return frozenset(placed.story.id for section in sections for placed in section.stories)
