"""Commands for the digests themselves: look at one, do what is due."""

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digestmail.cli.application import Json, app, fail, opened, progress, read_instant, say, show, warn
from digestmail.cli.feeds import complain, in_words
from digestmail.clock import standing_still, system_clock
from digestmail.deliveries.outcome import Result
from digestmail.errors import InputError
from digestmail.language import known_language
from digestmail.store.shared_clock import shared_clock
from digestmail.store.states import Kind, MailFormat

if TYPE_CHECKING:
    from digestmail.deliveries.report import SendReport


@app.command()
def preview(
    topics: Annotated[list[str] | None, typer.Option("--topic", help="A topic of the reader's; repeatable.")] = None,
    mail: Annotated[Kind, typer.Option(help="Which mail.")] = Kind.DIGEST,
    sample: Annotated[bool, typer.Option("--sample", help="Show an invented edition instead of items.")] = False,
    html: Annotated[Path | None, typer.Option(help="Write the HTML form to this file.")] = None,
    text: Annotated[Path | None, typer.Option(help="Write the text form to this file.")] = None,
    eml: Annotated[Path | None, typer.Option(help="Write the whole message to this file.")] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show the HTML form in a browser.")] = False,
    language: Annotated[str | None, typer.Option(help="Such as es; the publication's own if left out.")] = None,
    mail_format: Annotated[
        MailFormat, typer.Option("--format", help="As a reader chose it: html is both forms, text that form alone.")
    ] = MailFormat.HTML,
    as_json: Json = False,
) -> None:
    """Show a mail as a reader would get it now: the last day's items, or else the newest few, or else a sample."""
    from digestmail.desk.preview import preview_digest, preview_sample
    from digestmail.desk.service import Service
    from digestmail.messages.confirmation import LETTERS

    with opened() as (settings, database), database.reading() as session:
        service = Service(settings)
        service.rehearse()
        spoken, now = known_language(language or settings.language), system_clock()
        of_sample = partial(preview_sample, service, kind=mail, language=spoken, now=now, mail_format=mail_format)
        of_items = partial(preview_digest, session, service, kind=mail, language=spoken, now=now)
        try:
            found = of_sample() if sample or mail in LETTERS else of_items(topics=topics or (), mail_format=mail_format)
        except InputError as error:
            if topics:
                raise
            warn(f"{error} Until then, this is a sample.")
            found = of_sample()
    if not found.html and (html or open_it):
        fail("A mail in the format text has no HTML form. Leave out --html and --open, or choose --format html.")
    if open_it and html is None:
        html = settings.data_dir / f"{mail}.html"
    if as_json:
        show({"html": found.html, "text": found.text, "eml": found.message.data.decode("ascii")}, as_json=True)
    for path, content in ((html, found.html), (text, found.text)):
        if path:
            path.write_text(content, encoding="utf-8")
    if eml:
        eml.write_bytes(found.message.data)
    if not as_json:
        for written in filter(None, (html, text, eml)):
            say(f"Wrote {written}.")
    if open_it and html:
        typer.launch(str(html))
    if not (html or text or eml or as_json):
        print(found.text)


@app.command()
def tick(
    now: Annotated[str | None, typer.Option(help="The instant to act at, ISO 8601; the present if left out.")] = None,
    as_json: Json = False,
) -> None:
    """Do everything that is due, in the foreground and without a broker: collect, plan, assemble, send, settle.

    Let cron run it every few minutes to serve a small site with nothing else; with --now it travels in time.
    """
    from digestmail.desk.service import Service
    from digestmail.local.inbox_server import inbox_running

    instant = read_instant(now) if now else None
    with opened() as (settings, database):
        clock = standing_still(instant) if instant else shared_clock(database)
        service = Service(settings)
        service.rehearse()
        caught = inbox_running(settings.data_dir / "inbox", host="127.0.0.1", port=settings.inbox_port)
        with nullcontext() if settings.relay else caught, progress() as bar:
            task = bar.add_task("Collecting", total=None)

            def on_feed(done: int, total: int, _: str) -> None:
                bar.update(task, completed=done, total=total)

            def on_progress(sent: "SendReport") -> None:
                bar.update(task, description="Sending", completed=sent.results.total(), total=None)

            report = service.tick(clock, on_feed=on_feed, on_progress=on_progress)
    results = {str(result): report.sent.results[result] for result in Result}
    if as_json:
        show(
            {
                "new_items": report.collected.new_items,
                "failures": report.collected.failures,
                "planned": report.sent.planned,
                **results,
                "error": report.sent.relay_error or None,
            },
            as_json=True,
        )
    else:
        say(in_words(report.collected))
        complain(report.collected)
        counts = ", ".join(f"{count} {name}" for name, count in results.items() if count) or "nothing to send"
        say(f"Planned {report.sent.planned} digests. Deliveries: {counts}.")
    if report.sent.relay_error:
        fail(f"{report.sent.relay_error} What is due waits for the next tick.")
