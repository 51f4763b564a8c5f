"""Commands for the ledger: the accounts, what is in a state, and what becomes of the deliveries that are held."""

from collections.abc import Callable
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from digestmail.cli.application import Json, app, fail, opened, say, show
from digestmail.deliveries import ledger
from digestmail.deliveries.accounts import Account, accounts, editions_that_differ, listed
from digestmail.errors import InputError
from digestmail.store.database import present
from digestmail.store.states import ENDS, Kind, State

deliveries = typer.Typer(help="Show the ledger, and decide about deliveries that are held.", rich_markup_mode=None)
app.add_typer(deliveries, name="deliveries")

_EVERYTHING = 1_000_000

Ids = Annotated[list[int] | None, typer.Argument(help="The numbers of held deliveries, as `list` shows them.")]
All = Annotated[bool, typer.Option("--all", help="Every delivery that is held.")]


@deliveries.callback(invoke_without_command=True)
def show_ledger(context: typer.Context, as_json: Json = False) -> None:
    """Show the ledger: planned = sent + skipped + expired + failed + held + open, for each kind of delivery.

    Open are those that go on by themselves. How many of them are deferred (the mail server asked to come again) or in
    doubt (the mail server may have them already) is shown where there are any, and how many were doubted at some time.
    """
    if context.invoked_subcommand:
        return
    with opened() as (_, database), database.reading(at_one_moment=True) as session:
        found = accounts(session.connection())
        different = editions_that_differ(session.connection())
    rows = [_row(kind, account) for kind, account in found.items()]
    names = dict.fromkeys(name for row in rows for name in row)
    show(
        rows if as_json else [{name: row.get(name, 0) for name in names} for row in rows],
        as_json=as_json,
        empty="No deliveries yet.",
    )
    if different:
        fail(
            " ".join(
                f"Of edition {number} {planned} were planned, and there are {there}."
                for number, planned, there in different
            )
        )


@deliveries.command("list")
def list_(
    states: Annotated[
        list[State] | None, typer.Option("--state", help="A state; repeatable. Without it, what is held or in doubt.")
    ] = None,
    doubted: Annotated[
        bool, typer.Option("--doubted", help="Those that were in doubt at some time, in any state.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    as_json: Json = False,
) -> None:
    """Show deliveries one by one, with the reason of their state."""
    with opened() as (_, database), database.reading() as session:
        usual = list(State) if doubted else [State.HELD, State.DOUBT]
        found = listed(session.connection(), states or usual, limit=limit, doubted=doubted)
    show(found, as_json=as_json, empty="No delivery is in such a state.")


@deliveries.command()
def release(ids: Ids = None, every: All = False) -> None:
    """Send held deliveries after all, with the next look of a worker."""
    say(f"Released {_each_held(ids, ledger.release, every=every)}. A worker sends them with its next look.")


@deliveries.command()
def drop(ids: Ids = None, every: All = False) -> None:
    """End held deliveries without sending them."""
    say(f"Dropped {_each_held(ids, ledger.drop, every=every)}.")


def _each_held(ids: list[int] | None, move: Callable[..., bool], *, every: bool) -> str:
    if bool(ids) == every:
        raise InputError("Name the deliveries by their numbers, or say --all. `digestmail deliveries list` shows them.")
    with opened() as (_, database), database.writing() as connection:
        now = present(connection)
        wanted = _held(connection) if every else ids or []
        not_held = [number for number in wanted if not move(connection, number, now=now)]
        if not_held:
            raise InputError(f"Nothing was changed: {', '.join(map(str, not_held))} is not held.")
    return f"{len(wanted)} {'delivery' if len(wanted) == 1 else 'deliveries'}"


def _held(connection: Connection) -> list[int]:
    return [row.id for row in listed(connection, [State.HELD], limit=_EVERYTHING)]


def _row(kind: Kind, account: Account) -> dict[str, Any]:
    ended = {str(state): account.states[state] for state in (*ENDS, State.HELD)}
    states = {str(state): account.states[state] for state in (State.DEFERRED, State.DOUBT)}
    others = {"doubted": account.doubted, "missing": account.missing}
    unusual = {name: count for name, count in (states | others).items() if count}
    return {"kind": str(kind), "planned": account.planned, **ended, "open": account.open, **unusual}
