"""The promise of cut and join: what is joined for a reader is equal to what is rendered for that reader alone."""

from datetime import UTC, datetime
from itertools import combinations, cycle

from hypothesis import given, settings
from hypothesis import strategies as st

from digestmail.editions.content import Announcement, Content, Story, Topic
from digestmail.language import Language, languages
from digestmail.messages.budget import BUDGET
from digestmail.messages.message import Message
from digestmail.store.states import Kind, MailFormat
from tests.messages.samples import DAY, alone, compose, composer_of, html_of, parsed, text_of

NASTY = (
    "",
    "Grain corridor reopens",
    "وزراء الخارجية في عمّان",
    "שלום 12 and back",
    "漢字" * 60,
    "Fish & <b>chips</b> “today” =3D",
    "<!-- story:1:1 --> </td></table></body>",
    "{{ 7 * 7 }}{% raw %}",
    "\0 bell\a \ud800 lone \ufffe bidi\u202e!",
    "one\r\n.\r\nFrom two\r\n--=_digestmail_alternative--",
    "a\u00a0b\u00ad\u2028c 🦭",
    ".",
    "x" * 500,
)
texts = st.sampled_from(NASTY) | st.text(max_size=30)
links = st.sampled_from(("", "https://a.example/1?b=2&c=%20", "javascript:alert(1)", "https://ü.example/ß'\"")) | texts
sizes = st.sampled_from((None, 0, 1, 600, 5000))


@st.composite
def contents(draw: st.DrawFn) -> Content:
    names = draw(st.lists(texts, min_size=1, max_size=4))
    topics = tuple(Topic(id=place, slug=f"t{place}", name=name) for place, name in enumerate(names, 1))
    some = st.sets(st.sampled_from([topic.id for topic in topics]))
    stories = tuple(
        Story(
            id=number,
            title=draw(texts),
            url=draw(links),
            excerpt=draw(texts),
            author=draw(texts),
            source=draw(texts),
            image_url=draw(links),
            published_at=datetime(2026, 11, 22, 3, number, tzinfo=UTC),
            topics=tuple(sorted(draw(some))),
            earlier=tuple(sorted(draw(st.just(set()) | some))),
        )
        for number in range(1, draw(st.integers(0, 7)) + 1)
    )
    announcements = tuple(
        Announcement(
            id=number,
            title=draw(texts),
            text=draw(texts) + "\n\n" + draw(texts),
            link_url=draw(links),
            link_label=draw(texts),
            topics=tuple(sorted(draw(st.just(set()) | some))),
            image_url=draw(links),
            image_alt=draw(texts),
            image_width=draw(sizes),
            image_height=draw(sizes),
            season=draw(st.sampled_from(("", "year's end"))),
        )
        for number in range(1, draw(st.integers(0, 2)) + 1)
    )
    return Content(topics=topics, stories=stories, announcements=announcements)


def subsets(announcements: tuple[Announcement, ...]) -> list[frozenset[int]]:
    """Every choice of announcements that a reader may not get, and one that is of another edition."""
    ids = [announcement.id for announcement in announcements]
    return [frozenset({99, *some}) for size in range(len(ids), -1, -1) for some in combinations(ids, size)]


@settings(max_examples=40, deadline=None)
@given(
    content=contents(),
    kind=st.sampled_from((Kind.DIGEST, Kind.WELCOME)),
    language=st.sampled_from(list(languages().values())),
    budget=st.just(BUDGET) | st.integers(6_000, 20_000),
)
def test_a_joined_digest_is_the_digest_rendered_alone(
    content: Content, kind: Kind, language: Language, budget: int
) -> None:
    composer = composer_of(content, kind=kind, language=language, budget=budget)
    all_topics = [topic.id for topic in content.topics]
    for size in range(len(all_topics) + 1):
        for topics, hidden in zip(combinations(all_topics, size), cycle(subsets(content.announcements)), strict=False):
            single = alone(content, *topics, kind=kind, language=language, budget=budget, hidden=hidden)
            message = composer.compose(
                delivery_id=75,
                subscriber_id=5,
                recipient="ann@example.org",
                topics=frozenset(topics),
                day=DAY,
                hidden=hidden,
            )
            assert (message is None) == (single is None)
            if message and single:
                joined = compose(composer, *topics, hidden=hidden)
                assert joined == message
                assert html_of(joined) == single.html
                assert text_of(joined) == single.text
                check_the_wire(joined)
                whole = alone(
                    content, *topics, kind=kind, language=language, hidden=hidden, mail_format=MailFormat.TEXT
                )
                in_text = compose(composer, *topics, hidden=hidden, mail_format=MailFormat.TEXT)
                assert parsed(in_text).get_content_type() == "text/plain"
                assert whole
                assert text_of(in_text) == whole.text
                check_the_wire(in_text)


def check_the_wire(message: Message) -> None:
    """It may go over the wire as it is."""
    assert message.wire_ready
    assert message.data.isascii()
    assert not any(line.startswith(b".") for line in message.data.split(b"\r\n"))
