"""What search engines are told: which pages are nobody's but a reader's, and where past stories are."""

from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from fastapi import APIRouter, HTTPException
from fastapi.responses import PlainTextResponse, Response
from fastapi.routing import APIRoute

from digestmail.archive import stories
from digestmail.feeds.manage import topics
from digestmail.web.archive import calendar_of
from digestmail.web.site import READ, Site, TheSite

_NOT_FOR_READERS = ("/api/", "/demo/", "/inbox", "/metrics", "/operator")

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'

_KEPT = {"Cache-Control": "public, max-age=3600"}


class XmlResponse(Response):
    """An XML document."""

    media_type = "application/xml"


def router_of(readers: Iterable[APIRouter]) -> APIRouter:
    """Serves `/robots.txt` and `/sitemap.xml`; of these routers' pages no robot opens those that a token leads to."""
    router = APIRouter()
    routes = [route for each in readers for route in each.routes if isinstance(route, APIRoute)]
    private = {route.path.partition("{token}")[0] for route in routes if "{token}" in route.path}

    @router.api_route("/robots.txt", methods=READ)
    def show_robots(site: TheSite) -> PlainTextResponse:
        """Which pages robots may open (RFC 9309)."""
        url = site.settings.public_url
        root = urlsplit(url).path
        lines = ["User-agent: *", *(f"Disallow: {root}{path}" for path in sorted(private.union(_NOT_FOR_READERS)))]
        if site.settings.archive:
            lines += ["", f"Sitemap: {url}/sitemap.xml"]
        return PlainTextResponse("\n".join(lines) + "\n", headers=_KEPT)

    @router.api_route("/sitemap.xml", methods=READ)
    def show_sitemap(site: TheSite) -> XmlResponse:
        """The first page, the topics and their newest days (sitemaps.org)."""
        if not site.settings.archive:
            raise HTTPException(404)
        lines = (f"<url><loc>{escape(site.settings.public_url + path)}</loc></url>" for path in _paths(site))
        return XmlResponse("\n".join([_HEAD, *lines, "</urlset>", ""]), headers=_KEPT)

    return router


def _paths(site: Site) -> Iterator[str]:
    with site.database.reading() as session:
        all_topics = topics(session)
        days_of = stories.newest_days(session, calendar_of(site))
    yield from ("/", "/archive")
    for topic in all_topics:
        yield f"/archive/{topic.slug}"
        yield from (f"/archive/{topic.slug}/{each.day}" for each in days_of.get(topic.id or 0, ()))
