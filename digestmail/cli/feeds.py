"""Commands for where items come from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from digestmail.cli.application import Json, app, opened, progress, say, show, to_stderr
from digestmail.clock import system_clock
from digestmail.errors import InputError
from digestmail.feeds import quarantine
from digestmail.feeds.manage import add_feed, feed_id, list_feeds
from digestmail.store.database import hold_back_news
from digestmail.store.shared_clock import shared_clock

if TYPE_CHECKING:
    from digestmail.feeds.collect import CollectReport

feed = typer.Typer(no_args_is_help=True, help="Where items come from.", rich_markup_mode=None)
app.add_typer(feed, name="feed")


@feed.command("add")
def add(
    url: Annotated[str, typer.Argument(help="The feed's address, https://…")],
    topics: Annotated[list[str] | None, typer.Option("--topic", help="Send all its items to this topic.")] = None,
    categories: Annotated[
        list[str] | None, typer.Option("--category", metavar="NAME=SLUG", help="Send one category to a topic.")
    ] = None,
) -> None:
    """Add a feed (RSS, Atom or JSON Feed) and say which topics its items go to."""
    with opened() as (_, database), database.transaction() as session:
        routes = [_category(route) for route in categories or ()]
        add_feed(session, url=url, topics=topics or (), categories=routes, now=system_clock())
    say(f"Added the feed {url}. It is collected within a minute, or now with: digestmail collect")


@feed.command("list")
def list_all(as_json: Json = False) -> None:
    """List the feeds and how their last polls went."""
    with opened() as (_, database), database.reading() as session:
        show(list_feeds(session), as_json=as_json, empty="No feeds yet: digestmail feed add URL --topic SLUG")


@feed.command("let-through")
def let_through(url: Annotated[str, typer.Argument(help="The feed's address, as the list shows it.")]) -> None:
    """Mail what a feed's flood brought after all, with the next digests."""
    with opened() as (_, database), database.transaction() as session:
        hold_back_news(session.connection())
        items = quarantine.let_through(session, feed_id(session, url), now=shared_clock(database)())
    say(f"{items} items are let through: they come with the next digests." if items else "No items wait there.")


@feed.command("mark-seen")
def mark_seen(url: Annotated[str, typer.Argument(help="The feed's address, as the list shows it.")]) -> None:
    """Leave what a feed's flood brought out of all digests."""
    with opened() as (_, database), database.transaction() as session:
        items = quarantine.mark_as_seen(session, feed_id(session, url))
    say(f"{items} items are marked as seen: no digest shows them." if items else "No items wait there.")


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
    return f"Collected {report.polled} feeds: {report.new_items} new items, {len(report.failures)} failures."


def complain(report: "CollectReport") -> None:
    """Show what went wrong, feed by feed."""
    for url, sentence in report.failures:
        to_stderr.print(f"  {url}: {sentence}", highlight=False, markup=False, soft_wrap=True)


def _category(route: str) -> tuple[str, str]:
    name, equals, slug = route.rpartition("=")
    if not equals or not name.strip() or not slug.strip():
        raise InputError(f'“{route}” should be NAME=SLUG, such as "World news=international-relations".')
    return name.strip(), slug.strip()
