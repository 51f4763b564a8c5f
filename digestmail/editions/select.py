"""A reader's part of an edition (pure): the chosen topics in order, every story once."""

from collections.abc import Iterable
from dataclasses import dataclass

from digestmail.editions.content import Announcement, Content, Story, Topic


@dataclass(frozen=True, slots=True)
class Placed:
    """A story under one topic, with the other topics that hold it too ("also in …")."""

    story: Story
    also: tuple[Topic, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A topic with its stories; never empty."""

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


def select(content: Content, chosen: Iterable[int]) -> Selection:
    """The digest of a reader of the topics `chosen`.

    A story stands under the first chosen topic that holds it. It is left out where a chosen topic showed it before this
    window. Announcements come along but never make a digest: look at `stories` to see whether there is one.
    """
    wanted = frozenset(chosen)
    names = {topic.id: topic for topic in content.topics}
    under: dict[int, list[Placed]] = {topic.id: [] for topic in content.topics}
    for story in content.stories:
        places = [names[topic] for topic in story.topics if topic in wanted]
        if places and wanted.isdisjoint(story.earlier):
            under[places[0].id].append(Placed(story, tuple(places[1:])))
    return Selection(_sections(content, under), _for_readers_of(content, wanted))


def whole(content: Content) -> Selection:
    """Everything that any digest of this edition can show: each story under each of its topics, with all the others."""
    names = {topic.id: topic for topic in content.topics}
    under: dict[int, list[Placed]] = {topic.id: [] for topic in content.topics}
    for story in content.stories:
        for topic in story.topics:
            others = tuple(names[other] for other in story.topics if other != topic)
            under[topic].append(Placed(story, others))
    return Selection(_sections(content, under), content.announcements)


def _sections(content: Content, under: dict[int, list[Placed]]) -> tuple[Section, ...]:
    return tuple(Section(topic, tuple(under[topic.id])) for topic in content.topics if under[topic.id])


def _for_readers_of(content: Content, wanted: frozenset[int]) -> tuple[Announcement, ...]:
    return tuple(a for a in content.announcements if not a.topics or not wanted.isdisjoint(a.topics))
