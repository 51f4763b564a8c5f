"""A reader's digest: the chosen topics in order, every story once, nothing that was had before."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from digestmail.editions.content import Announcement, Content, Story, Topic
from digestmail.editions.select import Selector, select, whole

TOPICS = tuple(Topic(id=number, slug=f"t{number}", name=f"Topic {number}") for number in range(1, 6))

topic_sets = st.frozensets(st.integers(1, 5))


@st.composite
def contents(draw: st.DrawFn) -> Content:
    stories = []
    for number in range(draw(st.integers(0, 8))):
        topics = draw(topic_sets.filter(bool))
        stories.append(
            Story(
                id=number,
                title=draw(st.text(max_size=10)),
                url=f"https://example.org/{number}",
                excerpt="",
                author="",
                source="",
                image_url="",
                published_at=draw(st.datetimes(timezones=st.just(UTC))),
                topics=tuple(sorted(topics)),
                earlier=tuple(sorted(draw(topic_sets) - topics)),
            )
        )
    announcements = tuple(
        Announcement(
            id=number,
            title="Give",
            text="",
            link_url="",
            link_label="",
            topics=tuple(draw(topic_sets)),
            image_width=draw(st.none() | st.integers(1, 900)),
            season=draw(st.sampled_from(("", "year-end"))),
        )
        for number in range(draw(st.integers(0, 2)))
    )
    return Content(topics=TOPICS, stories=tuple(stories), announcements=announcements)


@given(contents(), topic_sets)
def test_each_story_stands_once_under_the_first_chosen_topic(content: Content, chosen: frozenset[int]) -> None:
    selection = select(content, chosen)
    ids = [story.id for story in selection.stories]
    assert len(ids) == len(set(ids))
    assert set(ids) == {
        story.id for story in content.stories if chosen & set(story.topics) and not chosen & set(story.earlier)
    }
    for section in selection.sections:
        assert section.stories
        for placed in section.stories:
            held_by = [topic for topic in placed.story.topics if topic in chosen]
            assert [section.topic.id, *(topic.id for topic in placed.also)] == held_by


@given(contents(), topic_sets)
def test_the_order_is_the_publishers(content: Content, chosen: frozenset[int]) -> None:
    selection = select(content, chosen)
    assert [section.topic.id for section in selection.sections] == sorted(s.topic.id for s in selection.sections)
    place = {story.id: number for number, story in enumerate(content.stories)}
    for section in selection.sections:
        places = [place[placed.story.id] for placed in section.stories]
        assert places == sorted(places)


@given(contents(), topic_sets, st.frozensets(st.integers(0, 3)))
def test_announcements_are_for_everybody_or_for_their_topics_unless_they_are_hidden(
    content: Content, chosen: frozenset[int], hidden: frozenset[int]
) -> None:
    selection = select(content, chosen, hidden)
    for announcement in content.announcements:
        wanted = not announcement.topics or bool(chosen & set(announcement.topics))
        assert (announcement in selection.announcements) == (wanted and announcement.id not in hidden)
    assert selection.sections == select(content, chosen).sections


@given(contents())
def test_the_whole_has_every_topic_and_every_story_once_with_all_its_topics(content: Content) -> None:
    selection = whole(content)
    assert [section.topic for section in selection.sections] == list(content.topics)
    placed = [placed for section in selection.sections for placed in section.stories]
    assert sorted(each.story.id for each in placed) == [story.id for story in content.stories]
    assert all(tuple(topic.id for topic in each.also) == each.story.topics for each in placed)
    assert selection.announcements == content.announcements


@given(contents(), topic_sets)
def test_a_section_depends_on_nothing_but_the_topics_that_matter_for_it(
    content: Content, chosen: frozenset[int]
) -> None:
    selector = Selector(content)
    bits = selector.bits(chosen)
    for section in selector.selection(bits).sections:
        number = selector.number_of[section.topic.id]
        assert selector.section(number, bits & selector.matters[number]) == section
    assert selector.announcements(bits & selector.matters_for_announcements) == selector.announcements(bits)


@given(contents(), topic_sets)
def test_an_unknown_topic_changes_nothing(content: Content, chosen: frozenset[int]) -> None:
    assert select(content, chosen | {99}) == select(content, chosen)


@given(contents())
def test_content_survives_being_kept(content: Content) -> None:
    assert Content.from_json(content.to_json()) == content


def test_what_an_earlier_version_kept_is_read() -> None:
    kept = (
        '{"topics":[],"stories":[],"announcements":'
        '[{"id":3,"title":"Give","text":"","link_url":"","link_label":"","topics":[1]}]}'
    )
    block = Announcement(id=3, title="Give", text="", link_url="", link_label="", topics=(1,), image_url="", season="")
    assert Content.from_json(kept).announcements == (block,)


def test_the_kept_form_is_pinned() -> None:
    at = datetime(2026, 11, 23, 7, 30, tzinfo=UTC)
    story = Story(
        id=7,
        title="Grüße",
        url="https://example.org/7",
        excerpt="x",
        author="",
        source="Wire",
        image_url="",
        published_at=at,
        topics=(1,),
    )
    content = Content(topics=TOPICS[:1], stories=(story,))
    assert content.to_json() == (
        '{"topics":[{"id":1,"slug":"t1","name":"Topic 1"}],"stories":[{"id":7,"title":"Grüße",'
        '"url":"https://example.org/7","excerpt":"x","author":"","source":"Wire","image_url":"",'
        '"published_at":"2026-11-23T07:30:00+00:00","topics":[1],"earlier":[],"language":"","more":0}],'
        '"announcements":[]}'
    )
