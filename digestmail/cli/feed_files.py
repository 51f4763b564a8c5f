"""Commands for lists of feeds in OPML files, which most feed readers write and read."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from digestmail.cli.application import Json, fail, opened, say, show, warn
from digestmail.cli.feeds import feed
from digestmail.clock import system_clock
from digestmail.feeds.import_export import import_feeds, listed_feeds
from digestmail.feeds.opml import MAX_BYTES, read_opml, write_opml
from digestmail.feeds.spans import counted


@feed.command("export")
def export_file(
    file: Annotated[Path | None, typer.Argument(help="Where to write; standard output if left out.")] = None,
) -> None:
    """Write the feeds as OPML, a folder for each topic."""
    with opened() as (settings, database), database.reading() as session:
        listed = listed_feeds(session)
    document = write_opml(listed, title=f"The feeds of {settings.site_name}")
    if file is None:
        sys.stdout.write(document.decode())
    else:
        file.write_bytes(document)
        say(f"Wrote {counted(len({each.url for each in listed}), 'feed')} to {file}.")


@feed.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="An OPML file, such as a feed reader exports.")],
    topic: Annotated[
        str | None, typer.Option(metavar="SLUG", help="Send all of them to this topic, whatever their folders.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Add the feeds of an OPML file. Each folder is a topic, and is made where it is missing.

    Feeds that are there get the routes that are new. What cannot be taken is reported, and the status is 1 then.
    """
    if not file.is_file():
        fail(f"There is no file {file}.")
    with file.open("rb") as document:
        listed = read_opml(document.read(MAX_BYTES + 1))
    with opened() as (_, database), database.transaction() as session:
        report = import_feeds(session, listed, topic=topic, now=system_clock())
    if as_json:
        bad = [{"url": each.url, "reason": each.reason} for each in report.bad]
        numbers = {"added": report.added, "known": report.known, "unrouted": report.unrouted}
        show({**numbers, "topics": report.made, "bad": bad}, as_json=True)
    else:
        say(f"Added {counted(report.added, 'feed')}. There already: {report.known}. Left out: {len(report.bad)}.")
        if report.made:
            say(f"Made {counted(len(report.made), 'topic')}: {', '.join(report.made)}.")
        if report.unrouted:
            say(
                f"{counted(report.unrouted, 'feed')} stood in no folder and go to no topic yet: "
                "digestmail feed add URL --topic SLUG"
            )
        for each in report.bad:
            warn(f"  {each.url}: {each.reason}")
    if report.bad:
        raise typer.Exit(1)
