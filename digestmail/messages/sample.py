"""An invented edition in all its forms, to look at and to try templates with."""

from datetime import datetime, timedelta

from digestmail.editions.content import Announcement, Content, Story, Topic

_TOPICS = ("Town & Country", "Science", "Books")
_TRIAL = (
    "The first study was small and its result was splendid. The second was large, careful and quiet, and it deserves "
    "the louder headline."
)
_LIBRARY = (
    "Behind the reading room there are six rooms with a chair, a lamp and nothing else. They are booked until spring."
)
_TRAM = "A driver began to hold the last tram for those who ran. The company did the sums, and made it the rule."
_STORIES: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("The tram that waits", _TRAM, (1, 3)),
    ("What the second trial said", _TRIAL, (2,)),
    ("A library that lends silence", _LIBRARY, (1, 3)),
    ("Counting swifts by ear", "A hundred volunteers stand in a hundred back yards at dusk and listen.", (1, 2)),
    ("A headline without an excerpt, from a feed that gives none", "", (2,)),
    ("The long way round", "Water that takes the long way round arrives late, and low.", (3,)),
)
_PICTURES = ("tram", "", "library", "", "", "river")


def sample_edition(*, url: str, now: datetime) -> Content:
    """The edition; its links lead below `url`, where the demo's pictures are too."""
    stories = [
        Story(
            id=number,
            title=title,
            url=f"{url}/#{number}" if excerpt else "",
            excerpt=excerpt,
            author="Mirela Stane" if number % 2 else "",
            source="The Sample Courier",
            image_url=f"{url}/demo/pictures/{picture}.jpg" if picture else "",
            published_at=now - timedelta(minutes=37 * number),
            topics=topics,
            language="en" if number == 1 else "",
        )
        for number, ((title, excerpt, topics), picture) in enumerate(zip(_STORIES, _PICTURES, strict=True), 1)
    ]
    rest = Story(
        id=len(stories) + 1,
        title="",
        url=f"{url}/",
        excerpt="",
        author="",
        source="The Sample Courier",
        image_url="",
        published_at=now,
        topics=(3,),
        more=12,
    )
    return Content(
        topics=tuple(Topic(id=number, slug=f"sample-{number}", name=name) for number, name in enumerate(_TOPICS, 1)),
        stories=(*stories, rest),
        announcements=(
            Announcement(
                id=1,
                title="Our year-end appeal",
                text="No owner stands behind us.\n\nReaders pay for every hour of reporting.",
                link_url=f"{url}/",
                link_label="How we are paid for",
                image_url=f"{url}/demo/pictures/lighthouse.jpg",
                image_alt="A lighthouse at dusk",
                season="sample",
            ),
            Announcement(
                id=2, title="For readers of science", text="Come and see us.", link_url="", link_label="", topics=(2,)
            ),
        ),
    )
