"""The layout of any reader's digest of one edition: the frame around it, and the sections that stand in it.

What a topic's section looks like depends on few other topics: on those with which it shares a story. So sections are
made once for all who chose alike among those, and a digest is the sections of its reader's topics, one after the other.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from itertools import chain, islice
from typing import Any, NamedTuple

from digestmail.editions.content import Content
from digestmail.editions.select import Placed, Selector, whole
from digestmail.language import Language
from digestmail.messages.budget import Kept, cut
from digestmail.messages.digest import INDEX_LINES, TEASERS, Digest, index_lines, more_in_words
from digestmail.messages.frame import Frame
from digestmail.messages.keys import BROWSER, MORE, frame_keys, in_full, key_of
from digestmail.messages.mime import alternative, text_alone
from digestmail.messages.pieces import Marks, octets_of
from digestmail.messages.publication import Publication
from digestmail.messages.quoted_printable import inline
from digestmail.messages.sections import Parts, Ready, SectionParts, StoryParts
from digestmail.messages.shared import Shared
from digestmail.store.states import Kind
from digestmail.tokens import TOKEN_LENGTH

ENTRY_OCTETS = 400
"""About what an entry of a table takes besides its content."""

_SIZES = dict.fromkeys(("unsubscribe", "preferences", "view", "gave"), TOKEN_LENGTH) | {"more": 0}
_BITS_OF_A_GROUP = 8  # so 256 choices at most, where topics share few stories

Layout = tuple[Frame, dict[str, Sequence[bytes]], str, int, int]
"""One reader's digest but for the reader's own links: a frame, what stands in its gaps, the headline of the first
story, how many stories there are, and how many of them are not shown but counted, in a line with a link of its own."""


class _Group(NamedTuple):
    """A few topics, one after the other, with the bits of a choice that matter for their sections.

    `found` has the sections that were shown to somebody, and how many stories are in them, by those bits.
    """

    matters: int
    found: dict[int, tuple[tuple[SectionParts, ...], int]]
    numbers: list[int]


class _Around(NamedTuple):
    """What stands around the sections, how many octets of HTML it has, and how many links in both forms.

    The second frame has one link more: it is for where the number of links would be odd without it.
    """

    frames: tuple[Frame, Frame]
    size: int
    links: int


class Layouts:
    """Lays out the digests of an edition, which it renders once."""

    def __init__(
        self,
        content: Content,
        *,
        kind: Kind,
        publication: Publication,
        language: Language,
        headers: bytes,
        shared: Shared,
        budget: int,
    ) -> None:
        """Render the edition, whose texts must be tidy. `headers` are those that all its messages have."""
        self._headers = headers
        self._language = language
        self._shared = shared
        self._budget = budget
        marks = Marks()
        rendering = Digest.of_all(content).render(kind=kind, publication=publication, language=language, marker=marks)
        self._parts = Parts(rendering, marks)
        self._selector = Selector(content)
        self._bits = {topic: 1 << number for topic, number in self._selector.number_of.items()}
        self._groups = _grouped(self._selector.matters)
        self._sections: dict[tuple[int, int], SectionParts] = {}
        self._stories: dict[tuple[int, ...], StoryParts] = {}
        self._frames: dict[tuple[date, int, frozenset[int], bool, bool], _Around] = {}
        self._text_frames: dict[tuple[date, int, frozenset[int], bool], Frame] = {}
        self.wire_ready = self._parts.wire_ready
        """No line of what comes from here begins with a dot; all is ASCII."""
        self.octets = self._parts.octets
        """What the pieces take in memory."""
        line = self._parts.html.size([MORE], _SIZES)
        self._more_octets = cache(lambda hidden: line + octets_of(more_in_words(hidden, language)))
        self._always_fit = self._fit_always(content)

    def of(
        self, topics: frozenset[int], day: date, hidden: frozenset[int], *, only_text: bool = False
    ) -> Layout | None:
        """The digest of a reader of `topics` on that reader's `day`; None where the edition has no story for them.

        It shows no announcement that is `hidden` (ids). If `only_text`, it has the plain form alone, and all stories.

        This is done for each reader, so what can be looked up is looked up before anything is called.
        """
        try:
            chosen = sum(map(self._bits.__getitem__, topics))
        except KeyError:  # a topic that is younger than the edition
            chosen = self._selector.bits(topics)
        sections: list[SectionParts] = []
        stories = 0
        for group in self._groups:
            matters, found, _ = group
            some, count = found.get(chosen & matters) or self._find(group, chosen)
            sections += some
            stories += count
        if not stories:
            return None
        lines = index_lines(len(sections), stories)
        if only_text:
            frame = self._text_frame(day, chosen, hidden, lines[0] > 0)
            return frame, self._in_text(sections, lines), sections[0].title, stories, 0
        around = self._around(day, chosen, hidden, lines[0] > 0, False)
        counted = 0
        if stories > self._always_fit and (kept := self._kept(sections, lines, around)):
            ready = [section.cut(part, lines=count) for section, part, count in zip(sections, kept, lines, strict=True)]
            counted = stories - sum(part.shown for part in kept)
            around = self._around(day, chosen, hidden, lines[0] > 0, counted > 0)
        else:
            try:
                ready = [section.ready[count] for section, count in zip(sections, lines)]  # noqa: B905 - of one length
            except KeyError:
                ready = [self._whole(section, count) for section, count in zip(sections, lines, strict=True)]
        columns: Any = zip(*ready)  # noqa: B905 - of one length
        text_index, html_index, text, html, links = columns
        frame = around.frames[(around.links + sum(links)) % 2]
        values: dict[str, Sequence[bytes]] = {
            "text index": text_index,
            "text sections": text,
            "preheader": _preheader(sections, stories),
            "html index": html_index,
            "html sections": html,
        }
        return frame, values, sections[0].title, stories, counted

    def _in_text(self, sections: Sequence[SectionParts], lines: Sequence[int]) -> dict[str, Sequence[bytes]]:
        ready = [self._whole(section, count) for section, count in zip(sections, lines, strict=True)]
        return {"text index": [each.text_index for each in ready], "text sections": [each.text for each in ready]}

    def _kept(self, sections: Sequence[SectionParts], lines: Sequence[int], around: _Around) -> list[Kept]:
        """What is left of each section in a digest that would be over the budget; empty where it is not."""
        size = around.size + _preheader_size(sections)
        if size + sum(map(SectionParts.size, sections, lines)) <= self._budget:
            return []
        measured = [section.measured(lines=count) for section, count in zip(sections, lines, strict=True)]
        return cut(measured, around=size, more=self._more_octets, budget=self._budget)

    def _find(self, group: _Group, chosen: int) -> tuple[tuple[SectionParts, ...], int]:
        sections = [self._section(number, chosen) for number in group.numbers if chosen >> number & 1]
        some = tuple(section for section in sections if section.count)
        found = some, sum(section.count for section in some)
        return self._shared.keep(group.found, chosen & group.matters, found, ENTRY_OCTETS)

    def _section(self, number: int, chosen: int) -> SectionParts:
        key = (number, chosen & self._selector.matters[number])
        if (section := self._sections.get(key)) is None:
            section = SectionParts(self._selector.section(*key), self._parts, self._story)
            self._shared.keep(self._sections, key, section, ENTRY_OCTETS + 16 * section.count)
        return section

    def _story(self, placed: Placed) -> StoryParts:
        key = (placed.story.id, *[topic.id for topic in placed.also])
        if (found := self._stories.get(key)) is None:
            found = self._parts.story(placed)
            octets = 5 * ENTRY_OCTETS + len(found.full.text) + len(found.full.html)
            self._shared.keep(self._stories, key, found, octets)
        return found

    def _whole(self, section: SectionParts, lines: int) -> Ready:
        if (found := section.ready.get(lines)) is None:
            found = section.whole(lines=lines)
            self._shared.keep(section.ready, lines, found, ENTRY_OCTETS + len(found.text) + len(found.html))
        return found

    def _around(self, day: date, chosen: int, hidden: frozenset[int], index: bool, more: bool) -> _Around:
        chosen &= self._selector.matters_for_announcements
        key = (day, chosen, hidden, index, more)
        return self._frames.get(key) or self._make_around(*key)

    def _make_around(self, day: date, chosen: int, hidden: frozenset[int], index: bool, more: bool) -> _Around:
        words = self._language.dateline(day)
        keys = list(frame_keys(self._selector.announcements(chosen, hidden), index=index))
        size = self._parts.html.size(keys, {"day": octets_of(words), **_SIZES})
        if more:
            keys.append(MORE)

        def frame(keys: list[str]) -> Frame:
            body = alternative(self._parts.text.around(keys), self._parts.html.around(keys))
            return Frame([self._headers, *body], {"day": inline(words)})

        links = self._parts.text.links(keys) + self._parts.html.links(keys)
        made = _Around((frame(keys), frame([*keys, BROWSER])), size, links)
        key = (day, chosen, hidden, index, more)
        octets = ENTRY_OCTETS + sum(each.octets for each in made.frames)
        return self._shared.keep(self._frames, key, made, octets)

    def _text_frame(self, day: date, chosen: int, hidden: frozenset[int], index: bool) -> Frame:
        chosen &= self._selector.matters_for_announcements
        key = (day, chosen, hidden, index)
        if (frame := self._text_frames.get(key)) is None:
            announcements = self._selector.announcements(chosen, hidden)
            body = self._parts.text.around([*frame_keys(announcements, index=index), BROWSER])
            words = self._language.dateline(day)
            frame = Frame([self._headers, *text_alone(body)], {"day": inline(words)})
            self._shared.keep(self._text_frames, key, frame, ENTRY_OCTETS + frame.octets)
        return frame

    def _fit_always(self, content: Content) -> int:
        """So many stories fit into any digest of this edition: it need not be measured."""
        html = self._parts.html

        def most(keys: Iterable[str]) -> int:
            return max((html.size([key]) for key in keys), default=0)

        def of_stories(first: str) -> int:
            return most(key_of(first, story.id) for story in content.stories)

        frame = html.size(
            frame_keys(content.announcements, index=True), {"day": self._language.longest_dateline(), **_SIZES}
        )
        preheader = max(TEASERS * of_stories("teaser"), of_stories("lead"))
        index = INDEX_LINES * (most(key_of("group", topic) for topic in self._bits) + of_stories("line"))
        story = most(key_of("topic", topic) for topic in self._bits) + max(
            (html.size(in_full(placed)) for section in whole(content).sections for placed in section.stories), default=0
        )
        return max(0, self._budget - frame - preheader - index) // max(1, story)


def _grouped(matters: Sequence[int]) -> list[_Group]:
    """The topics in groups for which few bits matter: so there are few different choices among them."""
    groups: list[_Group] = []
    for number, bits in enumerate(matters):
        bits |= 1 << number
        if groups and (groups[-1].matters | bits).bit_count() <= _BITS_OF_A_GROUP:
            last = groups.pop()
            groups.append(_Group(last.matters | bits, {}, [*last.numbers, number]))
        else:
            groups.append(_Group(bits, {}, [number]))
    return groups


def _preheader(sections: Sequence[SectionParts], stories: int) -> tuple[bytes, ...]:
    """What an inbox shows behind the subject: the next headlines or, of a single story, its excerpt."""
    if stories == 1:
        return (sections[0].stories[0].lead.html,)
    found = sections[0].teasers[1:]
    for section in sections[1:]:
        if len(found) >= TEASERS:
            break
        found += section.teasers
    return found[:TEASERS]


def _preheader_size(sections: Sequence[SectionParts]) -> int:
    """The octets of the same before it was encoded."""
    lead, *others = islice(chain.from_iterable(section.stories for section in sections), TEASERS + 1)
    return sum(story.teaser.size for story in others) if others else lead.lead.size
