"""The command that looks at a feed without adding it, and how a command looks for one."""

import dataclasses
from typing import Annotated

import typer
from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from digestmail.cli.application import Json, console, progress, say, show
from digestmail.cli.feeds import feed
from digestmail.clock import system_clock
from digestmail.feeds.check import Checked, check_feed
from digestmail.feeds.discover import Discovered, discover
from digestmail.feeds.document import host_of
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.page import Candidate
from digestmail.feeds.parse_apart import ParsePool
from digestmail.feeds.spans import counted
from digestmail.settings import Settings, load_settings

_SHOWN = 10

Address = Annotated[str, typer.Argument(metavar="URL", help="The address of the feed, or of a site that has one.")]


@feed.command()
def check(url: Address, as_json: Json = False) -> None:
    """Show what a feed would bring, and store nothing."""
    found = look_for(load_settings(), url)
    checked = check_feed(found, now=system_clock())
    if as_json:
        show(dataclasses.asdict(checked), as_json=True)
        return
    title(found)
    console.print(_as_table(checked))
    news = sum(entry.news for entry in checked.entries)
    say(f"A first poll now would bring {counted(news, 'item')} of news; the others are back catalogue.")
    for note in checked.notes:
        say(f"- {note}")
    name_others(found.others)


def look_for(settings: Settings, url: str) -> Discovered:
    """The feed that `url` is or leads to. Raises FeedError."""
    fetcher = Fetcher(allowed_networks=settings.feed_allowed_networks, contact_url=settings.public_url)
    with progress() as bar, ParsePool() as parse:
        bar.add_task(f"Asking {host_of(url)}", total=None)
        return discover(fetcher, url, parse=parse)


def title(found: Discovered) -> None:
    """Say what was found."""
    console.print(Text(found.feed.title or "A feed without a title", "bold"))
    say(f"{found.fetched.url}, {counted(len(found.feed.entries), 'entry', 'entries')}")


def name_others(others: tuple[Candidate, ...]) -> None:
    """Say what else there is."""
    if others:
        more = ", …" if len(others) > _SHOWN else ""
        say(f"This site has other feeds too: {', '.join(other.url for other in others[:_SHOWN])}{more}")


def _as_table(checked: Checked) -> Table:
    table = Table(box=box.SIMPLE_HEAD, header_style="bold", show_edge=False, pad_edge=False)
    table.add_column("published", no_wrap=True)
    table.add_column("entry", overflow="fold", ratio=1)
    table.add_column("picture")
    table.add_column("news")
    for entry in checked.entries:
        by = Text(" · ".join(filter(None, [entry.author, ", ".join(entry.categories)])))
        table.add_row(
            f"{entry.published_at:%Y-%m-%d %H:%M}" if entry.published_at else "no date",
            Group(*filter(None, [Text(entry.title, "bold"), by, Text(entry.link, "dim")])),
            "yes" if entry.image else "no",
            "yes" if entry.news else "no",
        )
    return table
