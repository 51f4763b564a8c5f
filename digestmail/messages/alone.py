"""The digest of one reader rendered for that reader alone: to look at, and to hold the joined mail against."""

from collections.abc import Container, Iterable, Mapping
from datetime import date

from digestmail.editions.content import Content
from digestmail.editions.select import select
from digestmail.language import Language
from digestmail.messages.budget import BUDGET, Kept, cut
from digestmail.messages.digest import Digest, index_lines, more_in_words
from digestmail.messages.keys import MORE, frame_keys, key_of
from digestmail.messages.pieces import Marks, NoMarks, count_links, octets_of
from digestmail.messages.publication import Publication
from digestmail.messages.sections import Parts, SectionParts
from digestmail.messages.template import Rendering
from digestmail.messages.tidy import tidy
from digestmail.store.states import Kind, MailFormat


def plain_rendering(
    content: Content,
    *,
    topics: Iterable[int],
    kind: Kind = Kind.DIGEST,
    publication: Publication,
    language: Language,
    day: date,
    unsubscribe: str,
    preferences: str,
    view: str,
    gave: str,
    hidden: Container[int] = (),
    budget: int = BUDGET,
    mail_format: MailFormat = MailFormat.HTML,
) -> Rendering | None:
    """The digest of a reader of `topics`, with at most `budget` octets of HTML; None where it has no story.

    `unsubscribe`, `preferences`, `view` and `gave` are the tokens of the reader's links, `hidden` the ids of the
    announcements that the reader does not get. For a look at a digest: sending goes through `DigestComposer`, which
    gives the same mail.
    """
    digest = _digest(content, topics, hidden, language)
    if digest is None:
        return None
    values = {"day": language.dateline(day), "unsubscribe": unsubscribe, "preferences": preferences}
    values |= {"view": view, "gave": gave}
    if mail_format is MailFormat.TEXT:
        marker = NoMarks(values)
        text = digest.render_text(kind=kind, publication=publication, language=language, marker=marker)
        return Rendering(html="", text=text)

    def render(digest: Digest, values: Mapping[str, str]) -> Rendering:
        marker = NoMarks(values)
        rendering = digest.render(kind=kind, publication=publication, language=language, marker=marker, browser=False)
        if (count_links(rendering.html) + count_links(rendering.text)) % 2 == 0:
            return rendering
        return digest.render(kind=kind, publication=publication, language=language, marker=marker)

    rendering = render(digest, values)
    if octets_of(rendering.html) <= budget:
        return rendering
    marks = Marks()
    parts = Parts(
        digest.in_every_form().render(kind=kind, publication=publication, language=language, marker=marks), marks
    )
    cut_digest = digest.cut(_kept(digest, parts, values, language, budget))
    return render(cut_digest, values | {"more": more_in_words(cut_digest.hidden, language)})


def whole_page(
    content: Content,
    *,
    topics: Iterable[int],
    kind: Kind,
    publication: Publication,
    language: Language,
    day: date,
    unsubscribe: str,
    preferences: str,
    gave: str,
    hidden: Container[int] = (),
) -> str | None:
    """The digest of a reader of `topics` with all its stories, as a page for a browser; None where it has no story."""
    digest = _digest(content, topics, hidden, language)
    if digest is None:
        return None
    values = {"day": language.dateline(day), "unsubscribe": unsubscribe, "preferences": preferences, "gave": gave}
    marker = NoMarks(values)
    return digest.render_page(kind=kind, publication=publication, language=language, marker=marker)


def _digest(content: Content, topics: Iterable[int], hidden: Container[int], language: Language) -> Digest | None:
    selection = select(tidy(content, language=language), topics, hidden)
    return Digest.of(selection) if selection.sections else None


def _kept(digest: Digest, parts: Parts, values: Mapping[str, str], language: Language, budget: int) -> list[Kept]:
    """What is left of each topic where the digest may have so many octets."""
    sizes = {name: len(value.encode()) for name, value in values.items()} | {"more": 0}
    sections = [SectionParts(section, parts, parts.story) for section in digest.selection.sections]
    lines = index_lines(len(sections), sum(section.count for section in sections))
    preheader = [key_of("teaser", placed.story.id) for placed in digest.teasers]
    preheader += [key_of("lead", placed.story.id) for placed in digest.leads]
    frame = frame_keys(digest.selection.announcements, index=bool(digest.index))
    line = parts.html.size([MORE], sizes)
    return cut(
        [section.measured(lines=count) for section, count in zip(sections, lines, strict=True)],
        around=parts.html.size([*frame, *preheader], sizes),
        more=lambda hidden: line + octets_of(more_in_words(hidden, language)),
        budget=budget,
    )
