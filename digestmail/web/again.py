"""The button that sends a reader the last digest again."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, RedirectResponse

from digestmail.deliveries.again import Answer, ask_again
from digestmail.errors import TokenError
from digestmail.tokens import Purpose
from digestmail.web.site import READ, TheSite, TheSpoken, linked

router = APIRouter()

SubscriberId = Annotated[int, linked(Purpose.PREFERENCES)]


@router.api_route("/p/{token}/again", methods=READ)
def lead_back(spoken: TheSpoken, token: str, _: SubscriberId) -> RedirectResponse:
    """Where the button is, for whoever opens the address of the answer once more."""
    return RedirectResponse(f"../{token}{spoken.query}", status_code=303)


@router.post("/p/{token}/again")
def send_again(site: TheSite, spoken: TheSpoken, token: str, subscriber_id: SubscriberId) -> HTMLResponse:
    """Ask for a copy, and say what becomes of it. A second time at once asks for nothing more."""
    with site.database.transaction() as session:
        asked = ask_again(session, subscriber_id, now=site.clock())
    if asked is None:
        raise TokenError("The subscription behind this link no longer exists.")
    after = site.doorbell if asked.answer is Answer.COMES else None
    return site.pages.show("web/again.html", spoken.for_reader(asked.locale), after=after, token=token, asked=asked)
