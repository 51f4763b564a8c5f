"""The link in the confirmation mail: a page with one button, and the button's act."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from digestmail.errors import TokenError
from digestmail.subscribers.erasure import came_back
from digestmail.subscribers.sign_up import Confirmation, ConfirmationStatus, confirm, find_confirmation, renew
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite, TheSpoken, linked, origin_of
from digestmail.web.spoken import Spoken

router = APIRouter()

DeliveryId = Annotated[int, linked(Purpose.CONFIRM)]


@router.api_route("/c/{token}", methods=READ)
def show_confirmation(site: TheSite, spoken: TheSpoken, token: str, delivery_id: DeliveryId) -> HTMLResponse:
    """The page with the button; it changes nothing."""
    with site.database.reading() as session:
        return _answer(site, spoken, find_confirmation(session, delivery_id, now=site.clock()), token)


@router.post("/c/{token}")
def act(site: TheSite, request: Request, spoken: TheSpoken, token: str, delivery_id: DeliveryId) -> HTMLResponse:
    """Confirm. A second time says that it is done already."""
    origin = origin_of(request, "confirmation page")
    with site.database.transaction() as session:
        confirmation = confirm(session, delivery_id, origin=origin, now=site.clock())
        if confirmation.status is ConfirmationStatus.CONFIRMED:
            came_back(session, confirmation.subscriber_id or 0, fingerprint=site.tokens.fingerprint)
    return _answer(site, spoken, confirmation, token)


@router.post("/c/{token}/again")
def send_again(site: TheSite, spoken: TheSpoken, delivery_id: DeliveryId) -> HTMLResponse:
    """Mail a fresh link in place of one that came too late."""
    with site.database.transaction() as session:
        renew(session, delivery_id, now=site.clock())
        locale = find_confirmation(session, delivery_id, now=site.clock()).locale
    return site.pages.show("web/check_mail.html", spoken.for_reader(locale), after=site.doorbell, email="")


def _answer(site: Site, spoken: Spoken, confirmation: Confirmation, token: str) -> HTMLResponse:
    spoken = spoken.for_reader(confirmation.locale)
    match confirmation.status:
        case ConfirmationStatus.READY:
            return site.pages.show("web/confirm.html", spoken, token=token, email=confirmation.email)
        case ConfirmationStatus.EXPIRED:
            return site.pages.show("web/confirm_expired.html", spoken, token=token)
        case ConfirmationStatus.UNKNOWN:
            raise TokenError("The sign-up behind this link no longer exists.")
    fresh = confirmation.status is ConfirmationStatus.CONFIRMED
    return site.pages.show(
        "web/confirmed.html",
        spoken,
        after=site.doorbell if fresh else None,
        fresh=fresh,
        confirmation=confirmation,
        preferences=site.tokens.make(Purpose.PREFERENCES, confirmation.subscriber_id or 0),
    )
