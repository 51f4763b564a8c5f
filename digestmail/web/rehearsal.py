"""Renders every page with sample data, and every mail, so that a broken template of the publisher's stops the start."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from digestmail.archive.days import Day, by_month
from digestmail.archive.search import marked_item
from digestmail.archive.stories import DayPage
from digestmail.deliveries.again import Answer, Asked
from digestmail.editions.pace import COUNTED_FOR, NEW, Pace
from digestmail.errors import SettingsError
from digestmail.language import Language, in_turn
from digestmail.local.inbox import Caught, InboxPage
from digestmail.local.newsroom import newsroom
from digestmail.messages.overrides import overridden, trouble
from digestmail.messages.publication import Publication
from digestmail.messages.rehearsal import rehearse
from digestmail.secret import secret_of
from digestmail.settings import Settings
from digestmail.store.models import Item, Topic
from digestmail.store.states import MailFormat, Standing
from digestmail.subscribers.choices import Choices
from digestmail.subscribers.known import Known
from digestmail.subscribers.preferences import Preferences
from digestmail.subscribers.sign_up import Confirmation, ConfirmationStatus
from digestmail.tokens import Tokens
from digestmail.web.errors import BAD_LINK, TOO_MANY
from digestmail.web.pages import Pages
from digestmail.web.spoken import Spoken
from digestmail.web.typed import Typed
from digestmail.web.unsubscribe import Said
from digestmail.web.when import When

_AT = datetime(2026, 11, 23, 6, tzinfo=UTC)
_EMAIL = "reader@example.org"
_TOPICS = [Topic(id=1, slug="city", name="City", description="Streets"), Topic(id=2, slug="books", name="Books")]
_PACES = {1: Pace(stories=90, within=COUNTED_FOR), 2: NEW}
_WHEN = When(hour="7:00", days="Every day", time_zone="Copenhagen")
_MAIL = Caught(
    key="sample",
    at=_AT,
    sender="digest@example.org",
    recipient=_EMAIL,
    subject="A subject",
    from_="The Courier <digest@example.org>",
    html="<p>Hello</p>",
    text="Hello",
)
_NO_MAIL = InboxPage(messages=(), number=1, pages=1, total=0)


def rehearse_all(settings: Settings) -> None:
    """Compose every mail and render every page, in every language, with the templates of the publisher's own.

    Raises SettingsError that names the file, says what is wrong with it and what to do.
    """
    if settings.templates is None:
        return
    spoken = in_turn(settings.language)
    rehearse(Publication.of(settings), Tokens(secret_of(settings)), spoken)
    if any(name.startswith("web/") for name in overridden(settings.templates)):
        _rehearse_pages(settings, settings.templates, spoken)


def _rehearse_pages(settings: Settings, folder: Path, languages: Iterable[Language]) -> None:
    try:
        pages = Pages(settings)
        for language in languages:
            for template, values in sample_pages():
                pages.show(template, Spoken(language), **values)
    except SettingsError:
        raise
    except Exception as error:  # whatever a template can do
        raise trouble(error, folder) from error


def sample_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every page in each of its forms: its template and its values."""
    for email in (_EMAIL, ""):
        yield "web/check_mail.html", {"email": email}
        yield "web/confirm.html", {"token": "T", "email": email}
        yield "web/undo.html", {"token": "T", "email": email}
    yield "web/confirm_expired.html", {"token": "T"}
    for fresh in (True, False):
        status = ConfirmationStatus.CONFIRMED if fresh else ConfirmationStatus.ALREADY
        confirmation = Confirmation(status=status, subscriber_id=1, email=_EMAIL, next_send_at=_AT)
        yield "web/confirmed.html", {"fresh": fresh, "confirmation": confirmation, "preferences": "P"}
    yield from _ways_out()
    yield "web/undo_too_late.html", {}
    yield "web/undone.html", {"reader": _reader(Standing.ACTIVE), "preferences": "P"}
    for template in ("web/gave.html", "web/gave_over.html", "web/gave_thanks.html", "web/gave_undone.html"):
        yield template, {"token": "G", "titles": ["A year-end appeal", "A boat for the river"]}
    yield from _steps()
    for token in ("P", ""):
        yield "web/view_gone.html", {"preferences": token}
    for answer in Answer:
        asked = Asked(answer=answer, email=_EMAIL, locale="en", time_zone="UTC", next_send_at=_AT, again_at=_AT)
        yield "web/again.html", {"token": "P", "asked": asked}
    yield "web/error.html", {"trouble": BAD_LINK}
    yield from _forms()
    yield from _own_data()
    yield from _archive()
    yield from _local_pages()


