"""The sample of today's digest beside the sign-up form."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from digestmail.store.models import Item, ItemTopic
from tests.web.conftest import Web

CLIMATE, LABOUR, CITY = 1, 2, 3


def publish(web: Web, title: str, *topics: int, ago: timedelta = timedelta()) -> None:
    """A story that was seen under these topics (ids) so long ago."""
    at = web.now - ago
    item = Item(
        url="https://courier.example/story",
        link_key="k",
        title=title,
        excerpt="One <script>alert()</script> sentence.",
        image_url="https://pictures.example/1.jpg",
        published_at=at,
        seen_at=at,
    )
    with web.database.transaction() as session:
        session.add(item)
        session.flush()
        session.add_all(ItemTopic(item_id=item.id or 0, topic_id=topic, seen_at=at) for topic in topics)


def test_it_shows_the_newest_stories_of_every_topic_on_the_publications_day(make_web: Callable[..., Web]) -> None:
    web = make_web(DEFAULT_TIME_ZONE="Pacific/Auckland")
    publish(web, "The river rises", CLIMATE)
    publish(web, "The harbour strikes", LABOUR)
    page = web.client.get("/sample").text
    assert "The river rises" in page
    assert "The harbour strikes" in page
    assert "Tuesday, 24 November 2026" in page
    assert "without its pictures" in page


def test_it_can_be_limited_to_topics_and_unknown_ones_are_left_out(web: Web) -> None:
    publish(web, "The river rises", CLIMATE)
    publish(web, "The harbour strikes", LABOUR)
    page = web.client.get("/sample?topics=labour,knitting").text
    assert "The harbour strikes" in page
    assert "The river rises" not in page
    assert "The river rises" in web.client.get("/sample?topics=knitting").text


def test_it_is_in_the_language_that_is_asked_for(web: Web) -> None:
    publish(web, "The river rises", CLIMATE)
    page = web.client.get("/sample?lang=es", headers={"Accept-Language": "ar"})
    assert page.headers["content-language"] == "es"
    assert "vary" not in page.headers
    assert "Lunes, 23 de noviembre de 2026" in page.text
    negotiated = web.client.get("/sample", headers={"Accept-Language": "ar"})
    assert negotiated.headers["content-language"] == "ar"
    assert negotiated.headers["vary"] == "Accept-Language"


def test_it_runs_no_script_asks_no_other_server_and_stays_in_our_own_frame(web: Web) -> None:
    publish(web, "The river rises", CLIMATE)
    page = web.client.get("/sample")
    assert "<script" not in page.text
    assert "pictures.example" not in page.text
    assert page.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'self'"
    )
    assert page.headers["x-robots-tag"] == "noindex"
    assert page.headers["referrer-policy"] == "no-referrer"


def test_the_logo_is_that_of_the_pages(make_web: Callable[..., Web]) -> None:
    web = make_web(LOGO_URL="https://courier.example/logo.png", LOGO_SIZE="200x40")
    publish(web, "The river rises", CLIMATE)
    page = web.client.get("/sample")
    assert re.findall(r'<img[^>]*src="([^"]+)"', page.text) == ["https://courier.example/logo.png"]
    assert "img-src 'self' https://courier.example;" in page.headers["content-security-policy"]


def test_without_a_story_it_says_so_and_the_form_has_no_frame(web: Web) -> None:
    page = web.client.get("/sample")
    assert page.status_code == 200
    assert "No stories yet" in page.text
    assert "frame-ancestors 'self'" in page.headers["content-security-policy"]
    form = web.client.get("/").text
    assert "<iframe" not in form
    assert "The first digest comes with the first story." in form


def test_the_form_shows_the_ticked_topics_and_all_where_these_have_no_story(web: Web) -> None:
    publish(web, "The river rises", CLIMATE)
    publish(web, "The harbour strikes", LABOUR)
    for ticked, shown in (("", ""), ("labour,city", "&amp;topics=labour"), ("city", ""), ("knitting", "")):
        frame = re.search(
            r'<iframe title="A sample of today’s digest" src="([^"]+)"', web.client.get(f"/?topics={ticked}").text
        )
        assert frame
        assert frame[1] == f"/sample?lang=en{shown}"


def test_looking_changes_nothing_and_is_looked_up_once_a_minute(web: Web) -> None:
    publish(web, "The river rises", CLIMATE)
    before = web.rows()
    statements: list[str] = []
    event.listen(web.database.engine, "before_cursor_execute", lambda *called: statements.append(called[2]))
    web.client.get("/sample")
    assert statements
    statements.clear()
    for path in ("/sample", "/sample?topics=climate", "/sample?lang=es"):
        assert web.client.get(path).status_code == web.client.head(path).status_code == 200
    assert statements == []
    publish(web, "The harbour strikes", LABOUR)
    assert "The harbour strikes" not in web.client.get("/sample").text
    web.later(minutes=1)
    assert "The harbour strikes" in web.client.get("/sample").text
    rows = web.rows()
    assert {name: rows[name] for name in rows if name not in ("items", "item_topics")} == {
        name: before[name] for name in rows if name not in ("items", "item_topics")
    }
    assert web.client.post("/sample").status_code == 405


@pytest.mark.parametrize("path", ["/sample?topics=%00&lang=%ff", "/sample?topics=" + "a," * 2000])
def test_strange_addresses_are_answered(web: Web, path: str) -> None:
    assert web.client.get(path).status_code == 200
