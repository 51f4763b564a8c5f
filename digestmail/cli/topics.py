"""Commands for what the publisher offers: topics and announcements."""

from datetime import timedelta
from typing import Annotated

import typer

from digestmail.cli.application import Json, app, opened, read_instant, say, show
from digestmail.clock import system_clock
from digestmail.desk.announcements import add_announcement, list_announcements, remove_announcement
from digestmail.feeds.manage import add_topic, list_topics

topic = typer.Typer(no_args_is_help=True, help="What readers can choose.", rich_markup_mode=None)
announcement = typer.Typer(no_args_is_help=True, help="Your dated block in the digests.", rich_markup_mode=None)
app.add_typer(topic, name="topic")
app.add_typer(announcement, name="announcement")


@topic.command("add")
def add(
    slug: Annotated[str, typer.Argument(help="Its name in addresses and files, such as international-relations.")],
    name: Annotated[str, typer.Option(help="Its name as readers see it.")],
    description: Annotated[str, typer.Option(help="A line on what it holds.")] = "",
) -> None:
    """Add a topic."""
    with opened() as (_, database), database.transaction() as session:
        add_topic(session, slug=slug, name=name, description=description)
    say(f"Added the topic {slug}. Send a feed to it: digestmail feed add URL --topic {slug}")


@topic.command("list")
def list_all(as_json: Json = False) -> None:
    """List the topics."""
    with opened() as (_, database), database.reading() as session:
        show(list_topics(session), as_json=as_json, empty="No topics yet: digestmail topic add SLUG --name NAME")


@announcement.command("add")
def announce(
    title: Annotated[str, typer.Option(help="Its headline.")],
    text: Annotated[str, typer.Option(help="A few sentences.")] = "",
    link: Annotated[str, typer.Option(help="Where its button leads.")] = "",
    label: Annotated[str, typer.Option(help="What its button says.")] = "",
    start: Annotated[str | None, typer.Option(help="First instant, ISO 8601; now if left out.")] = None,
    end: Annotated[str | None, typer.Option(help="Last instant, ISO 8601; 30 days later if left out.")] = None,
    topics: Annotated[list[str] | None, typer.Option("--topic", help="For readers of this topic; repeatable.")] = None,
) -> None:
    """Add an announcement, such as a fundraiser. It stands in the digests and never causes one."""
    starts_at = read_instant(start) if start else system_clock()
    ends_at = read_instant(end) if end else starts_at + timedelta(days=30)
    with opened() as (_, database), database.transaction() as session:
        number = add_announcement(
            session,
            title=title,
            text=text,
            link_url=link,
            link_label=label,
            starts_at=starts_at,
            ends_at=ends_at,
            topics=topics or (),
        )
    say(f"Added announcement {number}, from {starts_at:%Y-%m-%d %H:%M} to {ends_at:%Y-%m-%d %H:%M} UTC.")


@announcement.command("list")
def list_announced(as_json: Json = False) -> None:
    """List the announcements."""
    with opened() as (_, database), database.reading() as session:
        show(list_announcements(session), as_json=as_json, empty="No announcements.")


@announcement.command("remove")
def remove(number: Annotated[int, typer.Argument(help="Its number in the list.")]) -> None:
    """Take an announcement out of the digests to come."""
    with opened() as (_, database), database.transaction() as session:
        remove_announcement(session, number)
    say(f"Removed announcement {number}.")
