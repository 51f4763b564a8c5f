"""A whole web app over a scratch SQLite database, with a clock that tests move and a doorbell that counts."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import uvicorn
from fastapi.testclient import TestClient
from playwright.sync_api import Browser, sync_playwright
from sqlmodel import SQLModel, select

from digestmail.feeds.manage import add_topic
from digestmail.settings import load_settings
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Subscriber
from digestmail.store.states import Kind
from digestmail.tokens import Purpose, Tokens
from digestmail.web.app import create_app
from digestmail.web.guard.metronome import Metronome
from digestmail.web.guard.verdict import Rules
from digestmail.web.site import Site
from tests import services

UNHURRIED = Rules(quickest=timedelta(0))
"""A form may be sent as soon as it is there, since no time passes here by itself."""

Rows = dict[str, list[tuple[object, ...]]]


@dataclass(slots=True)
class Web:
    """The app as a visitor meets it, and what stands behind it."""

    client: TestClient
    site: Site
    now: datetime
    rings: list[datetime] = field(default_factory=list)
    collect_rings: list[datetime] = field(default_factory=list)
    sleeps: list[float] = field(default_factory=list)
    """For how many seconds answers were held back; no test waits for them."""

    @property
    def database(self) -> Database:
        return self.site.database

    @property
    def tokens(self) -> Tokens:
        return self.site.tokens

    def sign_up(self, email: str = "maja@example.org", **changes: object) -> int:
        """Post the form; the status."""
        form = {"email": email, "topics": ["climate", "labour"], "hour": "7", "time_zone": "Europe/Berlin"} | changes
        return self.client.post("/sign-up", data=form).status_code

    def subscribe(self, email: str = "maja@example.org") -> int:
        """Sign up and confirm; the subscriber's id."""
        self.sign_up(email)
        assert "You are in" in self.client.post(self.confirmation_link(email)).text
        return self.subscriber(email).id or 0

    def subscriber(self, email: str = "maja@example.org") -> Subscriber:
        with self.database.reading() as session:
            return session.exec(select(Subscriber).where(Subscriber.email_key == email)).one()

    def confirmation_link(self, email: str = "maja@example.org") -> str:
        with self.database.reading() as session:
            delivery_id = session.exec(
                select(Delivery.id)
                .join(Subscriber)
                .where(Subscriber.email_key == email, Delivery.kind == Kind.CONFIRMATION)
            ).one()
        return f"/c/{self.tokens.make(Purpose.CONFIRM, delivery_id or 0)}"

    def link(self, purpose: Purpose, subscriber_id: int) -> str:
        path = {Purpose.UNSUBSCRIBE: "u", Purpose.UNDO: "undo", Purpose.PREFERENCES: "p"}[purpose]
        return f"/{path}/{self.tokens.make(purpose, subscriber_id)}"

    def rows(self) -> Rows:
        """Everything in the database."""
        with self.database.reading() as session:
            return {
                name: [tuple(row) for row in session.connection().execute(table.select())]
                for name, table in SQLModel.metadata.tables.items()
            }

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)


@contextmanager
def listening(web: Web, port: int) -> Iterator[None]:
    """Let the app listen on a real port."""
    server = uvicorn.Server(uvicorn.Config(web.client.app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    services.wait_until(lambda: server.started, what="the web server")
    yield
    server.should_exit = True
    thread.join()


@pytest.fixture
def make_web(tmp_path: Path, sqlite_template: Path) -> Iterator[Callable[..., Web]]:
    """Builds an app with some settings; `topics=False` leaves the store empty."""
    made: list[Web] = []

    def make(
        *,
        topics: bool = True,
        client: tuple[str, int] = ("192.0.2.7", 50000),
        rules: Rules = UNHURRIED,
        **settings: str,
    ) -> Web:
        folder = tmp_path / f"site{len(made)}"
        folder.mkdir()
        (folder / "digestmail.db").write_bytes(sqlite_template.read_bytes())
        given = {"DATA_DIR": str(folder), "SITE_NAME": "The Harbour Courier"} | settings
        rings: list[datetime] = []
        collect_rings: list[datetime] = []

        async def sleep(seconds: float) -> None:
            visit.sleeps.append(seconds)

        app = create_app(
            load_settings({f"DIGESTMAIL_{name}": value for name, value in given.items()}, folder=folder),
            clock=lambda: visit.now,
            bell=lambda: rings.append(visit.now),
            collect_bell=lambda: collect_rings.append(visit.now),
            rules=rules,
            metronome=Metronome(sleep=sleep),
        )
        visit = Web(
            client=TestClient(app, raise_server_exceptions=False, client=client),
            site=app.state.site,
            now=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
            rings=rings,
            collect_rings=collect_rings,
        )
        if topics:
            with visit.database.transaction() as session:
                for slug, name in (("climate", "Climate"), ("labour", "Labour"), ("city", "City & Hall")):
                    add_topic(session, slug=slug, name=name, description=f"All about {slug}.")
        made.append(visit)
        return visit

    yield make
    for visit in made:
        visit.database.engine.dispose()


@pytest.fixture
def web(make_web: Callable[..., Web]) -> Web:
    """An app in its default settings, with three topics."""
    return make_web()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    path = services.chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def address(web: Web) -> Iterator[str]:
    """Where the app listens."""
    port = services.free_port()
    with listening(web, port):
        yield f"http://127.0.0.1:{port}"
