"""The public archive: topics, days, feeds and the search, as a visitor meets them."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import feedparser
import pytest
from lxml import etree

from digestmail.store.models import Topic
from digestmail.web.archive import OF_A_DAY_PAGE
from tests.web.conftest import Web
from tests.web.doors import print_item

TODAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def test_the_first_page_has_the_topics_and_their_newest_days(web: Web) -> None:
    print_item(web, 1, seen_at=TODAY)
    print_item(web, 2, seen_at=TODAY)
    print_item(web, 3, seen_at=TODAY - 20 * DAY)
    page = web.client.get("/archive")
    assert page.status_code == 200
    assert re.findall(r'href="/archive/climate/([^"]+)"', page.text) == ["2026-11-23"]
    assert "2 stories" in page.text
    assert "City &amp; Hall" in page.text
    assert page.text.count("Nothing new in the last two weeks.") == 2


def test_a_topic_has_its_days_by_month_and_year(web: Web) -> None:
    for number, at in enumerate((TODAY, TODAY - 30 * DAY, datetime(2025, 12, 31, 12, tzinfo=UTC)), 1):
        print_item(web, number, seen_at=at)
    page = web.client.get("/archive/climate").text
    assert re.findall(r'href="/archive/climate/(2[^"]+)"', page) == ["2026-11-23", "2026-10-24"]
    assert [heading in page for heading in ("November 2026", "October 2026", "December 2025")] == [True, True, False]
    earlier = web.client.get("/archive/climate?year=2025").text
    assert re.findall(r'href="/archive/climate/(2[^"]+)"', earlier) == ["2025-12-31"]
    assert "<title>Climate, 2025 · The Harbour Courier</title>" in earlier
    assert web.client.get("/archive/climate?year=2024").status_code == 404


def test_a_day_has_its_stories(web: Web) -> None:
    print_item(web, 1, seen_at=TODAY, title="Fish & <chips>", author="Ada", source="The Courier", language="es")
    page = web.client.get("/archive/climate/2026-11-23")
    assert page.status_code == 200
    assert '<a href="https://courier.example/1" rel="noopener">Fish &amp; &lt;chips&gt;</a>' in page.text
    assert '<article lang="es" dir="auto">' in page.text
    assert "Ada" in page.text
    assert "<title>Climate, 23 November 2026 · The Harbour Courier</title>" in page.text
    assert 'href="/?topics=climate"' in page.text


def test_a_day_begins_at_midnight_in_the_publications_zone(make_web: Callable[..., Web]) -> None:
    web = make_web(DEFAULT_TIME_ZONE="America/New_York")
    print_item(web, 1, seen_at=datetime(2026, 11, 23, 4, 59, tzinfo=UTC))
    print_item(web, 2, seen_at=datetime(2026, 11, 23, 5, tzinfo=UTC))
    assert titles(web, "2026-11-22") == ["Headline number 1"]
    assert titles(web, "2026-11-23") == ["Headline number 2"]


def titles(web: Web, day: str, topic: str = "climate") -> list[str]:
    return re.findall(r'rel="noopener">([^<]+)<', web.client.get(f"/archive/{topic}/{day}").text)


def test_what_is_not_shown_to_readers_is_not_in_the_archive(web: Web) -> None:
    print_item(web, 1, seen_at=TODAY)
    print_item(web, 2, seen_at=TODAY, news=False)
    print_item(web, 3, seen_at=TODAY, broken="it cannot be rendered")
    print_item(web, 4, seen_at=TODAY, withdrawn_at=TODAY)
    print_item(web, 5, 2, seen_at=TODAY)
    assert titles(web, "2026-11-23") == ["Headline number 1"]
    assert [entry.title for entry in feed_of(web).entries] == ["Headline number 1"]
    assert "1 story" in web.client.get("/archive/climate").text


def test_a_day_leads_to_the_days_with_stories_before_and_after(web: Web) -> None:
    for number, ago in enumerate((0, 3, 9), 1):
        print_item(web, number, seen_at=TODAY - ago * DAY)
    page = web.client.get("/archive/climate/2026-11-20").text
    assert 'rel="prev" href="/archive/climate/2026-11-14"' in page
    assert 'rel="next" href="/archive/climate/2026-11-23"' in page
    empty = web.client.get("/archive/climate/2026-11-22")
    assert empty.status_code == 200
    assert "No story came on this day." in empty.text
    assert 'rel="prev" href="/archive/climate/2026-11-20"' in empty.text
    assert '<meta name="robots" content="noindex">' in empty.text


def test_today_may_still_bring_something(web: Web) -> None:
    assert "Nothing new so far today." in web.client.get("/archive/climate/2026-11-23").text


def test_a_long_day_has_pages(web: Web) -> None:
    long = {"excerpt": "語" * 320, "title": "語" * 120}
    for number in range(OF_A_DAY_PAGE + 1):
        print_item(web, number + 1, seen_at=TODAY, **long)
    first = web.client.get("/archive/climate/2026-11-23")
    assert first.text.count("<article") == OF_A_DAY_PAGE
    assert len(first.content) < 80_000  # with the style sheet under 100 KB
    assert 'href="/archive/climate/2026-11-23?page=2"' in first.text
    second = web.client.get("/archive/climate/2026-11-23?page=2")
    assert second.text.count("<article") == 1
    assert 'rel="canonical" href="http://127.0.0.1:8000/archive/climate/2026-11-23?page=2"' in second.text
    assert web.client.get("/archive/climate/2026-11-23?page=3").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["nothing", "nothing.atom", "nothing/2026-11-23", "climate/2026-11-24", "climate/2026-02-30", "climate/yesterday"],
)
def test_what_never_was_is_not_found(web: Web, path: str) -> None:
    assert web.client.get(f"/archive/{path}").status_code == 404


def test_a_day_longer_ago_than_is_kept_is_gone(make_web: Callable[..., Web]) -> None:
    web = make_web(ARCHIVE_DAYS="7")
    print_item(web, 1, seen_at=TODAY - 8 * DAY)
    gone = web.client.get("/archive/climate/2026-11-16")
    assert gone.status_code == web.client.head("/archive/climate/2026-11-16").status_code == 410
    assert "The archive goes back to 17 November 2026." in gone.text
    assert web.client.get("/archive/climate/2026-11-17").status_code == 200
    assert not feed_of(web).entries
    assert "Headline" not in web.client.get("/archive?q=headline").text


def feed_of(web: Web) -> feedparser.FeedParserDict:
    return feedparser.parse(web.client.get("/archive/climate.atom").content)


def test_a_topics_feed_has_its_newest_stories(web: Web) -> None:
    for number in range(1, 61):
        print_item(web, number, seen_at=TODAY - number * timedelta(hours=1))
    answer = web.client.get("/archive/climate.atom")
    assert answer.headers["content-type"] == "application/atom+xml"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["last-modified"] == "Mon, 23 Nov 2026 05:00:00 GMT"
    read = feedparser.parse(answer.content)
    assert not read.bozo
    assert [entry.title for entry in read.entries] == [f"Headline number {number}" for number in range(1, 51)]
    assert read.feed.title == "Climate · The Harbour Courier"
    assert '<link rel="alternate" type="application/atom+xml" href="/archive/climate.atom"' in (
        web.client.get("/archive/climate").text
    )


def test_who_has_the_feed_does_not_get_it_again(web: Web) -> None:
    print_item(web, 1, seen_at=TODAY)
    path = "/archive/climate.atom"
    tag = web.client.get(path).headers["etag"]
    for has in (
        {"if-none-match": tag},
        {"if-none-match": f'"x", W/{tag}'},
        {"if-none-match": "*"},
        {"if-modified-since": "Mon, 23 Nov 2026 06:00:00 GMT"},
    ):
        answer = web.client.get(path, headers=has)
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    for lacks in (
        {"if-none-match": '"x"', "if-modified-since": "Mon, 23 Nov 2026 06:00:00 GMT"},
        {"if-modified-since": "Mon, 23 Nov 2026 05:59:59 GMT"},
        {"if-modified-since": "yesterday"},
    ):
        assert web.client.get(path, headers=lacks).status_code == 200
    print_item(web, 2, seen_at=TODAY)
    assert web.client.get(path, headers={"if-none-match": tag}).status_code == 200


def test_the_search_marks_what_it_found_and_leads_to_its_day(web: Web) -> None:
    print_item(web, 1, 1, 2, seen_at=TODAY, title="Café <b>")
    print_item(web, 2, seen_at=TODAY, title="Tea")
    page = web.client.get("/archive?q=cafe").text
    assert "<mark>Café</mark> &lt;b&gt;" in page
    assert "Tea" not in page
    assert 'href="/archive/climate/2026-11-23"' in page
    assert 'href="/archive/labour/2026-11-23"' in page
    assert '<meta name="robots" content="noindex">' in page
    assert "Nothing was found" in web.client.get("/archive?q=cafe&topic=city").text
    assert "Type one or more words." in web.client.get("/archive?q=+").text
    assert web.client.get("/archive?q=cafe&topic=nothing").status_code == 404


def test_the_search_goes_on_to_older_stories(web: Web) -> None:
    for number in range(1, 25):
        print_item(web, number, seen_at=TODAY)
    page = web.client.get("/archive?q=headline").text
    older = re.search(r'rel="next" href="([^"]+)"', page)
    assert older
    page = web.client.get(older[1].replace("&amp;", "&")).text
    assert page.count("<article") == 4
    assert 'rel="next"' not in page


def test_an_archive_that_is_off_is_nowhere(make_web: Callable[..., Web]) -> None:
    web = make_web(ARCHIVE="off")
    print_item(web, 1, seen_at=TODAY)
    for path in ("/archive", "/archive?q=a", "/archive/climate", "/archive/climate.atom", "/sitemap.xml"):
        assert web.client.get(path).status_code == 404
    assert web.client.get("/archive/climate/2026-11-23").status_code == 404
    assert "/archive" not in web.client.get("/").text
    assert "Sitemap" not in web.client.get("/robots.txt").text


def test_its_pages_may_be_kept_and_found(web: Web) -> None:
    print_item(web, 1, seen_at=TODAY)
    for path in ("/archive", "/archive/climate", "/archive/climate/2026-11-23"):
        page = web.client.get(path)
        assert page.headers["cache-control"] == "public, max-age=300"
        assert page.headers["vary"] == "Accept-Language"
        assert f'<link rel="canonical" href="http://127.0.0.1:8000{path}">' in page.text
        assert f'<meta property="og:url" content="http://127.0.0.1:8000{path}">' in page.text
        assert '<meta name="robots" content="index, follow">' in page.text
        assert "og:image" not in page.text
        assert web.client.head(path).status_code == 200
    assert 'href="/archive"' in web.client.get("/").text


def test_a_card_has_the_publishers_logo_and_no_other_picture(make_web: Callable[..., Web]) -> None:
    web = make_web(LOGO_URL="https://courier.example/logo.png", LOGO_SIZE="200x40")
    print_item(web, 1, seen_at=TODAY, image_url="https://cdn.example/1.jpg")
    page = web.client.get("/archive/climate/2026-11-23").text
    assert '<meta property="og:image" content="https://courier.example/logo.png">' in page
    assert "cdn.example" not in page


def test_a_language_stays_from_page_to_page(web: Web) -> None:
    print_item(web, 1, seen_at=TODAY)
    page = web.client.get("/archive/climate/2026-11-23?lang=ar")
    assert '<html lang="ar" dir="rtl">' in page.text
    assert 'href="/archive/climate?lang=ar"' in page.text
    assert 'href="/?topics=climate&amp;lang=ar"' in page.text
    assert "vary" not in page.headers


def test_search_engines_are_told_what_is_whose(web: Web) -> None:
    print_item(web, 1, seen_at=TODAY)
    robots = web.client.get("/robots.txt")
    assert robots.headers["content-type"].startswith("text/plain")
    for path in ("/c/", "/d/", "/g/", "/p/", "/u/", "/undo/", "/operator", "/inbox"):
        assert f"Disallow: {path}\n" in robots.text
    assert "Disallow: /archive" not in robots.text
    assert robots.text.endswith("Sitemap: http://127.0.0.1:8000/sitemap.xml\n")
    root = etree.fromstring(web.client.get("/sitemap.xml").content)
    found = [element.text.removeprefix("http://127.0.0.1:8000") for element in root.iter("{*}loc")]
    assert found == [
        "/",
        "/archive",
        "/archive/climate",
        "/archive/climate/2026-11-23",
        "/archive/labour",
        "/archive/city",
    ]


def test_a_publication_without_topics_has_an_empty_archive(make_web: Callable[..., Web]) -> None:
    web = make_web(topics=False)
    assert "There are no topics yet" in web.client.get("/archive").text
    with web.database.transaction() as session:
        session.add(Topic(slug="sea", name="Sea"))
    assert "There is no story of this year." in web.client.get("/archive/sea").text
    assert web.client.get(f"/archive/sea/{date(2026, 11, 1)}").status_code == 200
