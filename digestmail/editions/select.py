"""A reader's part of an edition (pure): the chosen topics in order, every story once.

A choice of topics is a number here, with a bit for each topic, the first one's lowest: most readers have a choice of
their own, and what a choice means for a story is then one operation.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from digestmail.editions.content import Announcement, Content, Story, Topic


@dataclass(frozen=True, slots=True)
class Placed:
    """A story under one topic, with the other topics that hold it too ("also in …")."""

    story: Story
    also: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A topic with its stories; in a reader's selection never empty."""

    topic: Topic
    stories: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """What one digest shows."""

    sections: tuple[Section, ...]
    announcements: tuple[Announcement, ...]

    @property
    def stories(self) -> tuple[Story, ...]:
        """Every story in the order of the digest."""
        return tuple(placed.story for section in self.sections for placed in section.stories)


class _Held(NamedTuple):
    """A story that a topic holds, and as bits all topics that hold it and all that showed it earlier."""

    story: Story
    topics: int
    earlier: int


class Selector:
    """Selects from one edition, for any choice of topics.

    A story stands under the first chosen topic that holds it. It is left out where a chosen topic showed it before this
    window. Announcements come along but never make a digest: look at the sections to see whether there is one.
    """

    def __init__(self, content: Content) -> None:
        self.topics = content.topics
        self.number_of = {topic.id: number for number, topic in enumerate(content.topics)}
        """A topic's number, by its id. Its bit is `1 << number`."""
        self._announcements = [(each, self.bits(each.topics)) for each in content.announcements]
        self._held: tuple[list[_Held], ...] = tuple([] for _ in content.topics)
        for story in content.stories:
            held = _Held(story, self.bits(story.topics), self.bits(story.earlier))
            for topic in story.topics:
                self._held[self.number_of[topic]].append(held)
        self.matters = tuple(_all(held.topics | held.earlier for held in stories) for stories in self._held)
        """By topic: the bits on which its section depends. Readers who differ in others only have the same."""
        self.matters_for_announcements = _all(bits for _, bits in self._announcements)

    def bits(self, chosen: Iterable[int]) -> int:
        """The choice of these topics (ids); a topic that the edition does not know is left out."""
        return _all(1 << self.number_of[topic] for topic in chosen if topic in self.number_of)

    def section(self, number: int, chosen: int) -> Section:
        """The stories under a topic, which is taken as chosen; none where they stand elsewhere or were had before."""
        own = 1 << number
        before = own - 1
        return Section(
            self.topics[number],
            tuple(
                Placed(held.story, self._named(held.topics & chosen & ~own))
                for held in self._held[number]
                if not (held.topics & before | held.earlier) & chosen
            ),
        )

    def announcements(self, chosen: int, hidden: Container[int] = ()) -> tuple[Announcement, ...]:
        """Those for everybody and those for one of the chosen topics, without the `hidden` ones (ids)."""
        return tuple(
            each for each, bits in self._announcements if (not each.topics or bits & chosen) and each.id not in hidden
        )

    def selection(self, chosen: int, hidden: Container[int] = ()) -> Selection:
        """The whole digest, without the announcements in `hidden`."""
        sections = (self.section(number, chosen) for number in range(len(self.topics)) if chosen >> number & 1)
        return Selection(tuple(section for section in sections if section.stories), self.announcements(chosen, hidden))

    def _named(self, bits: int) -> tuple[Topic, ...]:
        return tuple(topic for number, topic in enumerate(self.topics) if bits >> number & 1) if bits else ()


def select(content: Content, chosen: Iterable[int], hidden: Container[int] = ()) -> Selection:
    """The digest of a reader of the topics `chosen` without the announcements in `hidden`, where it is needed once.

    Both are ids.
    """
    selector = Selector(content)
    return selector.selection(selector.bits(chosen), hidden)


def whole(content: Content) -> Selection:
    """What all digests of this edition are made of: every topic, and every story once, with all topics that hold it."""
    names = {topic.id: topic for topic in content.topics}
    under: dict[int, list[Placed]] = {topic.id: [] for topic in content.topics}
    for story in content.stories:
        if story.topics:
            under[story.topics[0]].append(Placed(story, tuple(names[topic] for topic in story.topics)))
    sections = tuple(Section(topic, tuple(under[topic.id])) for topic in content.topics)
    return Selection(sections, content.announcements)


def _all(bits: Iterable[int]) -> int:
    together = 0
    for each in bits:
        together |= each
    return together
