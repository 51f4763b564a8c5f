"""The whole service with one command: `digestmail serve` looks, offers the demo, starts all and watches it."""

import http.client
import os
import sys
from collections.abc import Mapping
from functools import partial

from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.prompt import Confirm
from rich.table import Table
from rich.text import Text
from sqlmodel import select

from digestmail.clock import Clock, system_clock
from digestmail.feeds.collect import collect_due
from digestmail.feeds.fetch import Fetcher
from digestmail.local.broker import Broker, answers_ping, choose_broker
from digestmail.local.child import Service
from digestmail.local.demo import awaits_stories, keep_demo_reachable, publish_demo
from digestmail.local.guard import LOOPBACK, check_ports, listens, lock_folder, reach
from digestmail.local.signals import Signals
from digestmail.local.supervisor import Supervisor
from digestmail.settings import PREFIX, Settings
from digestmail.store.database import Database
from digestmail.store.models import Topic

_DIGESTMAIL = (sys.executable, "-m", "digestmail")


def serve(
    settings: Settings,
    *,
    database: Database,
    console: Console,
    demo: bool | None = None,
    clock: Clock = system_clock,
) -> int:
    """Run everything until SIGINT or SIGTERM; returns the exit code. The database has been migrated before.

    `demo` says whether to load the demo publication; None decides by what is there and, on a terminal, by asking.
    Raises SettingsError where the folder is served already, a port is taken or no broker can be had.
    """
    lock = lock_folder(settings)
    try:
        check_ports(settings)
        broker = choose_broker(settings)
        if _wants_demo(settings, demo=demo, database=database, console=console):
            publish_demo(database, settings, now=clock())
        keep_demo_reachable(database, settings)
        with Signals() as signals:
            supervisor = Supervisor(
                services(settings, broker),
                environment=child_environment(settings, broker, os.environ),
                logs=settings.data_dir / "logs",
                lock=lock,
                console=console,
                signals=signals,
            )
            try:
                console.print("Starting …", style="dim")
                if not supervisor.start():
                    return 0 if signals.asked_to_stop else 1
                if awaits_stories(database):
                    _collect_stories(settings, database=database, console=console, clock=clock)
                _show_addresses(settings, console)
                supervisor.watch()
                console.print("Stopping …", style="dim")
                return 0
            finally:
                supervisor.stop()
    finally:
        os.close(lock)


def services(settings: Settings, broker: Broker) -> list[Service]:
    """Every process of one machine, in the order in which they start."""
    wanted = []
    if broker.command:
        answers = partial(answers_ping, broker.url)
        wanted.append(Service(name="broker", command=broker.command, is_ready=answers, goes_first=True))
    if settings.relay is None:
        takes_mail = partial(listens, LOOPBACK, settings.inbox_port)
        wanted.append(Service(name="inbox", command=(*_DIGESTMAIL, "inbox"), is_ready=takes_mail))
    return [
        *wanted,
        Service(name="worker", command=(*_DIGESTMAIL, "worker"), patience=15),
        Service(name="beat", command=(*_DIGESTMAIL, "beat")),
        Service(name="web", command=(*_DIGESTMAIL, "web"), is_ready=partial(_is_healthy, settings)),
    ]


def child_environment(settings: Settings, broker: Broker, environment: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, with what the command line and the choice of a broker changed."""
    return {
        **environment,
        f"{PREFIX}DATA_DIR": str(settings.data_dir.absolute()),
        f"{PREFIX}REDIS_URL": broker.url,
        f"{PREFIX}HOST": settings.host,
        f"{PREFIX}PORT": str(settings.port),
        f"{PREFIX}INBOX_PORT": str(settings.inbox_port),
        "PYTHONUNBUFFERED": "1",
    }


def _collect_stories(settings: Settings, *, database: Database, console: Console, clock: Clock) -> None:
    """The first sign-up gets a welcome digest at once, so the demo's stories must be there before it."""
    fetcher = Fetcher(allowed_networks=settings.feed_allowed_networks, contact_url=settings.public_url)
    for _, why in collect_due(database, fetcher, clock, every_feed=True).failures:
        console.print(f"The demo's stories are not there yet: {escape(why)}", soft_wrap=True, highlight=False)


def _wants_demo(settings: Settings, *, demo: bool | None, database: Database, console: Console) -> bool:
    if demo is not None:
        return demo
    with database.reading() as session:
        if settings.relay is not None or session.exec(select(Topic.id).limit(1)).first() is not None:
            return False
    if not (console.is_terminal and sys.stdin.isatty()):
        return True
    return Confirm.ask("There are no topics yet. Load the demo publication?", default=True, console=console)


def _is_healthy(settings: Settings) -> bool:
    connection = http.client.HTTPConnection(*reach(settings), timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _show_addresses(settings: Settings, console: Console) -> None:
    rows = [("Sign-up page", f"{settings.public_url}/"), ("Operator's page", f"{settings.public_url}/operator")]
    if settings.relay is None:
        rows.insert(1, ("Local inbox", f"{settings.public_url}/inbox"))
    if not console.is_terminal:
        for name, address in rows:
            console.print(f"{name}: {address}", soft_wrap=True, highlight=False)
        console.print("digestmail is running. Ctrl-C stops everything.", highlight=False)
        return
    table = Table.grid(padding=(0, 3))
    for name, address in rows:
        table.add_row(name, Text(address, style="bold cyan"))
    footer = "" if settings.relay else "Mail stays on this machine, in the local inbox.\n"
    lines = Group(table, "", Text(f"{footer}Ctrl-C stops everything.", style="dim"))
    console.print(Panel.fit(lines, title="[bold]digestmail is running[/]", padding=(1, 3), border_style="cyan"))
