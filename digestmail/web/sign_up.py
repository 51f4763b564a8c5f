"""The sign-up form. Its answer is the same whether or not the address is known."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from digestmail.editions.pace import NEW
from digestmail.feeds.manage import topics
from digestmail.web.guard.metronome import Timed
from digestmail.web.site import READ, Site, TheSite, TheSpoken
from digestmail.web.spoken import Spoken
from digestmail.web.take import PAGE, Mistakes, Posted, take
from digestmail.web.typed import Typed
from digestmail.web.when import when_in_words

router = APIRouter(route_class=Timed)


@router.api_route("/", methods=READ)
def show_form(site: TheSite, spoken: TheSpoken, ticked: Annotated[str, Query(alias="topics")] = "") -> HTMLResponse:
    """The form; `?topics=climate,labour` ticks topics."""
    return _form(site, spoken, Typed(topics=ticked.split(",")))


@router.post("/sign-up")
def take_form(site: TheSite, request: Request, spoken: TheSpoken, posted: Annotated[Posted, Form()]) -> Response:
    """Sign up, or show the form again with what was typed and what is wrong with it."""
    spoken = spoken.asked_for(posted.lang)
    answer = take(site, request, spoken, posted, PAGE)
    return _form(site, spoken, posted, answer.messages) if isinstance(answer, Mistakes) else answer


def _form(site: Site, spoken: Spoken, typed: Typed, wrong: dict[str, str] | None = None) -> HTMLResponse:
    now = site.clock()
    with site.database.reading() as session:
        offered = topics(session)
    counted = site.storefront.paces(now=now)
    paces = {topic.id: counted.get(topic.id or 0, NEW) for topic in offered}
    return site.pages.show(
        "web/sign_up.html",
        spoken,
        status=422 if wrong else 200,
        topics=offered,
        paces=paces if any(pace.is_known for pace in paces.values()) else {},
        with_stories=site.storefront.with_stories(now=now),
        typed=typed,
        when=when_in_words(typed, spoken.language, time_zone=site.settings.default_time_zone),
        wrong=wrong or {},
        address=site.settings.public_url,
    )
