"""What a reader says who gave already: hide what asks for it, or show it again."""

from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from digestmail.subscribers.gifts import Appeals, appeals, give, take_back
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite, TheSpoken, linked
from digestmail.web.spoken import Spoken

router = APIRouter()

SubscriberId = Annotated[int, linked(Purpose.GAVE)]


@router.api_route("/g/{token}/undo", methods=READ)
@router.api_route("/g/{token}", methods=READ)
def show_button(site: TheSite, spoken: TheSpoken, token: str, subscriber_id: SubscriberId) -> HTMLResponse:
    """The page with the button that hides what asks or, where that is done, shows it again; it changes nothing."""
    with site.database.reading() as session:
        found = appeals(session, subscriber_id, now=site.clock())
    return _page(site, spoken, "web/gave_thanks.html" if found.gave else "web/gave.html", token, found)


@router.post("/g/{token}")
def hide(site: TheSite, spoken: TheSpoken, token: str, subscriber_id: SubscriberId) -> HTMLResponse:
    """Hide what asks until its season ends. A second time answers the same."""
    with site.database.transaction() as session:
        found = give(session, subscriber_id, now=site.clock())
    return _page(site, spoken, "web/gave_thanks.html", token, found)


@router.post("/g/{token}/undo")
def show_again(site: TheSite, spoken: TheSpoken, token: str, subscriber_id: SubscriberId) -> HTMLResponse:
    """Show it again."""
    with site.database.transaction() as session:
        found = take_back(session, subscriber_id, now=site.clock())
    return _page(site, spoken, "web/gave_undone.html", token, found)


def _page(site: Site, spoken: Spoken, template: str, token: str, found: Appeals) -> HTMLResponse:
    spoken = spoken.for_reader(found.locale)
    return site.pages.show(template if found.titles else "web/gave_over.html", spoken, token=token, titles=found.titles)
