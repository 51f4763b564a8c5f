"""What the endpoints share: one `Site` for each app, built by the composition root."""

from dataclasses import dataclass
from typing import Annotated, Any, cast

from fastapi import Depends, Request

from digestmail.clock import Clock
from digestmail.errors import ForgottenError
from digestmail.language import find_language, language_of, negotiated
from digestmail.local.inbox import Inbox
from digestmail.settings import Settings
from digestmail.store.database import Database
from digestmail.subscribers.consent import Origin
from digestmail.subscribers.erasure import reader_of, whose
from digestmail.tokens import Purpose, Tokens
from digestmail.web.doorbell import Doorbell
from digestmail.web.guard.gate import Gate
from digestmail.web.guard.metronome import Metronome
from digestmail.web.pages import Pages
from digestmail.web.spoken import Spoken
from digestmail.web.storefront import Storefront

READ = ["GET", "HEAD"]
"""The methods that change nothing: mail scanners open every link."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One installation as its web pages see it."""

    settings: Settings
    database: Database
    tokens: Tokens
    clock: Clock
    doorbell: Doorbell
    collect_bell: Doorbell
    pages: Pages
    gate: Gate
    metronome: Metronome
    storefront: Storefront
    inbox: Inbox | None
    """None when mail leaves the machine."""


async def site_of(request: Request) -> Site:
    """The site that a request came to."""
    return cast("Site", request.app.state.site)


TheSite = Annotated[Site, Depends(site_of)]


def spoken_of(request: Request) -> Spoken:
    """In what language to answer a request whose reader is not known."""
    if asked := find_language(request.query_params.get("lang", "")):
        return Spoken(asked, asked=True)
    site: Site = request.app.state.site
    wishes = ",".join(request.headers.getlist("accept-language"))
    return Spoken(negotiated(wishes, otherwise=language_of(site.settings.language)), negotiated=True)


async def _spoken(request: Request) -> Spoken:
    return spoken_of(request)


TheSpoken = Annotated[Spoken, Depends(_spoken)]


_NAMES_A_DELIVERY = frozenset({Purpose.CONFIRM, Purpose.VIEW, Purpose.ACCESS, Purpose.MOVE, Purpose.STAY})
_NAMES_A_SUBSCRIBER = frozenset({Purpose.UNSUBSCRIBE, Purpose.UNDO, Purpose.PREFERENCES, Purpose.GAVE})


def linked(purpose: Purpose) -> Any:
    """The row's id in the token of a link made for `purpose`; a wrong token raises TokenError, shown as a page.

    A subscriber's id is that of who has the address now. Raises ForgottenError, shown as a page too, where the reader
    asked to be forgotten.
    """

    def read(token: str, site: TheSite) -> int:
        number = site.tokens.read(purpose, token)
        if purpose not in _NAMES_A_DELIVERY | _NAMES_A_SUBSCRIBER:
            return number
        with site.database.reading() as session:
            subscriber_id = reader_of(session, number) if purpose in _NAMES_A_DELIVERY else number
            now_of = whose(session, subscriber_id)
        if now_of is None:
            raise ForgottenError
        return now_of if purpose in _NAMES_A_SUBSCRIBER else number

    return Depends(read)


def origin_of(request: Request, source: str) -> Origin:
    """Where a request came from, for the consent record."""
    return Origin.of(
        source,
        ip=request.client.host if request.client else "",
        user_agent=request.headers.get("user-agent", ""),
    )
