"""Which hub a feed offers, and under which address the hub knows it (pure; W3C WebSub, section 4)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from digestmail.feeds.clean import safe_link, tidy

_MAX_HEADER = 10_000

_PARAMETER = r";\s*([^\s=;,\"]+)(?:\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]*)))?"
_PARAMETERS = re.compile(_PARAMETER)
_LINK = re.compile(rf"<([^<>]*)>((?:\s*{_PARAMETER})*)")


@dataclass(frozen=True, slots=True)
class HubOffer:
    """A hub's address, and the feed's own as the hub knows it: the topic, in the standard's words."""

    hub_url: str
    topic_url: str


def hub_offer(links: Sequence[str], *, hub_url: str, self_url: str, url: str) -> HubOffer | None:
    """The hub of a feed that came from `url`, or None.

    `links` are the answer's Link headers as they came, which go before what the document says itself: `hub_url` and
    `self_url`, or "". Of several hubs an https one is taken; a feed that does not name itself is known by `url`.
    """
    hubs, selves = _linked(links, "hub", url), _linked(links, "self", url)
    hubs = hubs or list(_absolute([hub_url], url))
    selves = selves or list(_absolute([self_url], url)) or [url]
    if not hubs:
        return None
    return HubOffer(min(hubs, key=lambda hub: not hub.startswith("https:")), selves[0])


def _linked(links: Sequence[str], rel: str, base: str) -> list[str]:
    """The targets of the links with this relation (RFC 8288, section 3)."""
    found = (link for header in links for link in _LINK.finditer(header[:_MAX_HEADER]))
    return list(_absolute((link[1] for link in found if rel in _rels(link[2])), base))


def _rels(parameters: str) -> list[str]:
    """The relations that a link names; none where it has an anchor, and so speaks of another page."""
    known: dict[str, str] = {}
    for name, quoted, bare in _PARAMETERS.findall(parameters):
        known.setdefault(name.lower(), quoted or bare)
    return [] if "anchor" in known else known.get("rel", "").lower().split()


def _absolute(addresses: Iterable[str], base: str) -> Iterator[str]:
    """Those that are web addresses once they are absolute, letter by letter as they came: a hub compares them."""
    for address in map(tidy, addresses):
        try:
            whole = address if safe_link(address) or not address else urljoin(base, address)
        except ValueError:
            continue
        if safe_link(whole):
            yield whole
