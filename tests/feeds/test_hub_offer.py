"""The hub that a feed offers is found in the answer's Link headers first, then in the document."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.feeds.hub_offer import HubOffer, hub_offer

URL = "https://harbour.example/news/feed.xml"


def offer(*links: str, hub_url: str = "", self_url: str = "") -> HubOffer | None:
    return hub_offer(links, hub_url=hub_url, self_url=self_url, url=URL)


def test_most_feeds_offer_none() -> None:
    assert offer() is None
    assert offer('<https://harbour.example/feed>; rel="self"', self_url=URL) is None


def test_the_document_names_it() -> None:
    found = offer(hub_url="https://hub.example/", self_url="https://harbour.example/feed?a=1&b=%c3%bc")
    assert found == HubOffer("https://hub.example/", "https://harbour.example/feed?a=1&b=%c3%bc")


@pytest.mark.parametrize(
    "links",
    [
        ('<https://hub.example/>; rel="hub"', '<https://harbour.example/f>; rel="self"'),
        ('<https://hub.example/>; rel="hub", <https://harbour.example/f>; rel="self"',),
        ("<https://hub.example/>;rel=hub,<https://harbour.example/f>;rel=self",),
        ('<//hub.example/>; title="a, <b>; c"; REL = "Preload HUB" , </f>; rel=self',),
        ('<  https://hub.example/ >; crossorigin; rel="hub"', '</f>; rel="self"; type="application/atom+xml"'),
    ],
)
def test_headers_name_it_before_the_document(links: tuple[str, ...]) -> None:
    found = offer(*links, hub_url="https://other.example/", self_url="https://other.example/feed")
    assert found == HubOffer("https://hub.example/", "https://harbour.example/f")


def test_what_headers_do_not_name_the_document_may() -> None:
    header = '<https://hub.example/>; rel="hub"'
    assert offer(header, self_url="/feed") == HubOffer("https://hub.example/", "https://harbour.example/feed")
    assert offer('</f>; rel="self"', hub_url="/hub") == HubOffer(
        "https://harbour.example/hub", "https://harbour.example/f"
    )


def test_a_feed_that_does_not_name_itself_is_known_by_its_address() -> None:
    assert offer(hub_url="https://hub.example/") == HubOffer("https://hub.example/", URL)
    assert offer(hub_url="https://hub.example/", self_url="tag:feed") == HubOffer("https://hub.example/", URL)


def test_an_https_hub_is_taken_before_others() -> None:
    found = offer("<http://a.example/>; rel=hub, <https://b.example/>; rel=hub, <https://c.example/>; rel=hub")
    assert found is not None
    assert found.hub_url == "https://b.example/"


@pytest.mark.parametrize(
    "link",
    [
        '<https://hub.example/>; rel="hubcap"',
        '<https://hub.example/>; title="; rel=hub"; rel="next"; rel="hub"',
        '<https://hub.example/>; rel="hub"; anchor="/other"',
        "<https://hub.example/>",
        "https://hub.example/; rel=hub",
        "<ftp://hub.example/>; rel=hub",
        "<https://user:secret@hub.example/>; rel=hub",
        "<>; rel=hub",
        "<http://[::1/>; rel=hub",
        f"<https://hub.example/{'x' * 3000}>; rel=hub",
        f"{' ' * 20_000}<https://hub.example/>; rel=hub",
    ],
)
def test_what_is_no_hub_is_passed_over(link: str) -> None:
    assert offer(link) is None


pieces = st.sampled_from([*'<>;,"= \\', "rel", "hub", "self", "anchor", "https://hub.example/"])


@given(st.lists(st.lists(pieces).map("".join) | st.text(), max_size=3), st.text(), st.text())
def test_whatever_comes_an_offer_has_two_web_addresses(links: list[str], hub_url: str, self_url: str) -> None:
    if (found := offer(*links, hub_url=hub_url, self_url=self_url)) is not None:
        for url in (found.hub_url, found.topic_url):
            assert urlsplit(url).scheme.lower() in ("http", "https")
            url.encode()


def test_a_long_header_takes_no_long_time() -> None:
    for part in ("<", "<>", "<a>;", "<a>; a", '<a>; a="', " ;", "; rel", "<a>" + "; a" * 100 + " " * 100):
        assert offer(part * (10_000 // len(part) + 1)) is None
