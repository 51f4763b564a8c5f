"""The sign-up form. Its answer is the same whether or not the address is known."""

from typing import Annotated

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import HTMLResponse

from digestmail.editions.pace import NEW
from digestmail.errors import FormError
from digestmail.feeds.manage import topics
from digestmail.subscribers.sign_up import sign_up
from digestmail.web.site import READ, Site, TheSite, TheSpoken, origin_of
from digestmail.web.spoken import Spoken
from digestmail.web.typed import Typed
from digestmail.web.when import when_in_words

router = APIRouter()


@router.api_route("/", methods=READ)
def show_form(site: TheSite, spoken: TheSpoken, ticked: Annotated[str, Query(alias="topics")] = "") -> HTMLResponse:
    """The form; `?topics=climate,labour` ticks topics."""
    return _form(site, spoken, Typed(topics=ticked.split(",")))


@router.post("/sign-up")
def take_form(site: TheSite, request: Request, spoken: TheSpoken, typed: Annotated[Typed, Form()]) -> HTMLResponse:
    """Sign up, or show the form again with what was typed and what is wrong with it."""
    spoken = spoken.asked_for(typed.lang)
    try:
        with site.database.transaction() as session:
            sign_up(
                session,
                email=typed.email,
                topics=typed.topics,
                hour=typed.hour,
                time_zone=typed.time_zone or site.settings.default_time_zone,
                days=typed.days,
                locale=spoken.language.code,
                origin=origin_of(request, "sign-up form"),
                now=site.clock(),
            )
    except FormError as error:
        return _form(site, spoken, typed, error.messages)
    return site.pages.show("web/check_mail.html", spoken, after=site.doorbell, email=typed.email.strip())


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
