"""The operator's page and what is decided there, the same as metrics, and the answer to a probe of health."""

import logging
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from digestmail.deliveries.accounts import accounts
from digestmail.deliveries.bounces.history import returns
from digestmail.deliveries.heartbeat import living
from digestmail.desk.figures import figures
from digestmail.desk.metrics import CONTENT_TYPE, metrics_of
from digestmail.desk.notices import operator_address
from digestmail.errors import TokenError
from digestmail.feeds.quarantine import let_through, mark_as_seen
from digestmail.feeds.sentinel import count_troubles
from digestmail.settings import is_this_machine
from digestmail.store.database import hold_back_news
from digestmail.store.models import Topic
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite

router = APIRouter()

_log = logging.getLogger(__name__)


class Verdict(StrEnum):
    """What becomes of a feed's items in quarantine."""

    LET_THROUGH = "let-through"
    MARK_SEEN = "mark-seen"


@router.api_route("/operator", methods=READ)
def show_status(
    site: TheSite, request: Request, done: Verdict | None = None, feed: int = 0, items: int = 0
) -> HTMLResponse:
    """Counts and the feeds' health. Once mail leaves the machine, only the machine itself may look.

    `done` tells what was just decided about so many `items` of a `feed`.
    """
    _let_in(site, request)
    now = site.clock()
    with site.database.reading() as session:
        figure = figures(session, now=now, time_zone=site.settings.default_time_zone)
    return site.pages.show(
        "operator/status.html",
        figures=figure,
        asked=site.gate.asked(now),
        usual=site.gate.limit,
        now=now,
        notices_to=operator_address(site.settings),
        token=lambda feed_id: site.tokens.make(Purpose.DESK, feed_id),
        done=done,
        done_feed=next((card.name for card in figure.feeds if card.id == feed), "that feed"),
        done_items=items,
    )


@router.post("/operator/feeds/{feed_id}/{verdict}")
def decide(
    site: TheSite, request: Request, feed_id: int, verdict: Verdict, token: Annotated[str, Form()]
) -> RedirectResponse:
    """Let a feed's quarantined items through, or mark them as seen; then back to the page, which says so."""
    _let_in(site, request)
    _check_that_it_is_our_form(site, request, feed_id, token)
    with site.database.transaction() as session:
        hold_back_news(session.connection())
        if verdict is Verdict.LET_THROUGH:
            items = let_through(session, feed_id, now=site.clock())
        else:
            items = mark_as_seen(session, feed_id)
    root = urlsplit(site.settings.public_url).path
    return RedirectResponse(f"{root}/operator?done={verdict}&feed={feed_id}&items={items}#done", 303)


@router.api_route("/metrics", methods=READ)
def show_metrics(site: TheSite, request: Request) -> Response:
    """The accounts in Prometheus's text format, for the same callers as the operator's page."""
    _let_in(site, request)
    with site.database.reading(at_one_moment=True) as session:
        found = accounts(session.connection())
        workers = len(living(session.connection()))
        feeds = count_troubles(session, now=site.clock())
        back = returns(session, now=site.clock())
    return Response(metrics_of(found, workers=workers, feeds=feeds, returns=back), media_type=CONTENT_TYPE)


@router.api_route("/healthz", methods=READ)
def check_health(site: TheSite) -> JSONResponse:
    """200 when the database answers, else 503."""
    try:
        with site.database.reading() as session:
            session.exec(select(Topic.id).limit(1)).first()
    except SQLAlchemyError as error:
        _log.error("the database does not answer: %s", error)
        return JSONResponse({"ok": False}, 503)
    return JSONResponse({"ok": True})


def _let_in(site: Site, request: Request) -> None:
    if site.settings.relay is not None and not _from_this_machine(request):
        raise HTTPException(403)


def _from_this_machine(request: Request) -> bool:
    """The name asked for counts too: behind a proxy on this machine every caller may seem to be local."""
    caller = request.client.host if request.client else ""
    return is_this_machine(caller) and is_this_machine(request.url.hostname or "")


def _check_that_it_is_our_form(site: Site, request: Request, feed_id: int, token: str) -> None:
    """Another site's page can have the operator's browser post a form, but knows no token and cannot hide itself."""
    try:
        known = site.tokens.read(Purpose.DESK, token) == feed_id
    except TokenError:
        known = False
    if not known or request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise HTTPException(403)
