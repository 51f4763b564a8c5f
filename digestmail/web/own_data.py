"""A reader's own data, behind a link that was just mailed: to look at and take along, to move, and to be forgotten."""

from typing import Annotated, TypeVar

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, JSONResponse, Response
from sqlmodel import Session

from digestmail.errors import ForgottenError, InputError, TokenError
from digestmail.subscribers.access import Access, AccessStatus, ask_for_access, find_access, renew_access
from digestmail.subscribers.erasure import erase
from digestmail.subscribers.known import known_of
from digestmail.subscribers.move import ask_to_move
from digestmail.subscribers.own_data import own_data
from digestmail.subscribers.preferences import find
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite, TheSpoken, linked
from digestmail.web.spoken import Spoken

router = APIRouter()

K = TypeVar("K")

SubscriberId = Annotated[int, linked(Purpose.PREFERENCES)]
DeliveryId = Annotated[int, linked(Purpose.ACCESS)]

_FILE_HEADERS = {"Content-Disposition": 'attachment; filename="my-data.json"', "X-Robots-Tag": "noindex"}


@router.post("/p/{token}/data")
def ask(site: TheSite, spoken: TheSpoken, subscriber_id: SubscriberId) -> HTMLResponse:
    """Mail the link to the reader's own address; the answer is the same where there was one just now."""
    with site.database.transaction() as session:
        ask_for_access(session, subscriber_id, now=site.clock())
        reader = find(session, subscriber_id)
    return _asked(site, spoken, reader.locale if reader else None)


@router.api_route("/me/{token}", methods=READ)
def show(site: TheSite, spoken: TheSpoken, token: str, delivery_id: DeliveryId) -> HTMLResponse:
    """What is known of the reader, and what can be done about it; it changes nothing."""
    with site.database.reading() as session:
        access = _find(site, session, delivery_id)
        if access.status is AccessStatus.EXPIRED:
            return _expired(site, spoken, token, access)
        return _page(site, session, spoken, token, access)


@router.post("/me/{token}/again")
def send_again(site: TheSite, spoken: TheSpoken, delivery_id: DeliveryId) -> HTMLResponse:
    """Mail a fresh link in place of one that came too late."""
    with site.database.transaction() as session:
        access = renew_access(session, delivery_id, now=site.clock())
    return _asked(site, spoken, access.locale)


@router.api_route("/me/{token}/data.json", methods=READ)
def download(site: TheSite, spoken: TheSpoken, token: str, delivery_id: DeliveryId) -> Response:
    """Everything, as a file for programs; docs/privacy.md describes it."""
    with site.database.reading(at_one_moment=True) as session:
        access = _find(site, session, delivery_id)
        if access.status is AccessStatus.EXPIRED:
            return _expired(site, spoken, token, access)
        return JSONResponse(_still(own_data(session, access.subscriber_id, now=site.clock())), headers=_FILE_HEADERS)


@router.post("/me/{token}/address")
def change_address(
    site: TheSite, spoken: TheSpoken, token: str, delivery_id: DeliveryId, email: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """Write to both addresses, or show the page again with what is wrong with the new one."""
    with site.database.transaction() as session:
        access = _find(site, session, delivery_id)
        if access.status is AccessStatus.EXPIRED:
            return _expired(site, spoken, token, access)
        try:
            ask_to_move(session, access.subscriber_id, email, fingerprint=site.tokens.fingerprint, now=site.clock())
        except InputError as error:
            return _page(site, session, spoken, token, access, typed=email, wrong={"email": error.message})
    return site.pages.show("web/move_asked.html", spoken.for_reader(access.locale), after=site.doorbell)


@router.api_route("/me/{token}/erase", methods=READ)
def show_erase(site: TheSite, spoken: TheSpoken, token: str, delivery_id: DeliveryId) -> HTMLResponse:
    """The page with the button; it changes nothing."""
    with site.database.reading() as session:
        access = _find(site, session, delivery_id)
    if access.status is AccessStatus.EXPIRED:
        return _expired(site, spoken, token, access)
    return site.pages.show("web/erase.html", spoken.for_reader(access.locale), token=token)


@router.post("/me/{token}/erase")
def forget(site: TheSite, spoken: TheSpoken, token: str, delivery_id: DeliveryId) -> HTMLResponse:
    """Forget the reader. A second time finds nobody, and says the same."""
    with site.database.transaction() as session:
        access = _find(site, session, delivery_id)
        if access.status is AccessStatus.EXPIRED:
            return _expired(site, spoken, token, access)
        email = erase(session, access.subscriber_id, fingerprint=site.tokens.fingerprint, now=site.clock())
    if site.inbox and email:
        site.inbox.forget(email)
    return site.pages.show("web/forgotten.html", spoken.for_reader(access.locale))


def _find(site: Site, session: Session, delivery_id: int) -> Access:
    access = find_access(session, delivery_id, now=site.clock())
    if access.status is AccessStatus.UNKNOWN:
        raise TokenError("The letter behind this link is no longer known.")
    return access


def _still(known: K | None) -> K:
    """What is known of a reader who may have been forgotten since the link was read."""
    if known is None:
        raise ForgottenError
    return known


def _asked(site: Site, spoken: Spoken, locale: str | None) -> HTMLResponse:
    return site.pages.show("web/own_data_asked.html", spoken.for_reader(locale), after=site.doorbell)


def _expired(site: Site, spoken: Spoken, token: str, access: Access) -> HTMLResponse:
    return site.pages.show("web/own_data_expired.html", spoken.for_reader(access.locale), status=410, token=token)


def _page(
    site: Site,
    session: Session,
    spoken: Spoken,
    token: str,
    access: Access,
    *,
    typed: str = "",
    wrong: dict[str, str] | None = None,
) -> HTMLResponse:
    return site.pages.show(
        "web/own_data.html",
        spoken.for_reader(access.locale),
        status=422 if wrong else 200,
        token=token,
        known=_still(known_of(session, access.subscriber_id, now=site.clock())),
        preferences=site.tokens.make(Purpose.PREFERENCES, access.subscriber_id),
        typed=typed,
        wrong=wrong or {},
    )
