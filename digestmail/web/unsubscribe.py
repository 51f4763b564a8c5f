"""The ways out and back in: unsubscribing by page or by one click (RFC 8058), its undoing, and who likes to say why."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict
from sqlmodel import Session

from digestmail.feeds.manage import topics
from digestmail.sentence import Sentence
from digestmail.store.states import Standing
from digestmail.subscribers import preferences
from digestmail.subscribers.departure import give_reason, reason_in_a_line
from digestmail.subscribers.preferences import Preferences
from digestmail.subscribers.unsubscribe import last_day_to_undo, undo, unsubscribe
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite, TheSpoken, linked, origin_of
from digestmail.web.spoken import Spoken
from digestmail.web.typed import Typed

router = APIRouter()

SubscriberId = Annotated[int, linked(Purpose.UNSUBSCRIBE)]


class Chosen(BaseModel):
    """Topics to drop, by their slugs."""

    model_config = ConfigDict(frozen=True)

    topics: list[str] = []


class Said(BaseModel):
    """Why a reader left, as it was typed."""

    model_config = ConfigDict(frozen=True)

    reason: str = ""
    text: str = ""


@router.api_route("/u/{token}/topics", methods=READ)
@router.api_route("/u/{token}/reason", methods=READ)
@router.api_route("/u/{token}", methods=READ)
def show_button(site: TheSite, spoken: TheSpoken, token: str, subscriber_id: SubscriberId) -> HTMLResponse:
    """The page with the button; it changes nothing."""
    with site.database.reading() as session:
        return _ask(site, session, spoken, token, preferences.find(session, subscriber_id))


@router.post("/u/{token}")
def leave(site: TheSite, request: Request, spoken: TheSpoken, token: str, subscriber_id: SubscriberId) -> HTMLResponse:
    """Unsubscribe at once, for the page's button and for a mail provider's one-click POST.

    The body is not read: the token alone says what to do (RFC 8058, section 3.2). A second time answers the same.
    """
    origin = origin_of(request, "unsubscribe link")
    with site.database.transaction() as session:
        unsubscribe(session, subscriber_id, origin=origin, now=site.clock())
        reader = preferences.find(session, subscriber_id)
    return _gone(site, spoken, token, subscriber_id, reader)


@router.post("/u/{token}/topics")
def drop_topics(
    site: TheSite,
    request: Request,
    spoken: TheSpoken,
    token: str,
    subscriber_id: SubscriberId,
    chosen: Annotated[Chosen, Form()],
) -> HTMLResponse:
    """Take some topics away instead of all mail, or say why that cannot be done."""
    origin = origin_of(request, "unsubscribe link")
    with site.database.transaction() as session:
        reader = preferences.find(session, subscriber_id)
        offered = topics(session)
        numbers = frozenset(topic.id for topic in offered if topic.id is not None and topic.slug in chosen.topics)
        if reader is None or reader.standing != Standing.ACTIVE:
            return _ask(site, session, spoken, token, reader)
        if not numbers & reader.choices.topics:
            wrong = Sentence("Please choose what you want to drop.")
            return _ask(site, session, spoken, token, reader, chosen=chosen.topics, wrong=wrong)
        now = site.clock()
        change = preferences.drop_topics(session, subscriber_id, numbers, origin=origin, now=now)
        if change is None:
            wrong = Sentence(
                "These are all your topics. To get none of them is to unsubscribe: the button above does it."
            )
            return _ask(site, session, spoken, token, reader, chosen=chosen.topics, wrong=wrong)
        spoken = spoken.for_reader(reader.locale)
        before, after = change.before.choices.topics, change.after.choices.topics
        return site.pages.show(
            "web/dropped.html",
            spoken,
            reader=change.after,
            dropped=spoken.language.listed([topic.name for topic in offered if topic.id in before - after]),
            rest=spoken.language.listed([topic.name for topic in offered if topic.id in after]),
            former=Typed.of(change.before, offered, now=now),
            preferences=site.tokens.make(Purpose.PREFERENCES, subscriber_id),
        )


@router.post("/u/{token}/reason")
def say_why(
    site: TheSite, spoken: TheSpoken, token: str, subscriber_id: SubscriberId, said: Annotated[Said, Form()]
) -> HTMLResponse:
    """Keep why a reader left, whom nobody had asked before. Who did not leave is shown the way out."""
    reason = reason_in_a_line(said.reason, said.text)
    with site.database.transaction() as session:
        reader = preferences.find(session, subscriber_id)
        if reader is None or reader.standing != Standing.UNSUBSCRIBED:
            return _ask(site, session, spoken, token, reader)
        if reason:
            give_reason(session, subscriber_id, reason)
    return _gone(site, spoken, token, subscriber_id, reader, said=said, thanks=bool(reason))


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


def _ask(
    site: Site,
    session: Session,
    spoken: Spoken,
    token: str,
    reader: Preferences | None,
    *,
    chosen: list[str] | None = None,
    wrong: str = "",
) -> HTMLResponse:
    active = reader is not None and reader.standing == Standing.ACTIVE
    return site.pages.show(
        "web/unsubscribe.html",
        spoken.for_reader(reader.locale if reader else None),
        status=422 if wrong else 200,
        token=token,
        email=reader.email if reader else "",
        topics=[topic for topic in topics(session) if reader and active and topic.id in reader.choices.topics],
        chosen=chosen or [],
        wrong=wrong,
    )


def _gone(
    site: Site,
    spoken: Spoken,
    token: str,
    subscriber_id: int,
    reader: Preferences | None,
    *,
    said: Said | None = None,
    thanks: bool = False,
) -> HTMLResponse:
    left_at = reader.unsubscribed_at if reader else None
    return site.pages.show(
        "web/unsubscribed.html",
        spoken.for_reader(reader.locale if reader else None),
        token=token,
        undo=site.tokens.make(Purpose.UNDO, subscriber_id),
        undo_until=last_day_to_undo(left_at, time_zone=reader.choices.time_zone) if reader and left_at else None,
        preferences=site.tokens.make(Purpose.PREFERENCES, subscriber_id),
        said=said,
        thanks=thanks,
    )
