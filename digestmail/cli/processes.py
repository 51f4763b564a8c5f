"""Commands that run: everything at once, or one process of it.

What they run is imported when it is run, so that the short commands stay quick.
"""

import os
import sys
from typing import Annotated

import typer

from digestmail.cli.application import app, console, fail, opened, say
from digestmail.settings import PREFIX, load_settings

_CELERY = (sys.executable, "-m", "celery", "--app", "workers.app")


@app.command()
def serve(
    port: Annotated[int | None, typer.Option(help="The port of the web pages.")] = None,
    host: Annotated[str | None, typer.Option(help="The address that the web pages listen on.")] = None,
    data: Annotated[str | None, typer.Option(help="The folder that holds all state.")] = None,
    inbox_port: Annotated[int | None, typer.Option(help="The SMTP port of the local inbox.")] = None,
    demo: Annotated[bool | None, typer.Option("--demo/--no-demo", help="Load the demo publication, or do not.")] = None,
) -> None:
    """Run everything on this machine: web pages, worker, beat, and where none is set a broker and an inbox."""
    from digestmail.local.serve import serve as serve_all
    from digestmail.web.rehearsal import rehearse_all

    for name, value in {"PORT": port, "HOST": host, "DATA_DIR": data, "INBOX_PORT": inbox_port}.items():
        if value is not None:
            os.environ[f"{PREFIX}{name}"] = str(value)
    with opened() as (settings, database):
        rehearse_all(settings)  # a process that fails is tried again: better none begins
        sys.exit(serve_all(settings, database=database, console=console, demo=demo))


@app.command()
def web() -> None:
    """Run the web pages alone."""
    import uvicorn

    from digestmail.web.app import create_app

    with opened() as (settings, _):
        uvicorn.run(
            create_app(settings),
            host=settings.host,
            port=settings.port,
            log_level="info",
            access_log=False,
            forwarded_allow_ips=settings.trusted_proxies,
        )


@app.command()
def worker() -> None:
    """Run one Celery worker: it plans, sends and collects."""
    _run_celery("worker", "--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle")


@app.command()
def beat() -> None:
    """Run Celery beat, which rings the workers; its schedule is kept in memory."""
    _run_celery("beat", "--scheduler", "celery.beat:Scheduler")


@app.command()
def inbox() -> None:
    """Run the local inbox: an SMTP server that keeps every mail in the data folder."""
    from digestmail.local.guard import LOOPBACK
    from digestmail.local.inbox_server import serve_inbox

    settings = load_settings()
    serve_inbox(settings.data_dir / "inbox", host=LOOPBACK, port=settings.inbox_port)


@app.command()
def migrate() -> None:
    """Bring the database's tables to the newest form."""
    with opened() as (_, database):
        say(f"The tables of {database.url.render_as_string(hide_password=True)} are up to date.")


def _run_celery(*arguments: str) -> None:
    with opened() as (settings, _):
        if settings.redis_url is None:
            fail(
                f"{PREFIX}REDIS_URL is not set, and a {arguments[0]} needs a broker. "
                "Set it to redis://host:6379/0, or let `digestmail serve` start everything."
            )
    # Else each thread keeps an arena of its own of what it once needed, 14 MB in all; only one runs at a time anyway.
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    os.execv(_CELERY[0], [*_CELERY, *arguments, "--loglevel", "WARNING"])  # noqa: S606 - a fixed program, no shell