def _ways_out() -> Iterator[tuple[str, dict[str, Any]]]:
    for email, topics, wrong in ((_EMAIL, _TOPICS, BAD_LINK.remedy), (_EMAIL, _TOPICS, ""), ("", [], "")):
        asked = {"token": "T", "email": email, "topics": topics, "chosen": ["city"], "wrong": wrong}
        yield "web/unsubscribe.html", asked
    reader = _reader(Standing.ACTIVE)
    former = Typed.of(reader, _TOPICS, now=_AT)
    yield (
        "web/dropped.html",
        {"reader": reader, "dropped": "City", "rest": "Books", "former": former, "preferences": "P"},
    )
    for undo_until, said, thanks in ((_AT.date(), None, False), (_AT.date(), Said(), False), (None, Said(), True)):
        values: dict[str, Any] = {"token": "T", "undo": "U", "undo_until": undo_until, "preferences": "P"}
        yield "web/unsubscribed.html", values | {"said": said, "thanks": thanks}


def _forms() -> Iterator[tuple[str, dict[str, Any]]]:
    wrong = dict.fromkeys(("topics", "email", "hour", "time_zone", "days"), BAD_LINK.remedy)
    for topics, mistakes in ((_TOPICS, {}), (_TOPICS, wrong), ([], {})):
        for with_stories, paces in ((frozenset(("city",)), _PACES), (frozenset(), {})):
            values = {"topics": topics, "paces": paces, "with_stories": with_stories, "typed": Typed()}
            yield "web/sign_up.html", values | {"when": _WHEN, "wrong": mistakes, "address": "https://example.org"}
    yield "web/no_taste.html", {}
    wrong = wrong | dict.fromkeys(("mail_format", "pause_until"), BAD_LINK.remedy)
    for standing, changes, pause, mistakes in (
        (Standing.ACTIVE, None, None, wrong),
        (Standing.ACTIVE, (), None, {}),
        (Standing.ACTIVE, (BAD_LINK.remedy,), _AT.date(), {}),
        (Standing.UNSUBSCRIBED, None, None, {}),
        (Standing.UNSUBSCRIBED, (BAD_LINK.remedy,), None, {}),
    ):
        reader = _reader(standing)
        former = Typed.of(reader, _TOPICS, now=_AT)
        yield (
            "web/preferences.html",
            {"topics": _TOPICS, "typed": former, "former": former, "wrong": mistakes, "saved": changes is not None}
            | {"changes": changes or (), "paused_until": pause, "pause_from": _AT.date(), "pause_to": _AT.date()}
            | {"reader": reader, "token": "P", "undo": "U", "unsubscribe": "X"},
        )


def _own_data() -> Iterator[tuple[str, dict[str, Any]]]:
    for standing, mistakes in (
        (Standing.ACTIVE, {"email": BAD_LINK.remedy}),
        (Standing.ACTIVE, {}),
        (Standing.PENDING, {}),
        (Standing.UNSUBSCRIBED, {}),
    ):
        values = {"token": "A", "preferences": "P", "known": _known(standing), "typed": _EMAIL, "wrong": mistakes}
        yield "web/own_data.html", values
    for template in ("own_data_asked", "own_data_expired", "erase", "forgotten"):
        yield f"web/{template}.html", {"token": "A"}
    for template in ("move_asked", "move", "moved", "move_over", "stay", "stayed", "stay_too_late"):
        yield f"web/{template}.html", {"token": "M", "email": _EMAIL, "preferences": "P"}


