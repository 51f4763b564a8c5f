"""The web app's composition root: builds what the endpoints need and puts the routers together."""

from pathlib import Path

from fastapi import FastAPI
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from digestmail.clock import Clock
from digestmail.deliveries.bounces.intake import Intake
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.providers.configured import webhooks
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.hubs import is_reachable
from digestmail.local.demo import has_demo
from digestmail.local.inbox import inbox_of
from digestmail.messages.publication import Publication
from digestmail.secret import secret_of
from digestmail.settings import Settings, load_settings
from digestmail.store.database import Database
from digestmail.store.shared_clock import shared_clock
from digestmail.tokens import Tokens
from digestmail.web import (
    again,
    archive,
    bounces,
    confirm,
    crawlers,
    demo,
    description,
    embed,
    gave,
    hubs,
    inbox,
    move,
    operator,
    own_data,
    preferences,
    sign_up,
    taste,
    unsubscribe,
    view,
)
from digestmail.web.doorbell import COLLECT, Doorbell, doorbell
from digestmail.web.errors import add_error_pages
from digestmail.web.guard.gate import Gate
from digestmail.web.guard.metronome import Metronome
from digestmail.web.guard.verdict import Rules
from digestmail.web.headers import SecurityHeaders
from digestmail.web.pages import Pages, static_folders
from digestmail.web.rehearsal import rehearse_all
from digestmail.web.site import READ, Site
from digestmail.web.storefront import Storefront
from digestmail.web.theme import logo_origin, theme_sheet

MAX_BODY = 64 * 1024
"""Bytes of a request's body; our longest form has a few hundred."""

_FOR_EVER = "public, max-age=31536000, immutable"


class VersionedFiles(StaticFiles):
    """Static files, of the first folder that has them. Addresses with a version change with the file's content, so a
    browser asks for each once; mails have addresses without one, such as that of a logo."""

    def __init__(self, folders: list[Path]) -> None:
        super().__init__(directory=folders[-1])
        self.all_directories = [*folders]

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, to be kept for a year or for an hour."""
        response = await super().get_response(path, scope)
        versioned = b"v=" in scope.get("query_string", b"")
        response.headers["Cache-Control"] = _FOR_EVER if versioned else "public, max-age=3600"
        return response


def create_app(
    settings: Settings | None = None,
    *,
    clock: Clock | None = None,
    bell: Doorbell | None = None,
    collect_bell: Doorbell | None = None,
    rules: Rules | None = None,
    metronome: Metronome | None = None,
) -> FastAPI:
    """The app for these settings (default: from the environment). The database must have been migrated.

    Raises SettingsError where a template of the publisher's is broken.
    """
    settings = settings or load_settings()
    rehearse_all(settings)
    embedded = settings.relay is None
    database = Database(settings.database)
    app = FastAPI(title=settings.site_name, docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY)
    tokens = Tokens(secret_of(settings))
    clock = clock or shared_clock(database)
    gate = Gate(settings, database=database, tokens=tokens, clock=clock, rules=rules or Rules())
    app.state.site = Site(
        settings=settings,
        database=database,
        tokens=tokens,
        clock=clock,
        doorbell=bell or doorbell(settings.redis_url),
        collect_bell=collect_bell or doorbell(settings.redis_url, COLLECT),
        pages=Pages(settings, form_stamp=gate.stamp, quickest=gate.rules.quickest),
        gate=gate,
        metronome=metronome or Metronome(),
        storefront=Storefront(database, Publication.of(settings)),
        inbox=inbox_of(settings),
    )
    app.add_middleware(
        SecurityHeaders, https=settings.public_url.startswith("https:"), pictures_from=logo_origin(settings)
    )
    add_error_pages(app)
    readers = [
        room.router
        for room in (sign_up, embed, taste, confirm, unsubscribe, preferences, own_data, move, again, gave, view)
    ]
    if settings.archive:
        readers.append(archive.router)
    readers.append(crawlers.router_of(readers))
    for router in (*readers, inbox.router, operator.router):
        app.include_router(router)
    app.include_router(description.router_of(readers, title=settings.site_name))
    if is_reachable(settings):
        app.include_router(hubs.router)
    proofs = Proofs(Publication.of(settings), tokens)
    fetcher = Fetcher(contact_url=settings.public_url)
    if told := webhooks(settings, proofs, fetch=lambda url: fetcher.get(url).body):
        app.include_router(bounces.router_of(told, Intake(database, clock, proofs), clock))
    if embedded or has_demo(database):
        app.include_router(demo.router)
    if sheet := theme_sheet(settings):
        kept = {"Cache-Control": _FOR_EVER}
        app.add_api_route("/theme.css", lambda: Response(sheet, media_type="text/css", headers=kept), methods=READ)
    app.mount("/static", VersionedFiles(static_folders(settings)), name="static")
    return app
