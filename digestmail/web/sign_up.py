"""The sign-up form. Its answer is the same whether or not the address is known."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse, Response

from digestmail.feeds.manage import topics
from digestmail.web.guard.pace import Paced
from digestmail.web.site import READ, Site, TheSite, TheSpoken
from digestmail.web.spoken import Spoken
from digestmail.web.take import PAGE, Mistakes, Posted, take
from digestmail.web.typed import Typed

router = APIRouter(route_class=Paced)


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
    with site.database.reading() as session:
        return site.pages.show(
            "web/sign_up.html",
            spoken,
            status=422 if wrong else 200,
            topics=topics(session),
            typed=typed,
            wrong=wrong or {},
        )
