"""Commands for the publisher's dated block, such as a fundraiser."""

from datetime import timedelta
from typing import Annotated, cast

import typer

from digestmail.cli.application import Json, app, opened, read_instant, say, show
from digestmail.clock import system_clock
from digestmail.desk.announcements import (
    Changes,
    Details,
    add_announcement,
    change_announcement,
    list_announcements,
    read_size,
    remove_announcement,
)

announcement = typer.Typer(no_args_is_help=True, help="Your dated block in the digests.", rich_markup_mode=None)
app.add_typer(announcement, name="announcement")

_IN_THE_TABLE = ("id", "title", "starts_at", "ends_at", "topics", "most_times", "season")

Number = Annotated[int, typer.Argument(help="Its number in the list.")]
Text = Annotated[str | None, typer.Option(help="A few sentences; an empty line begins a new paragraph.")]
Link = Annotated[str | None, typer.Option(help="Where its button and its picture lead.")]
Label = Annotated[str | None, typer.Option(help="What its button says.")]
Image = Annotated[str | None, typer.Option(help="The address of a picture above its title.")]
ImageAlt = Annotated[str | None, typer.Option(help="What the picture says, for who does not see it.")]
ImageSize = Annotated[str | None, typer.Option(help="The picture's size in pixels, such as 600x200.")]
MostTimes = Annotated[int | None, typer.Option(help="In how many digests a reader sees it at most; 0 for no limit.")]
Season = Annotated[
    str | None, typer.Option(help="What it collects for, such as year-end-2026: who gave can hide all of it.")
]


@announcement.command("add")
def announce(
    title: Annotated[str, typer.Option(help="Its headline.")],
    text: Text = None,
    link: Link = None,
    label: Label = None,
    image: Image = None,
    image_alt: ImageAlt = None,
    image_size: ImageSize = None,
    start: Annotated[str | None, typer.Option(help="First instant, ISO 8601; now if left out.")] = None,
    end: Annotated[str | None, typer.Option(help="Last instant, ISO 8601; 30 days later if left out.")] = None,
    topics: Annotated[list[str] | None, typer.Option("--topic", help="For readers of this topic; repeatable.")] = None,
    most_times: MostTimes = None,
    season: Season = None,
) -> None:
    """Add an announcement, such as a fundraiser. It stands in the digests and never causes one."""
    starts_at = read_instant(start) if start else system_clock()
    ends_at = read_instant(end) if end else starts_at + timedelta(days=30)
    details = _details(text, link, label, image, image_alt, image_size, most_times, season)
    with opened() as (_, database), database.transaction() as session:
        number = add_announcement(
            session, title=title, starts_at=starts_at, ends_at=ends_at, topics=topics or (), **details
        )
    say(f"Added announcement {number}, from {starts_at:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M} UTC.")


@announcement.command("list")
def list_announced(as_json: Json = False) -> None:
    """List the announcements."""
    with opened() as (_, database), database.reading() as session:
        rows = list_announcements(session)
    table = [{name: getattr(row, name) for name in _IN_THE_TABLE} for row in rows]
    show(rows if as_json else table, as_json=as_json, empty="No announcements.")


@announcement.command("change")
def change(
    number: Number,
    title: Annotated[str | None, typer.Option(help="Its headline.")] = None,
    text: Text = None,
    link: Link = None,
    label: Label = None,
    image: Image = None,
    image_alt: ImageAlt = None,
    image_size: ImageSize = None,
    start: Annotated[str | None, typer.Option(help="First instant, ISO 8601; a later one counts anew.")] = None,
    end: Annotated[str | None, typer.Option(help="Last instant, ISO 8601.")] = None,
    most_times: MostTimes = None,
    season: Season = None,
) -> None:
    """Change what is given of an announcement, for the digests to come; "" takes away a text, a picture or a season."""
    changes = cast("Changes", _details(text, link, label, image, image_alt, image_size, most_times, season))
    if title is not None:
        changes["title"] = title
    if start is not None:
        changes["starts_at"] = read_instant(start)
    if end is not None:
        changes["ends_at"] = read_instant(end)
    with opened() as (_, database), database.transaction() as session:
        change_announcement(session, number, **changes)
    say(f"Changed announcement {number}.")


@announcement.command("remove")
def remove(number: Number) -> None:
    """Take an announcement out of the digests to come."""
    with opened() as (_, database), database.transaction() as session:
        remove_announcement(session, number)
    say(f"Removed announcement {number}.")


def _details(
    text: str | None,
    link: str | None,
    label: str | None,
    image: str | None,
    image_alt: str | None,
    image_size: str | None,
    most_times: int | None,
    season: str | None,
) -> Details:
    """What was given of these."""
    given = {"text": text, "link_url": link, "link_label": label, "image_url": image, "image_alt": image_alt}
    given["season"] = season
    found = cast("Details", {name: value for name, value in given.items() if value is not None})
    if image_size is not None:
        found["image_size"] = read_size(image_size)
    if most_times is not None:
        found["most_times"] = most_times or None
    return found
