"""Commands for what readers can choose."""

from typing import Annotated

import typer

from digestmail.cli.application import Json, app, opened, say, show
from digestmail.feeds.manage import add_topic, list_topics

topic = typer.Typer(no_args_is_help=True, help="What readers can choose.", rich_markup_mode=None)
app.add_typer(topic, name="topic")


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
