"""The links in the two letters about a change of address: the new address agrees, or the old one stops it."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from digestmail.errors import TokenError
from digestmail.subscribers.move import Move, MoveStatus, find_move, find_stay, move, stay
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite, TheSpoken, linked, origin_of
from digestmail.web.spoken import Spoken

router = APIRouter()

MoveLetter = Annotated[int, linked(Purpose.MOVE)]
StayLetter = Annotated[int, linked(Purpose.STAY)]


@router.api_route("/move/{token}", methods=READ)
def show_move(site: TheSite, spoken: TheSpoken, token: str, delivery_id: MoveLetter) -> HTMLResponse:
    """The page with the button; it changes nothing."""
    with site.database.reading() as session:
        return _answer(site, spoken, find_move(session, delivery_id, now=site.clock()), token)


@router.post("/move/{token}")
def make_move(site: TheSite, request: Request, spoken: TheSpoken, token: str, delivery_id: MoveLetter) -> HTMLResponse:
    """Let the digest come to the address whose letter has the link. A second time says that it is done already."""
    origin = origin_of(request, "change of address")
    with site.database.transaction() as session:
        found = move(session, delivery_id, origin=origin, now=site.clock())
    return _answer(site, spoken, found, token)


@router.api_route("/stay/{token}", methods=READ)
def show_stay(site: TheSite, spoken: TheSpoken, token: str, delivery_id: StayLetter) -> HTMLResponse:
    """The page with the button; it changes nothing."""
    with site.database.reading() as session:
        return _answer_old(site, spoken, find_stay(session, delivery_id), token)


@router.post("/stay/{token}")
def stop_move(site: TheSite, spoken: TheSpoken, token: str, delivery_id: StayLetter) -> HTMLResponse:
    """Stop the move that the letter told of."""
    with site.database.transaction() as session:
        found = stay(session, delivery_id)
    return _answer_old(site, spoken, found, token)


def _answer(site: Site, spoken: Spoken, found: Move, token: str) -> HTMLResponse:
    spoken = spoken.for_reader(found.locale)
    match found.status:
        case MoveStatus.READY:
            return site.pages.show("web/move.html", spoken, token=token, email=found.email)
        case MoveStatus.MOVED:
            preferences = site.tokens.make(Purpose.PREFERENCES, found.subscriber_id)
            return site.pages.show("web/moved.html", spoken, email=found.email, preferences=preferences)
        case MoveStatus.UNKNOWN:
            raise TokenError("The letter behind this link is no longer known.")
    return site.pages.show("web/move_over.html", spoken, status=410)


def _answer_old(site: Site, spoken: Spoken, found: Move, token: str) -> HTMLResponse:
    spoken = spoken.for_reader(found.locale)
    match found.status:
        case MoveStatus.READY:
            return site.pages.show("web/stay.html", spoken, token=token)
        case MoveStatus.STOPPED:
            return site.pages.show("web/stayed.html", spoken)
        case MoveStatus.UNKNOWN:
            raise TokenError("The letter behind this link is no longer known.")
    return site.pages.show("web/stay_too_late.html", spoken, status=410)