def _known(standing: Standing) -> Known:
    return Known(
        email=_EMAIL,
        standing=standing,
        created_at=_AT,
        unsubscribed_at=_AT if standing is Standing.UNSUBSCRIBED else None,
        topics=("City", "Books"),
        hour=7,
        time_zone="Europe/Copenhagen",
        weekdays=tuple(range(7)),
        locale="en",
        mail_format=MailFormat.HTML,
        paused_until_day=_AT.date() if standing is Standing.ACTIVE else None,
        seasons=("year-end",),
        mails=12,
        bounces=1,
        consents=4,
    )


def _archive() -> Iterator[tuple[str, dict[str, Any]]]:
    item = Item(
        id=1,
        url="https://example.org/1",
        link_key="",
        title="A headline",
        excerpt="Some words.",
        author="Ada",
        source="The Courier",
        language="en",
        published_at=_AT,
        seen_at=_AT,
    )
    topic, day = _TOPICS[0], _AT.date()
    days = [Day(day, 3), Day(date(2026, 10, 31), 1)]
    given = {"path": "/archive", "feed": "/archive/city.atom", "topic": topic}
    for some, indexable in ((days, True), ([], False)):
        values = given | {"indexable": indexable}
        yield "web/archive.html", values | {"topics": _TOPICS, "days_of": {1: some}}
        yield "web/archive_topic.html", values | {"months": by_month(some), "year": 2026, "years": [2026, 2025]}
        shown = DayPage([item] * len(some), 80 * len(some), day if some else None, day if some else None)
        yield "web/archive_day.html", values | {"day": day, "today": not some, "shown": shown, "page": 1, "pages": 2}
    yield "web/archive_gone.html", {"topic": topic, "first": day}
    found = [(marked_item(item, ["words"]), [(topic, day)])]
    for typed, results, before, more in (("words", found, 9, 5), ("words", [], None, None), ("", [], None, None)):
        values = given | {"indexable": False, "topics": _TOPICS, "typed": typed, "words": typed.split(), "chosen": ""}
        yield "web/archive_search.html", values | {"results": results, "before": before, "more": more}


def _steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """What may stand in a frame on another site: the form and its answers."""
    for layout in ("web/base.html", "web/_frame.html"):
        yield "web/check_mail.html", {"email": _EMAIL, "layout": layout}
        yield "web/error.html", {"trouble": TOO_MANY, "layout": layout}
        step = {"typed": Typed(email=_EMAIL, topics=["city"]), "leads_to": "", "step": "S", "action": "/sign-up"}
        for seconds, bits in ((5, 0), (30, 17)):
            yield "web/one_more_step.html", step | {"layout": layout, "seconds": seconds, "bits": bits}
    for only, mistakes in (("", {}), ("city", dict.fromkeys(("topics", "email"), BAD_LINK.remedy))):
        yield "web/embed_form.html", {"topics": _TOPICS, "only": only, "typed": Typed(), "wrong": mistakes}


def _local_pages() -> Iterator[tuple[str, dict[str, Any]]]:
    for mails in (_NO_MAIL, InboxPage(messages=(_MAIL,), number=2, pages=3, total=201)):
        yield "web/inbox.html", {"mails": mails, "to": ""}
    for part in ("html", "text"):
        yield "web/mail.html", {"mail": _MAIL, "part": part}
    yield "web/story.html", {"story": newsroom().stories[0], "day": _AT.date()}


def _reader(standing: Standing) -> Preferences:
    return Preferences(
        subscriber_id=1,
        email=_EMAIL,
        standing=standing,
        choices=Choices(topics=frozenset((1,)), hour=7, time_zone="Europe/Copenhagen"),
        locale="en",
        next_send_at=_AT,
    )
