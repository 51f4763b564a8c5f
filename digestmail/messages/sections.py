"""A topic's section in pieces: its stories in full and short, its lines in the index, and what all that takes.

Most readers choose topics as nobody else does, but a section depends on few of them: on those with which it shares a
story. So sections are what readers share, and a digest is the sections of the chosen topics, one after the other.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from digestmail.editions.select import Placed, Section
from digestmail.messages.budget import Kept, Measured
from digestmail.messages.digest import TEASERS
from digestmail.messages.keys import HTML_REGIONS, TEXT_REGIONS, in_full, key_of
from digestmail.messages.pieces import Marks, Pieces
from digestmail.messages.template import Rendering


class Chunk(NamedTuple):
    """A part of a digest in both forms, encoded; `size` is that of its HTML before, in octets."""

    text: bytes
    html: bytes
    size: int
    links: int
    """Of both forms together."""


class Ready(NamedTuple):
    """A section, whole or cut, with its lines in the index: ready to be joined with others."""

    text_index: bytes
    html_index: bytes
    text: bytes
    html: bytes
    links: int
    """Of all four together."""


class StoryParts(NamedTuple):
    """A story in each of its forms, its line in the index, and what an inbox shows of it unopened."""

    full: Chunk
    short: Chunk
    line: Chunk
    teaser: Chunk
    lead: Chunk


class Parts:
    """A marked rendering in both forms, cut into pieces."""

    def __init__(self, rendering: Rendering, marks: Marks) -> None:
        self.text, self.html = Pieces(rendering.text, marks, TEXT_REGIONS), Pieces(rendering.html, marks, HTML_REGIONS)

    @property
    def wire_ready(self) -> bool:
        """No line of any piece begins with a dot; all are ASCII."""
        return self.text.wire_ready and self.html.wire_ready

    @property
    def octets(self) -> int:
        """What the pieces take in memory."""
        return self.text.octets + self.html.octets

    def chunk(self, *keys: str) -> Chunk:
        """The pieces with these keys, in the order of the rendering."""
        links = self.text.links(keys) + self.html.links(keys)
        return Chunk(self.text.join(keys), self.html.join(keys), self.html.size(keys), links)

    def story(self, placed: Placed) -> StoryParts:
        """The parts of a story."""
        short, line, teaser, lead = (
            self.chunk(key_of(form, placed.story.id)) for form in ("short", "line", "teaser", "lead")
        )
        return StoryParts(self.chunk(*in_full(placed)), short, line, teaser, lead)


class SectionParts:
    """A topic's section as some readers have it."""

    __slots__ = ("_group", "_heading", "_size", "count", "ready", "stories", "teasers", "title")

    def __init__(self, section: Section, parts: Parts, story: Callable[[Placed], StoryParts]) -> None:
        """`story` gives the parts of a story."""
        self._heading = parts.chunk(key_of("topic", section.topic.id))
        self._group = parts.chunk(key_of("group", section.topic.id))
        self.stories = tuple(map(story, section.stories))
        self.count = len(self.stories)
        self.title = section.stories[0].story.title if section.stories else ""
        self.teasers = tuple(each.teaser.html for each in self.stories[: TEASERS + 1])
        self._size = self._heading.size + sum(each.full.size for each in self.stories)
        self.ready: dict[int, Ready] = {}
        """The whole section by the number of its lines in the index; a place to keep what `whole` gave."""

    def size(self, lines: int) -> int:
        """The octets of its HTML, with so many lines in the index."""
        index = self._group.size + sum([story.line.size for story in self.stories[:lines]]) if lines else 0
        return self._size + index

    def whole(self, *, lines: int) -> Ready:
        """All of it, with so many lines in the index."""
        if made := next(iter(self.ready.values()), None):
            links = self._heading.links + sum(story.full.links for story in self.stories)
            index = self._index_chunks(lines)
            return Ready(*_joined(index), made.text, made.html, links + _links(index))
        return self.cut(Kept(self.count, self.count), lines=lines)

    def cut(self, kept: Kept, *, lines: int) -> Ready:
        """What is kept of it, with at most so many lines in the index; nothing at all where no story is kept."""
        if not kept.shown:
            return Ready(b"", b"", b"", b"", 0)
        in_full = [story.full for story in self.stories[: kept.full]]
        short = [story.short for story in self.stories[kept.full : kept.shown]]
        index, stories = self._index_chunks(min(lines, kept.shown)), [self._heading, *in_full, *short]
        return Ready(*_joined(index), *_joined(stories), _links(index) + _links(stories))

    def measured(self, *, lines: int) -> list[Measured]:
        """What its stories take, where the first `lines` of them stand in the index."""
        besides = [story.line.size for story in self.stories[:lines]]
        besides += [0] * (self.count - len(besides))
        besides[0] += self._heading.size + (self._group.size if lines else 0)
        return [
            Measured(story.full.size, story.short.size, more) for story, more in zip(self.stories, besides, strict=True)
        ]

    def _index_chunks(self, lines: int) -> list[Chunk]:
        return [self._group, *(story.line for story in self.stories[:lines])] if lines else []


def _joined(chunks: Sequence[Chunk]) -> tuple[bytes, bytes]:
    return b"".join([chunk.text for chunk in chunks]), b"".join([chunk.html for chunk in chunks])


def _links(chunks: Iterable[Chunk]) -> int:
    return sum(chunk.links for chunk in chunks)
