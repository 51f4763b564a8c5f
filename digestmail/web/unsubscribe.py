"""The ways out and back in: unsubscribing by page or by one click (RFC 8058), and its undoing."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from digestmail.subscribers import preferences
from digestmail.subscribers.unsubscribe import undo, unsubscribe
from digestmail.tokens import Purpose
from digestmail.web.site import READ, TheSite, TheSpoken, linked, origin_of

router = APIRouter()


@router.api_route("/u/{token}", methods=READ)
def show_button(
    site: TheSite, spoken: TheSpoken, token: str, subscriber_id: Annotated[int, linked(Purpose.UNSUBSCRIBE)]
) -> HTMLResponse:
    """The page with the button; it changes nothing."""
    with site.database.reading() as session:
        reader = preferences.find(session, subscriber_id)
    spoken = spoken.for_reader(reader.locale if reader else None)
    return site.pages.show("web/unsubscribe.html", spoken, token=token, email=reader.email if reader else "")


@router.post("/u/{token}")
def leave(
    site: TheSite, request: Request, spoken: TheSpoken, subscriber_id: Annotated[int, linked(Purpose.UNSUBSCRIBE)]
) -> HTMLResponse:
    """Unsubscribe at once, for the page's button and for a mail provider's one-click POST.

    The body is not read: the token alone says what to do (RFC 8058, section 3.2). A second time answers the same.
    """
    origin = origin_of(request, "unsubscribe link")
    with site.database.transaction() as session:
        unsubscribe(session, subscriber_id, origin=origin, now=site.clock())
        reader = preferences.find(session, subscriber_id)
    return site.pages.show(
        "web/unsubscribed.html",
        spoken.for_reader(reader.locale if reader else None),
        undo=site.tokens.make(Purpose.UNDO, subscriber_id),
        preferences=site.tokens.make(Purpose.PREFERENCES, subscriber_id),
    )


@router.api_route("/undo/{token}", methods=READ)
def show_undo(
    site: TheSite, spoken: TheSpoken, token: str, subscriber_id: Annotated[int, linked(Purpose.UNDO)]
) -> HTMLResponse:
    """The page with the button; it changes nothing."""
    with site.database.reading() as session:
        reader = preferences.find(session, subscriber_id)
    spoken = spoken.for_reader(reader.locale if reader else None)
    return site.pages.show("web/undo.html", spoken, token=token, email=reader.email if reader else "")


@router.post("/undo/{token}")
def come_back(
    site: TheSite, request: Request, spoken: TheSpoken, subscriber_id: Annotated[int, linked(Purpose.UNDO)]
) -> HTMLResponse:
    """Take the unsubscribing back, or say that it is too late for that."""
    origin = origin_of(request, "undo link")
    with site.database.transaction() as session:
        back = undo(session, subscriber_id, origin=origin, now=site.clock())
        reader = preferences.find(session, subscriber_id)
    spoken = spoken.for_reader(reader.locale if reader else None)
    if not back or reader is None:
        return site.pages.show("web/undo_too_late.html", spoken, status=410)
    return site.pages.show(
        "web/undone.html", spoken, reader=reader, preferences=site.tokens.make(Purpose.PREFERENCES, subscriber_id)
    )
