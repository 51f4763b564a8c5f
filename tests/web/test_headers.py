"""Security headers."""

from collections.abc import Callable

import pytest

from digestmail.tokens import Purpose
from tests.web.conftest import Web


@pytest.mark.parametrize("path", ["/", "/operator", "/inbox", "/nowhere", "/healthz", "/static/pages.css"])
def test_every_answer_forbids_foreign_content(web: Web, path: str) -> None:
    headers = web.client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in headers


def test_pages_with_a_token_are_not_kept(web: Web) -> None:
    reader = web.subscribe()
    for purpose in (Purpose.UNSUBSCRIBE, Purpose.UNDO, Purpose.PREFERENCES):
        assert web.client.get(web.link(purpose, reader)).headers["cache-control"] == "no-store"


def test_https_is_insisted_on_where_it_is_used(make_web: Callable[..., Web]) -> None:
    assert "strict-transport-security" not in make_web().client.get("/").headers
    secure = make_web(BASE_URL="https://digest.example.org")
    assert secure.client.get("/").headers["strict-transport-security"] == "max-age=31536000"
