"""The feeds on the operator's page, and the decision about what waits: by POST alone, and by our own form alone."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlmodel import col, select

from digestmail.feeds.manage import add_feed
from digestmail.store.models import Item, ItemTopic, Notice
from digestmail.store.states import FeedState, Trouble
from digestmail.tokens import Purpose
from tests.web.conftest import Web

FORM = re.compile(r'action="(/operator/feeds/(\d+)/([a-z-]+))">\s*<input type="hidden" name="token" value="([^"]+)">')


def flood(web: Web, title: str = "The Harbour", items: int = 7) -> int:
    """A feed of whose items some wait; its id."""
    with web.database.transaction() as session:
        url = f"https://{abs(hash(title))}.example/feed"
        feed = add_feed(session, url=url, topics=["climate", "labour"], now=web.now)
        feed.title, feed.first_success_at, feed.last_success_at = title, web.now, web.now
        for number in range(items):
            item = Item(url="", link_key="", title=f"<i>Item {number}</i>", published_at=web.now, seen_at=web.now)
            session.add(item)
            session.flush()
            for topic in (1, 2):
                place = {"item_id": item.id, "topic_id": topic, "seen_at": web.now, "news": False}
                session.add(ItemTopic(**place, quarantined_by=feed.id))
        return feed.id or 0


def forms(web: Web) -> dict[str, tuple[str, str]]:
    """The address and token of each form on the page, by what it decides."""
    return {verdict: (path, token) for path, _, verdict, token in FORM.findall(web.client.get("/operator").text)}


def places(web: Web) -> set[tuple[bool, object, int | None]]:
    with web.database.reading() as session:
        return set(session.exec(select(col(ItemTopic.news), col(ItemTopic.seen_at), col(ItemTopic.quarantined_by))))


def test_what_waits_is_shown_with_two_buttons(web: Web) -> None:
    flood(web)
    page = web.client.get("/operator").text
    assert "Brought 7 items at once, which wait for you" in page
    assert '<li dir="auto">&lt;i&gt;Item 6&lt;/i&gt;</li>' in page
    assert "and 2 more" in page
    assert page.index("Let them through") < page.index("Mark as seen")
    assert set(forms(web)) == {"let-through", "mark-seen"}


def test_let_through_it_is_news_from_now_on_and_the_page_says_so(web: Web) -> None:
    flood(web)
    path, token = forms(web)["let-through"]
    web.later(hours=1)
    answer = web.client.post(path, data={"token": token}, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("/operator?done=let-through&feed=1&items=7#done")
    assert places(web) == {(True, web.now, None)}
    page = web.client.get(answer.headers["location"]).text
    assert "7 items of <bdi>The Harbour</bdi> were let through" in page
    assert "None needs you." in page
    assert forms(web) == {}


def test_marked_as_seen_no_digest_shows_it(web: Web) -> None:
    flood(web, items=1)
    path, token = forms(web)["mark-seen"]
    seen_at = web.now
    web.later(hours=1)
    page = web.client.post(path, data={"token": token}).text
    assert "1 item of <bdi>The Harbour</bdi> was marked as seen" in page
    assert places(web) == {(False, seen_at, None)}


def test_a_second_press_finds_nothing_and_says_so(web: Web) -> None:
    flood(web)
    path, token = forms(web)["mark-seen"]
    web.client.post(path, data={"token": token})
    other, _ = path.replace("mark-seen", "let-through"), token
    assert (
        "Nothing of <bdi>The Harbour</bdi> was waiting any more" in web.client.post(other, data={"token": token}).text
    )
    assert {news for news, _, _ in places(web)} == {False}


def test_one_feed_s_decision_leaves_the_others_alone(web: Web) -> None:
    first, second = flood(web), flood(web, "Coast")
    token = web.tokens.make(Purpose.DESK, second)
    web.client.post(f"/operator/feeds/{second}/let-through", data={"token": token})
    assert {feed for _, _, feed in places(web)} == {first, None}


@pytest.mark.parametrize("verdict", ["let-through", "mark-seen"])
def test_reading_decides_nothing(web: Web, verdict: str) -> None:
    feed_id = flood(web)
    before = web.rows()
    for path in (f"/operator/feeds/{feed_id}/{verdict}", f"/operator?done={verdict}&feed={feed_id}&items=7"):
        for method in ("GET", "HEAD"):
            web.client.request(method, path)
    assert web.client.get(f"/operator/feeds/{feed_id}/{verdict}").status_code == 405
    assert web.rows() == before


def test_a_form_of_somebody_else_decides_nothing(web: Web) -> None:
    feed_id = flood(web)
    before = web.rows()
    path, token = forms(web)["let-through"]
    wrong = (
        web.tokens.make(Purpose.DESK, feed_id + 1),
        web.tokens.make(Purpose.PREFERENCES, feed_id),
        token[:-1],
        "",
        "ä",
    )
    for guess in wrong:
        assert web.client.post(path, data={"token": guess}).status_code in (403, 422)
    assert web.client.post(path).status_code == 422
    for site in ("cross-site", "same-site"):
        assert web.client.post(path, data={"token": token}, headers={"sec-fetch-site": site}).status_code == 403
    assert web.rows() == before
    ours = web.client.post(path, data={"token": token}, headers={"sec-fetch-site": "same-origin"})
    assert ours.status_code == 200
    assert web.rows() != before


@pytest.mark.parametrize(
    ("caller", "name", "status"),
    [("127.0.0.1", "localhost:8000", 303), ("192.0.2.7", "localhost:8000", 403), ("127.0.0.1", "x.example", 403)],
)
def test_who_may_not_look_may_not_decide(make_web: Callable[..., Web], caller: str, name: str, status: int) -> None:
    web = make_web(SMTP_URL="smtp://127.0.0.1:2525", client=(caller, 50000))
    token = web.tokens.make(Purpose.DESK, flood(web))
    answer = web.client.post(
        "/operator/feeds/1/mark-seen", data={"token": token}, headers={"host": name}, follow_redirects=False
    )
    assert answer.status_code == status
    assert (None in {feed for _, _, feed in places(web)}) == (status == 303)


def test_a_decision_of_no_kind_is_refused(web: Web) -> None:
    token = web.tokens.make(Purpose.DESK, flood(web))
    assert web.client.post("/operator/feeds/1/forget", data={"token": token}).status_code == 422


def test_the_page_lies_below_the_path_of_its_address(make_web: Callable[..., Web]) -> None:
    web = make_web(BASE_URL="https://example.org/digest")
    token = web.tokens.make(Purpose.DESK, flood(web))
    assert 'action="/digest/operator/feeds/1/let-through"' in web.client.get("/operator").text
    answer = web.client.post("/operator/feeds/1/let-through", data={"token": token}, follow_redirects=False)
    assert answer.headers["location"].startswith("/digest/operator?")


def test_a_card_says_how_a_feed_is(web: Web) -> None:
    with web.database.transaction() as session:
        feed = add_feed(session, url="https://harbour.example/feed", topics=["city"], now=web.now)
        feed.title, feed.usual_gap = "<b>Harbour</b> & Sons", 8 * 3600
        feed.first_success_at = feed.last_success_at = web.now - timedelta(minutes=12)
        feed.last_item_at, feed.next_poll_at = web.now - timedelta(hours=3), web.now + timedelta(minutes=48)
    page = web.client.get("/operator").text
    assert '<bdi dir="auto">&lt;b&gt;Harbour&lt;/b&gt; &amp; Sons</bdi>' in page
    assert "<bdi>City &amp; Hall</bdi>" in page
    for fact in (">12 minutes ago</time>", ">3 hours ago</time>", ">about 3 a day<", ">in 48 minutes</time>"):
        assert fact in page
    assert 'aria-label="Items a day in the last 14 days, today last: 0, 0' in page
    assert "None needs you." in page
    assert not re.search(r"<[^>]+ (style|on\w+)=", page)


def test_each_state_has_its_word(web: Web) -> None:
    with web.database.transaction() as session:
        for name, changes in {
            "new": {},
            "paused": {"state": FeedState.PAUSED},
            "gone": {"state": FeedState.GONE},
            "retrying": {"failures": 1, "last_error": "It timed out."},
            "failing": {"failures": 3, "last_error": "It timed out."},
            "well": {"last_success_at": web.now},
            "silent": {
                "last_success_at": web.now,
                "last_item_at": web.now - timedelta(days=9),
                "usual_gap": 3600,
            },
        }.items():
            feed = add_feed(session, url=f"https://{name}.example/", topics=["city"], now=web.now)
            feed.title = f"A {name} feed"
            for attribute, value in changes.items():
                setattr(feed, attribute, value)
    flood(web, "A waits feed")
    page = web.client.get("/operator").text
    cards = re.findall(r'<li id="feed-\d+">\s*<span class="health \w+">(\w+)</span>.*?A (\w+) feed', page, re.DOTALL)
    assert len(cards) == 8
    assert all(word == name for word, name in cards)
    assert "The last try failed: It timed out." in page
    assert page.index("A gone feed") < page.index("A failing feed") < page.index("A new feed")


def test_many_feeds_are_folded_in_and_the_troubled_stay_in_sight(web: Web) -> None:
    with web.database.transaction() as session:
        for number in range(130):
            feed = add_feed(session, url=f"https://example.org/{number}", topics=["city"], now=web.now)
            if number < 60:
                feed.state = FeedState.GONE
    page = web.client.get("/operator").text
    assert page.count('<li id="feed-') == 130
    assert page[: page.index("<details>")].count('<li id="feed-') == 50
    assert "<summary>10 more</summary>" in page
    assert "<summary>70 feeds need nothing</summary>" in page
    assert "60 of 130 need you." in page


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "Notices go to operator@localhost.localdomain, in the local inbox."),
        ({"OPERATOR": "me@example.org", "SMTP_URL": "smtp://127.0.0.1:2525"}, "Notices go to me@example.org."),
        ({"SMTP_URL": "smtp://127.0.0.1:2525"}, "once you set <code>DIGESTMAIL_OPERATOR</code>"),
    ],
)
def test_the_page_says_where_notices_go(make_web: Callable[..., Web], settings: dict[str, str], words: str) -> None:
    web = make_web(client=("127.0.0.1", 50000), **settings)
    with web.database.transaction() as session:
        add_feed(session, url="https://example.org/", topics=["city"], now=web.now)
        session.add(Notice(trouble=Trouble.GONE, text="A <notice>.", created_at=web.now, sent_at=web.now))
    page = web.client.get("/operator", headers={"host": "localhost"}).text
    assert words in page
    assert "23 Nov, 12:00 UTC · mailed</span> A &lt;notice&gt;." in page
