"""The page with a reader's whole digest, to which a mail leads that counts what it has no room for."""

import html
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from sqlmodel import update

from digestmail.desk.announcements import add_announcement
from digestmail.editions.content import Announcement, Content, Story, Topic
from digestmail.store.models import Delivery, Edition
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind
from digestmail.subscribers.choices import set_topics
from digestmail.tokens import Purpose
from tests.web.conftest import Web

SLOT = datetime(2026, 11, 23, 6, tzinfo=UTC)


def story(number: int, *topics: int) -> Story:
    return Story(
        id=number,
        title=f"Headline number {number}",
        url=f"https://courier.example/{number}",
        excerpt="One <script>alert()</script> sentence.",
        author="",
        source="",
        image_url="",
        published_at=SLOT,
        topics=topics,
    )


def deliver(
    web: Web, reader: int, *stories: Story, kind: Kind = Kind.DIGEST, announcements: tuple[Announcement, ...] = ()
) -> str:
    """Keep an edition of these stories and a delivery of it; the path of its page."""
    names = ("Climate", "Labour", "City & Hall")
    topics = tuple(Topic(id=number, slug=f"t{number}", name=name) for number, name in enumerate(names, 1))
    content = Content(topics=topics, stories=stories, announcements=announcements)
    with web.database.transaction() as session:
        edition = Edition(kind=kind, since_at=SLOT, slot_at=SLOT, cutoff_at=SLOT, content=content.to_json())
        session.add(edition)
        session.flush()
        day = date(2026, 11, 24)  # the reader is ahead of UTC
        row = new_delivery(kind, reader, scheduled_day=day, slot_at=SLOT, now=SLOT, edition_id=edition.id)
        delivery = Delivery(**row)
        session.add(delivery)
        session.flush()
        return f"/d/{web.tokens.make(Purpose.VIEW, delivery.id or 0)}"


def test_it_shows_every_story_of_the_readers_topics(web: Web) -> None:
    stories = [story(number, 1 + number % 3) for number in range(1, 301)]
    path: str | None = deliver(web, web.subscribe(), *stories)
    shown, pages = 0, 0
    while path:
        page = web.client.get(path)
        assert page.status_code == 200
        assert len(page.content) < 100_000
        assert "Tuesday, 24 November 2026" in page.text
        assert "The Harbour Courier" in page.text
        shown += page.text.count('<td class="story rule"')
        pages += 1
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        path = f"{path.partition('?')[0]}{html.unescape(following[1])}" if following else None
    assert (shown, pages) == (200, 4)  # of climate and labour


def test_there_is_no_page_behind_the_last(web: Web) -> None:
    path = deliver(web, web.subscribe(), story(1, 1))
    assert web.client.get(f"{path}?page=2").status_code == 404
    assert web.client.get(f"{path}?page=0").status_code == 422


def test_pictures_from_elsewhere_come_only_where_they_are_asked_for(web: Web) -> None:
    ours = f"{web.site.settings.public_url}/demo/pictures/a.jpg"
    elsewhere = replace(story(1, 1), image_url="https://cdn.example/a.jpg")
    path = deliver(web, web.subscribe(), elsewhere, replace(story(2, 1), image_url=ours))
    bare = web.client.get(path)
    assert "cdn.example" not in bare.text
    assert f'src="{ours}"' in bare.text
    assert "img-src 'self';" in bare.headers["content-security-policy"]
    asked = re.search(r'href="([^"]+)">Show pictures', bare.text)
    assert asked
    full = web.client.get(path + html.unescape(asked[1]))
    assert 'src="https://cdn.example/a.jpg"' in full.text
    assert "img-src http: https:" in full.headers["content-security-policy"]
    assert "Show pictures" not in full.text


def test_it_leads_to_the_archive_where_there_is_one(web: Web, make_web: Callable[..., Web]) -> None:
    for visit, there in ((web, True), (make_web(ARCHIVE="off"), False)):
        page = visit.client.get(deliver(visit, visit.subscribe(), story(1, 1))).text
        assert (f'href="{visit.site.settings.public_url}/archive"' in page) is there


def test_it_shows_the_topics_that_the_reader_has_now(web: Web) -> None:
    reader = web.subscribe()
    path = deliver(web, reader, story(1, 1), story(2, 3))
    with web.database.transaction() as session:
        set_topics(session, reader, frozenset({3}))
    page = web.client.get(path).text
    assert "Headline number 2" in page
    assert "Headline number 1" not in page


def test_its_links_lead_to_the_preferences_and_out(web: Web) -> None:
    reader = web.subscribe()
    page = web.client.get(deliver(web, reader, story(1, 1))).text
    for purpose in (Purpose.PREFERENCES, Purpose.UNSUBSCRIBE):
        link = web.link(purpose, reader)
        assert f'href="{web.site.settings.public_url}{link}"' in page
        assert web.client.get(link).status_code == 200


def test_it_shows_the_announcements_that_the_mail_shows(web: Web) -> None:
    reader = web.subscribe()
    with web.database.transaction() as session:
        add_announcement(session, title="Give", season="roof", starts_at=SLOT, ends_at=SLOT + timedelta(days=9))
    block = Announcement(id=1, title="Mend the roof", text="", link_url="", link_label="", season="roof")
    path = deliver(web, reader, story(1, 1), announcements=(block,))
    page = web.client.get(path).text
    gave = f"/g/{web.tokens.make(Purpose.GAVE, reader)}"
    assert "Mend the roof" in page
    assert f'href="{web.site.settings.public_url}{gave}"' in page
    web.client.post(gave)
    assert "Mend the roof" not in web.client.get(path).text


def test_a_welcome_is_shown_as_one(web: Web) -> None:
    page = web.client.get(deliver(web, web.subscribe(), story(1, 1), kind=Kind.WELCOME)).text
    assert "This is your first digest" in page


def test_it_runs_no_script_and_is_in_no_index(web: Web) -> None:
    page = web.client.get(deliver(web, web.subscribe(), story(1, 1)))
    assert "<script" not in page.text
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


def test_looking_changes_nothing(web: Web) -> None:
    path = deliver(web, web.subscribe(), story(1, 1))
    before = web.rows()
    assert web.client.get(path).status_code == web.client.head(path).status_code == 200
    assert web.rows() == before
    assert web.client.post(path).status_code == 405


def test_a_digest_that_is_no_longer_kept_says_so(web: Web) -> None:
    path = deliver(web, web.subscribe(), story(1, 1))
    with web.database.transaction() as session:
        session.connection().execute(update(Delivery).values(edition_id=None))
    for gone in (path, f"/d/{web.tokens.make(Purpose.VIEW, 99)}"):
        page = web.client.get(gone)
        assert page.status_code == web.client.head(gone).status_code == 410
        assert "This digest is gone" in page.text
        assert "older" in page.text


def test_a_digest_without_a_story_in_the_present_topics_leads_to_them(web: Web) -> None:
    reader = web.subscribe()
    page = web.client.get(deliver(web, reader, story(1, 3)))
    assert page.status_code == 410
    assert f'href="{web.link(Purpose.PREFERENCES, reader)}"' in page.text


def test_a_link_for_another_purpose_opens_nothing(web: Web) -> None:
    reader = web.subscribe()
    assert web.client.get(f"/d/{web.tokens.make(Purpose.PREFERENCES, reader)}").status_code == 404
    assert web.client.get("/d/damaged").status_code == 404
