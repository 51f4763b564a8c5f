"""The command that adds a feed, offers its categories as topics, and at a terminal asks which of them become one."""

import re
import shlex
from collections.abc import Container
from typing import Annotated

import typer
from sqlmodel import Session

from digestmail.cli.application import Json, at_terminal, opened, say, show, warn
from digestmail.cli.feed_check import Address, look_for, name_others, title
from digestmail.cli.feeds import Categories, Topics, feed, read_category
from digestmail.clock import system_clock
from digestmail.errors import FeedError, InputError
from digestmail.feeds import manage
from digestmail.feeds.categories import Category, categories_of
from digestmail.feeds.discover import Discovered, NoFeedError
from digestmail.feeds.document import host_of
from digestmail.feeds.naming import folded, slugs_for
from digestmail.feeds.page import web_address
from digestmail.settings import Settings
from digestmail.store.database import Database
from digestmail.store.states import FeedState

_SHOWN = 50
"""Categories in the table: a feed whose tags differ from item to item has hundreds."""
_CHOICE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


@feed.command("add")
def add(
    url: Address,
    topics: Topics = None,
    categories: Categories = None,
    every: Annotated[bool, typer.Option("--all-categories", help="Make each of its categories a topic.")] = False,
    make_topics: Annotated[bool, typer.Option("--make-topics", help="Make the named topics that are missing.")] = False,
    as_json: Json = False,
) -> None:
    """Add a feed, and say which topics its items go to.

    It is RSS, Atom or JSON Feed, and found from the address of its site. Without topics its categories are shown, which
    can become topics: at a terminal it is asked which of them.
    """
    slugs, pairs = list(topics or ()), [read_category(route) for route in categories or ()]
    address, given = manage.address_of(web_address(url)), bool(slugs or pairs)
    with opened() as (settings, database):
        if not make_topics:
            with database.reading() as session:
                manage.read_routes(session, slugs, pairs)  # what is typed wrongly is said before the network is asked
        found = _look_for(settings, address, away_is_fine=given and not every)
        offer = _offer(database, found) if found else ()
        if every:
            pairs += _of_all(offer, address)
        elif found and not given and not as_json:
            title(found)
            if at_terminal():
                slugs, pairs = _ask(database, found, offer)
        with database.transaction() as session:
            row = manage.add_feed(
                session,
                url=found.url if found and not manage.is_feed(session, address) else address,
                title=found.feed.title if found else "",
                topics=slugs,
                categories=pairs,
                make_topics=make_topics or every or not given,
                now=system_clock(),
            )
            address, routes = row.url, manage.routes_by_feed(session).get(row.id or 0, ())
            paused, known = row.state == FeedState.PAUSED, _names(session)
    if found:
        _mention_absent(pairs, offer)
    if as_json:
        _print_json(address, found, offer, routes)
    elif slugs or pairs:
        say(f"Added the feed {address}. Its items go to: {', '.join(routes)}.")
        if paused:
            say(f"It is paused. To poll it again: digestmail feed resume {shlex.quote(address)}")
        else:
            say("It is collected within a minute, or now with: digestmail collect")
    else:
        _show_offer(address, offer, routes, known)
    if found and not as_json:
        name_others(found.others)


def _look_for(settings: Settings, url: str, *, away_is_fine: bool) -> Discovered | None:
    """The feed, or None with a warning where it cannot be had now but is to be added nevertheless."""
    try:
        return look_for(settings, url)
    except FeedError as error:
        if error.permanent or isinstance(error, NoFeedError) or not away_is_fine:
            raise
        warn(f"warning: {error} The feed is added nevertheless and tried again by itself.")
        return None


def _offer(database: Database, found: Discovered) -> tuple[Category, ...]:
    with database.reading() as session:
        return categories_of(found.feed.entries, topics=_names(session))


def _names(session: Session) -> dict[str, str]:
    return {topic.slug: topic.name for topic in manage.topics(session)}


def _of_all(offer: tuple[Category, ...], url: str) -> list[tuple[str, str]]:
    if not offer:
        raise InputError(
            f"The feed of {host_of(url)} names no categories; send all its items to one topic instead: --topic SLUG"
        )
    return [(category.name, category.slug) for category in offer]


def _ask(database: Database, found: Discovered, offer: tuple[Category, ...]) -> tuple[list[str], list[tuple[str, str]]]:
    """What a person at the terminal wants: the topics of all items, and those of categories."""
    if offer:
        _show_categories(offer)
        question = "Which become topics? Numbers such as 1,3-5, or all, or nothing for one topic of everything"
        while text := typer.prompt(question, default="", show_default=False).strip():
            try:
                chosen = [offer[place] for place in read_choice(text, of=len(offer))]
                return [], [(category.name, category.slug) for category in chosen]
            except InputError as error:
                warn(str(error))
    name = found.feed.title or host_of(found.url)
    if not offer and not typer.confirm(
        f"It names no categories. Make a topic “{name}” of all its items?", default=True
    ):
        return [], []
    with database.transaction() as session:
        names = _names(session)
        [slug] = slugs_for([name], topics=names)
        if slug not in names:
            manage.add_topic(session, slug=slug, name=name)
    return [slug], []


def read_choice(text: str, *, of: int) -> list[int]:
    """The places, from 0, that “1,3-5” or “all” names out of so many. Raises InputError."""
    if text.strip().lower() == "all":
        return list(range(of))
    chosen: list[int] = []
    for part in re.split(r"[\s,;]+", re.sub(r"\s*-\s*", "-", text.strip())):
        found = _CHOICE.fullmatch(part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= first <= last <= of:
            raise InputError(f"“{part}” is no number from 1 to {of}, and no range of them such as 1-{of}.")
        chosen += range(first - 1, last)
    return list(dict.fromkeys(chosen))


def _mention_absent(pairs: list[tuple[str, str]], offer: tuple[Category, ...]) -> None:
    """A category that is spelled wrongly would wait in silence."""
    there = {folded(category.name) for category in offer}
    for name in [name for name, _ in pairs if folded(name) not in there]:
        has = f"it has: {', '.join(category.name for category in offer)}" if offer else "it names none at all"
        warn(f"warning: At the moment nothing in the feed has the category “{name}”; {has}.")


def _show_offer(url: str, offer: tuple[Category, ...], routes: tuple[str, ...], known: Container[str]) -> None:
    _show_categories(offer)
    say(f"It is added, and its items go to {', '.join(routes) or 'no topic yet'}. Next, to send them to topics:")
    command = f"  digestmail feed add {shlex.quote(url)}"
    if offer:
        first = offer[0]
        make = "" if first.slug in known else " --make-topics"
        say(f"{command} --category {shlex.quote(f'{first.name}={first.slug}')}{make}")
        say(f"{command} --all-categories")
    say(f"{command} --topic SLUG")


def _show_categories(offer: tuple[Category, ...]) -> None:
    rows = [
        {"": number, "category": category.name, "items": category.items, "topic": category.slug}
        for number, category in enumerate(offer[:_SHOWN], start=1)
    ]
    show(rows, as_json=False, empty="It names no categories.")
    if len(offer) > _SHOWN:
        say(f"… and {len(offer) - _SHOWN:,} more; --json lists them all.")


def _print_json(url: str, found: Discovered | None, offer: tuple[Category, ...], routes: tuple[str, ...]) -> None:
    show(
        {
            "url": url,
            "title": found.feed.title if found else "",
            "site_url": found.feed.site_url if found else "",
            "categories": offer,
            "other_feeds": [other.url for other in found.others] if found else [],
            "routes": routes,
        },
        as_json=True,
    )
