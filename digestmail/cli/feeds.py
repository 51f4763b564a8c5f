"""Commands for the feeds that there are: how they fare, what goes where, pausing and removing them, collecting."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text
from sqlmodel import Session

from digestmail.cli.application import Json, app, at_terminal, console, opened, progress, say, show, to_stderr
from digestmail.clock import system_clock
from digestmail.errors import InputError
from digestmail.feeds import manage, quarantine
from digestmail.feeds.overview import FeedLine, list_feeds
from digestmail.feeds.spans import counted, since
from digestmail.store.database import hold_back_news
from digestmail.store.models import Feed
from digestmail.store.shared_clock import shared_clock

if TYPE_CHECKING:
    from digestmail.feeds.collect import CollectReport

feed = typer.Typer(no_args_is_help=True, help="Where items come from.", rich_markup_mode=None)
app.add_typer(feed, name="feed")

Known = Annotated[str, typer.Argument(metavar="URL", help="The feed's address as in the list, or a part of it.")]
Topics = Annotated[list[str] | None, typer.Option("--topic", metavar="SLUG", help="Of all its items; repeatable.")]
Categories = Annotated[
    list[str] | None, typer.Option("--category", metavar="NAME=SLUG", help="Of one category's items; repeatable.")
]


@feed.command("list")
def list_all(as_json: Json = False) -> None:
    """List the feeds, their topics, and how they fare."""
    with opened() as (_, database), database.reading() as session:
        lines = list_feeds(session, now=system_clock())
    if as_json or not lines:
        show(lines, as_json=as_json, empty="No feeds yet: digestmail feed add URL")
    else:
        console.print(_as_table(lines))


@feed.command()
def pause(url: Known) -> None:
    """Poll a feed no more until it is resumed."""
    with opened() as (_, database), database.transaction() as session:
        found = manage.find_feed(session, url)
        manage.pause_feed(found)
        say(f"Paused {found.url}. To poll it again: digestmail feed resume {found.url}")


@feed.command()
def resume(url: Known) -> None:
    """Poll a feed again that was paused, or gone."""
    with opened() as (_, database), database.transaction() as session:
        found = manage.find_feed(session, url)
        manage.resume_feed(found, now=system_clock())
        say(f"Resumed {found.url}. It is collected within a minute, or now with: digestmail collect")


@feed.command()
def unroute(url: Known, topics: Topics = None, categories: Categories = None) -> None:
    """Send its items no more to a topic, or to none.

    What they brought there already stays.
    """
    routes = [read_category(route) for route in categories or ()]
    with opened() as (_, database), database.transaction() as session:
        found = manage.find_feed(session, url)
        ended = manage.remove_routes(session, found, topics=topics or (), categories=routes)
        left = manage.routes_by_feed(session).get(found.id or 0, ())
        say(f"Ended {counted(ended, 'route')} of {found.url}. Its items go to: {', '.join(left) or 'no topic'}.")


@feed.command()
def remove(url: Known, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove a feed and its items.

    Items that another feed lists too stay, and so do readers and their topics.
    """
    with opened() as (_, database):
        with database.reading() as session:
            address = manage.find_feed(session, url).url
        if not yes:
            if not at_terminal():
                raise InputError(f"This removes {address} and its items. To do so without being asked: --yes")
            typer.confirm(f"Remove {address} and its items? Added again, its newest would be mailed again.", abort=True)
        with database.transaction() as session:
            removed = manage.remove_feed(session, manage.find_feed(session, address))
    stay = f" {counted(removed.stay, 'item')} of other feeds too: kept." if removed.stay else ""
    say(f"Removed {address} with {counted(removed.gone, 'item')}.{stay}")


@feed.command("let-through")
def let_through(url: Known) -> None:
    """Mail what was held back.

    What a feed brings is held back where it is much more at once than usual.
    """
    with opened() as (_, database), database.transaction() as session:
        hold_back_news(session.connection())
        found = _with_waiting(session, url)
        count = quarantine.let_through(session, found.id or 0, now=shared_clock(database)())
        say(f"Let {counted(count, 'item')} of {found.url} through: they come in the next digests.")


@feed.command("mark-seen")
def mark_seen(url: Known) -> None:
    """Leave what was held back out of all digests."""
    with opened() as (_, database), database.transaction() as session:
        found = _with_waiting(session, url)
        count = quarantine.mark_as_seen(session, found.id or 0)
        say(f"Marked {counted(count, 'item')} of {found.url} as seen: no digest shows them.")


@app.command()
def collect(as_json: Json = False) -> None:
    """Fetch every feed now, due or not."""
    from digestmail.desk.service import Service

    with opened() as (settings, _), collecting() as on_feed:
        report = Service(settings).collect(system_clock, every_feed=True, on_feed=on_feed)
    if as_json:
        show({"polled": report.polled, "new_items": report.new_items, "failures": report.failures}, as_json=True)
    else:
        say(in_words(report))
        complain(report)


@contextmanager
def collecting() -> Iterator[Callable[[int, int, str], None]]:
    """A progress bar for feeds."""
    with progress() as bar:
        task = bar.add_task("Collecting", total=None)
        yield lambda done, total, _: bar.update(task, completed=done, total=total)


def in_words(report: "CollectReport") -> str:
    """What a collect did."""
    news, failures = counted(report.new_items, "new item"), counted(len(report.failures), "failure")
    return f"Collected {counted(report.polled, 'feed')}: {news}, {failures}."


def complain(report: "CollectReport") -> None:
    """Show what went wrong, feed by feed."""
    for url, sentence in report.failures:
        to_stderr.print(f"  {url}: {sentence}", highlight=False, markup=False, soft_wrap=True)


def read_category(route: str) -> tuple[str, str]:
    """A category and its topic's slug, as they are typed. Raises InputError."""
    name, equals, slug = route.rpartition("=")
    if not equals or not name.strip() or not slug.strip():
        raise InputError(f'“{route}” should be NAME=SLUG, such as "World news=international-relations".')
    return name.strip(), slug.strip()


def _with_waiting(session: Session, url: str) -> Feed:
    found = manage.find_feed(session, url)
    if found.id not in quarantine.quarantined(session):
        raise InputError(f"Nothing of {found.url} is held back.")
    return found


def _as_table(lines: list[FeedLine]) -> Table:
    """Two columns, which narrow terminals have room for."""
    now = system_clock()
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, show_lines=True, pad_edge=False)
    table.add_column("feed", overflow="fold", ratio=1)
    table.add_column("how it fares", overflow="fold", ratio=1)
    for line in lines:
        what = [
            Text(line.title, "bold"),
            Text(line.url, "dim" if line.title else "bold"),
            Text(f"→ {', '.join(line.routes) or 'no topic'}"),
        ]
        news = f"last item {since(line.last_item_at, now)}" if line.last_item_at else ""
        facts = [line.state, counted(line.items, "item"), news, line.rhythm]
        polls = [f"read {since(line.last_success_at, now)}" if line.last_success_at else "never read"]
        if line.next_poll_at is not None:
            polls.append(f"next poll {since(line.next_poll_at, now) if line.next_poll_at > now else 'now'}")
        how = [Text(", ".join(filter(None, facts))), Text(", ".join(polls)), Text(line.explanation, "red")]
        table.add_row(Group(*filter(None, what)), Group(*filter(None, how)))
    return table
