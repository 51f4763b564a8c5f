"""The operator's page, the same as metrics, and the answer to a probe that asks whether the service is well."""

import logging

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from digestmail.deliveries.accounts import accounts
from digestmail.deliveries.heartbeat import living
from digestmail.desk.figures import figures
from digestmail.desk.metrics import CONTENT_TYPE, metrics_of
from digestmail.settings import is_this_machine
from digestmail.store.models import Topic
from digestmail.web.site import READ, Site, TheSite

router = APIRouter()

_log = logging.getLogger(__name__)


@router.api_route("/operator", methods=READ)
def show_status(site: TheSite, request: Request) -> HTMLResponse:
    """Counts and the feeds' health. Once mail leaves the machine, only the machine itself may look."""
    _let_in(site, request)
    now = site.clock()
    with site.database.reading() as session:
        figure = figures(session, now=now, time_zone=site.settings.default_time_zone)
    return site.pages.show("operator/status.html", figures=figure, now=now)


@router.api_route("/metrics", methods=READ)
def show_metrics(site: TheSite, request: Request) -> Response:
    """The accounts in Prometheus's text format, for the same callers as the operator's page."""
    _let_in(site, request)
    with site.database.reading(at_one_moment=True) as session:
        found = accounts(session.connection())
        workers = len(living(session.connection()))
    return Response(metrics_of(found, workers=workers), media_type=CONTENT_TYPE)


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
