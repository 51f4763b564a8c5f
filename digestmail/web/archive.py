"""The public archive: past stories by topic and day under addresses that stay, each topic's feed, and the search."""

from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from digestmail.archive import atom, stories
from digestmail.archive.days import Calendar, by_month, read_day
from digestmail.archive.search import LONGEST, MarkedItem, marked_item, search, words_of
from digestmail.feeds.manage import topics
from digestmail.store.models import Topic
from digestmail.web.site import READ, Site, TheSite, TheSpoken
from digestmail.web.spoken import Spoken
from digestmail.web.unchanged import document

router = APIRouter()

OF_A_DAY_PAGE = 40
"""Stories on one page of a day."""
IN_A_FEED = 50

_KEPT = "public, max-age=300"

RowNumber = Annotated[int, Query(ge=1, le=2**53)]


class AtomResponse(Response):
    """An Atom document."""

    media_type = atom.MEDIA_TYPE


@router.api_route("/archive", methods=READ)
def show_archive(
    site: TheSite, spoken: TheSpoken, q: str | None = None, topic: str = "", before: RowNumber | None = None
) -> HTMLResponse:
    """The topics with their newest days; with `q`, the stories that hold all its words, `topic` being a slug.

    `before` asks for the stories older than the one of that number.
    """
    with site.database.reading() as session:
        if q is not None:
            return _found(site, spoken, session, typed=q[:LONGEST].strip(), slug=topic, before=before)
        return _page(
            site,
            spoken,
            "web/archive.html",
            path="/archive",
            topics=topics(session),
            days_of=stories.newest_days(session, calendar_of(site)),
        )


@router.api_route("/archive/{slug}.atom", methods=READ)
def show_feed(site: TheSite, request: Request, slug: str) -> AtomResponse:
    """The newest stories of a topic for feed readers (Atom, RFC 4287)."""
    with site.database.reading() as session:
        topic = _topic(session, slug)
        newest = stories.newest_stories(session, topic.id or 0, calendar_of(site), limit=IN_A_FEED)
        url = f"{site.settings.public_url}/archive/{topic.slug}"
        installation = site.tokens.installation
        feed = atom.Feed(
            id=atom.identity(installation, "topic", topic.id or 0),
            title=f"{topic.name} · {site.settings.site_name}",
            subtitle=topic.description,
            author=site.settings.site_name,
            url=url,
            self_url=f"{url}.atom",
            category=(topic.slug, topic.name),
            entries=[
                atom.Entry(
                    id=atom.identity(installation, "item", item.id or 0),
                    title=item.title,
                    url=item.url,
                    summary=item.excerpt,
                    author=item.author or item.source,
                    published_at=item.published_at,
                    updated_at=seen_at,
                    language=item.language,
                )
                for item, seen_at in newest
            ],
        )
    return document(request, AtomResponse, atom.write(feed), changed_at=feed.updated_at, kept=_KEPT)


@router.api_route("/archive/{slug}", methods=READ)
def show_topic(
    site: TheSite, spoken: TheSpoken, slug: str, year: Annotated[int | None, Query(ge=1900, le=9000)] = None
) -> HTMLResponse:
    """The days of a topic that have stories, a year at a time."""
    calendar = calendar_of(site)
    with site.database.reading() as session:
        topic = _topic(session, slug)
        years = stories.years(session, topic.id or 0, calendar)
        shown = years[0] if year is None else year
        if shown not in years:
            raise HTTPException(404)
        days = stories.days_of_year(session, topic.id or 0, shown, calendar)
    return _page(
        site,
        spoken,
        "web/archive_topic.html",
        path=f"/archive/{topic.slug}" + (f"?year={shown}" if shown != years[0] else ""),
        topic=topic,
        indexable=bool(days),
        year=shown,
        years=years,
        months=by_month(days),
    )


@router.api_route("/archive/{slug}/{day}", methods=READ)
def show_day(
    site: TheSite, spoken: TheSpoken, slug: str, day: str, page: Annotated[int, Query(ge=1, le=1000)] = 1
) -> HTMLResponse:
    """The stories of a topic on a day, such as `2026-11-27`; 410 where the archive does not go back so far."""
    calendar = calendar_of(site)
    wanted = read_day(day)
    with site.database.reading() as session:
        topic = _topic(session, slug)
        if wanted is None or wanted > calendar.today:
            raise HTTPException(404)
        if wanted < calendar.first:
            return site.pages.show("web/archive_gone.html", spoken, status=410, topic=topic, first=calendar.first)
        shown = stories.stories_of_day(session, topic.id or 0, wanted, calendar, page=page, of=OF_A_DAY_PAGE)
    pages = -(-shown.total // OF_A_DAY_PAGE)
    if page > max(pages, 1):
        raise HTTPException(404)
    return _page(
        site,
        spoken,
        "web/archive_day.html",
        path=f"/archive/{topic.slug}/{wanted}" + (f"?page={page}" if page > 1 else ""),
        topic=topic,
        indexable=bool(shown.stories),
        day=wanted,
        today=wanted == calendar.today,
        shown=shown,
        page=page,
        pages=pages,
    )


def calendar_of(site: Site) -> Calendar:
    """The days of the archive at this instant."""
    kept = timedelta(days=site.settings.archive_days)
    return Calendar(site.settings.default_time_zone, kept, site.clock())


def _found(site: Site, spoken: Spoken, session: Session, *, typed: str, slug: str, before: int | None) -> HTMLResponse:
    """The page of what was found."""
    topic = _topic(session, slug) if slug else None
    words = words_of(typed)
    results: list[tuple[MarkedItem, list[tuple[Topic, date]]]] = []
    more = None
    if words:
        calendar = calendar_of(site)
        found = search(session, words, calendar, topic_id=topic.id if topic else None, before=before)
        places = stories.places_of(session, found.items, calendar)
        results = [(marked_item(item, words), places[item.id or 0]) for item in found.items]
        more = found.before
    return _page(
        site,
        spoken,
        "web/archive_search.html",
        path="/archive",
        indexable=False,
        topics=topics(session),
        typed=typed,
        chosen=slug,
        words=words,
        results=results,
        before=before,
        more=more,
    )


def _topic(session: Session, slug: str) -> Topic:
    for topic in topics(session):  # compared here: PostgreSQL takes no NUL, and an address may have one
        if topic.slug == slug:
            return topic
    raise HTTPException(404)


def _page(
    site: Site,
    spoken: Spoken,
    template: str,
    *,
    path: str,
    topic: Topic | None = None,
    indexable: bool = True,
    **values: Any,
) -> HTMLResponse:
    """A page that anybody may keep for some minutes."""
    feed = f"/archive/{topic.slug}.atom" if topic else ""
    response = site.pages.show(template, spoken, path=path, topic=topic, feed=feed, indexable=indexable, **values)
    response.headers["Cache-Control"] = _KEPT
    return response
