"""The preferences page: topics, hour, zone and days of one reader."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from digestmail.errors import FormError, TokenError
from digestmail.feeds.manage import topics
from digestmail.language import find_language
from digestmail.sentence import Sentence
from digestmail.subscribers import preferences
from digestmail.subscribers.choices import Choices, read_choices, topic_ids
from digestmail.subscribers.preferences import Preferences
from digestmail.tokens import Purpose
from digestmail.web.site import READ, Site, TheSite, TheSpoken, linked, origin_of
from digestmail.web.spoken import Spoken
from digestmail.web.typed import Typed

router = APIRouter()

SubscriberId = Annotated[int, linked(Purpose.PREFERENCES)]


@router.api_route("/p/{token}", methods=READ)
def show_preferences(site: TheSite, spoken: TheSpoken, token: str, subscriber_id: SubscriberId) -> HTMLResponse:
    """The form with the reader's choices."""
    with site.database.reading() as session:
        reader = _known(preferences.find(session, subscriber_id))
        return _form(site, session, spoken, token, reader, Typed.of(reader, topics(session)))


@router.post("/p/{token}")
def save(
    site: TheSite,
    request: Request,
    spoken: TheSpoken,
    token: str,
    subscriber_id: SubscriberId,
    typed: Annotated[Typed, Form()],
) -> HTMLResponse:
    """Save the choices, or show the form again with what was typed and what is wrong with it."""
    origin = origin_of(request, "preferences page")
    with site.database.transaction() as session:
        try:
            choices = _read(session, typed)
        except FormError as error:
            reader = _known(preferences.find(session, subscriber_id))
            return _form(site, session, spoken, token, reader, typed, wrong=error.messages)
        chosen = find_language(typed.lang)
        changed = preferences.change(
            session, subscriber_id, choices, locale=chosen.code if chosen else None, origin=origin, now=site.clock()
        )
        reader = _known(changed)
        return _form(site, session, spoken, token, reader, Typed.of(reader, topics(session)), saved=True)


def _known(reader: Preferences | None) -> Preferences:
    if reader is None:
        raise TokenError("The subscription behind this link no longer exists.")
    return reader


def _read(session: Session, typed: Typed) -> Choices:
    """Elsewhere no days means every day; in a form whose boxes were all cleared it is a slip."""
    wrong: dict[str, str] = {} if typed.days else {"days": Sentence("Please choose at least one day.")}
    try:
        choices = read_choices(
            topic_ids(session), topics=typed.topics, hour=typed.hour, time_zone=typed.time_zone, days=typed.days
        )
    except FormError as error:
        raise FormError(error.messages | wrong) from error
    if wrong:
        raise FormError(wrong)
    return choices


def _form(
    site: Site,
    session: Session,
    spoken: Spoken,
    token: str,
    reader: Preferences,
    typed: Typed,
    *,
    wrong: dict[str, str] | None = None,
    saved: bool = False,
) -> HTMLResponse:
    return site.pages.show(
        "web/preferences.html",
        spoken.for_reader(reader.locale),
        status=422 if wrong else 200,
        topics=topics(session),
        typed=typed,
        wrong=wrong or {},
        saved=saved,
        reader=reader,
        token=token,
        undo=site.tokens.make(Purpose.UNDO, reader.subscriber_id),
        unsubscribe=site.tokens.make(Purpose.UNSUBSCRIBE, reader.subscriber_id),
    )
