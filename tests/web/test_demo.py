"""The demo publication's own pages."""

import re
from collections.abc import Callable

from tests.web.conftest import Web


def test_the_feed_leads_to_its_stories_and_pictures(web: Web) -> None:
    feed = web.client.get("/demo/feed.atom")
    assert feed.headers["content-type"].startswith("application/atom+xml")
    base = web.site.settings.public_url
    (story, *_) = re.findall(rf'href="{base}(/demo/stories/[^"]+)"', feed.text)
    (picture, *_) = re.findall(rf'url="{base}(/demo/pictures/[^"]+)"', feed.text)
    page = web.client.get(story)
    assert page.status_code == 200
    assert "November 2026" in page.text
    assert web.client.get(picture).headers["content-type"] == "image/jpeg"


def test_what_is_not_there_is_not_found(web: Web) -> None:
    for path in ("stories/none", "pictures/none.jpg", "pictures/..%2fnewsroom.toml", "pictures/..", "none"):
        assert web.client.get(f"/demo/{path}").status_code == 404


def test_there_is_no_demo_once_mail_leaves_the_machine(make_web: Callable[..., Web]) -> None:
    assert make_web(SMTP_URL="smtp://127.0.0.1:2525").client.get("/demo/feed.atom").status_code == 404
