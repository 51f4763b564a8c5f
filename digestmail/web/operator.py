"""The operator's page, and the answer to a probe that asks whether the service is well."""

import logging

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import select

from digestmail.desk.figures import figures
from digestmail.settings import is_this_machine
from digestmail.store.models import Topic
from digestmail.web.site import READ, TheSite

router = APIRouter()

_log = logging.getLogger(__name__)


@router.api_route("/operator", methods=READ)
def show_status(site: TheSite, request: Request) -> HTMLResponse:
    """Counts and the feeds' health. Once mail leaves the machine, only the machine itself may look."""
    if site.settings.relay is not None and not _from_this_machine(request):
        raise HTTPException(403)
    now = site.clock()
    with site.database.reading() as session:
        figure = figures(session, now=now, time_zone=site.settings.default_time_zone)
    return site.pages.show("operator/status.html", figures=figure, now=now)


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


def _from_this_machine(request: Request) -> bool:
    """The name asked for counts too: behind a proxy on this machine every caller may seem to be local."""
    caller = request.client.host if request.client else ""
    return is_this_machine(caller) and is_this_machine(request.url.hostname or "")
