"""The preferences page: topics, hour, zone, days, format, language and a pause of one reader."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from digestmail.errors import FormError, InputError, TokenError
from digestmail.feeds.manage import topics
from digestmail.language import find_language
from digestmail.sentence import Sentence
from digestmail.subscribers import preferences
from digestmail.subscribers.choices import Choices, read_choices, read_format, topic_ids
from digestmail.subscribers.pause import LONGEST_PAUSE, local_day, pause_of_days, read_pause
from digestmail.subscribers.preferences import Change, Preferences
from digestmail.tokens import Purpose
from digestmail.web.changes import changes_in_words
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
        return _form(site, session, spoken, token, reader)


@router.post("/p/{token}")
def save(
    site: TheSite,
    request: Request,
    spoken: TheSpoken,
    token: str,
    subscriber_id: SubscriberId,
    typed: Annotated[Typed, Form()],
) -> HTMLResponse:
    """Save the choices and say what changed, or show the form again with what was typed and what is wrong with it."""
    origin = origin_of(request, "preferences page")
    now = site.clock()
    with site.database.transaction() as session:
        reader = _known(preferences.find(session, subscriber_id))
        try:
            choices = _read(site, session, typed, reader)
        except FormError as error:
            return _form(site, session, spoken, token, reader, typed=typed, wrong=error.messages)
        chosen = find_language(typed.lang)
        change = preferences.change(
            session, subscriber_id, choices, locale=chosen.code if chosen else None, origin=origin, now=now
        )
        return _form(site, session, spoken, token, change.after if change else reader, change=change)


def _known(reader: Preferences | None) -> Preferences:
    if reader is None:
        raise TokenError("The subscription behind this link no longer exists.")
    return reader


def _read(site: Site, session: Session, typed: Typed, reader: Preferences) -> Choices:
    """Elsewhere no days means every day; in a form whose boxes were all cleared it is a slip."""
    wrong: dict[str, str] = {} if typed.days else {"days": Sentence("Please choose at least one day.")}
    choices = reader.choices
    try:
        choices = read_choices(
            topic_ids(session), topics=typed.topics, hour=typed.hour, time_zone=typed.time_zone, days=typed.days
        )
    except FormError as error:
        wrong = error.messages | wrong
    now = site.clock()
    kept = reader.choices.paused_until_day
    try:
        if typed.pause_for:
            until = pause_of_days(typed.pause_for, time_zone=choices.time_zone, now=now)
        elif typed.pause_until == str(kept):
            until = kept
        else:
            until = read_pause(typed.pause_until, time_zone=choices.time_zone, now=now)
        mail_format = read_format(typed.mail_format) if typed.mail_format else reader.choices.mail_format
        choices = replace(choices, mail_format=mail_format, paused_until_day=until)
    except InputError as error:
        wrong[error.field] = error.message
    if wrong:
        raise FormError(wrong)
    return choices


def _form(
    site: Site,
    session: Session,
    spoken: Spoken,
    token: str,
    reader: Preferences,
    *,
    typed: Typed | None = None,
    wrong: dict[str, str] | None = None,
    change: Change | None = None,
) -> HTMLResponse:
    now = site.clock()
    offered = topics(session)
    spoken = spoken.for_reader(reader.locale)
    names = {topic.id or 0: topic.name for topic in offered}
    today = local_day(reader.choices.time_zone, now)
    return site.pages.show(
        "web/preferences.html",
        spoken,
        status=422 if wrong else 200,
        topics=offered,
        typed=typed or Typed.of(reader, offered, now=now),
        wrong=wrong or {},
        saved=change is not None,
        changes=changes_in_words(change, topics=names, language=spoken.language, now=now) if change else (),
        former=Typed.of(change.before, offered, now=now) if change else None,
        reader=reader,
        paused_until=reader.pause(now),
        pause_from=today + timedelta(days=1),
        pause_to=today + LONGEST_PAUSE,
        token=token,
        undo=site.tokens.make(Purpose.UNDO, reader.subscriber_id),
        unsubscribe=site.tokens.make(Purpose.UNSUBSCRIBE, reader.subscriber_id),
    )
