"""Commands for what a reader may ask of a publisher by letter: a copy of everything known, and to be forgotten."""

from typing import Annotated

import typer
from sqlmodel import Session, select

from digestmail.address import parse_address
from digestmail.cli.application import at_terminal, fail, opened, say, show
from digestmail.cli.subscribers import subscriber
from digestmail.clock import system_clock
from digestmail.errors import InputError
from digestmail.local.inbox import inbox_of
from digestmail.secret import secret_of
from digestmail.store.models import Subscriber
from digestmail.subscribers.erasure import erase
from digestmail.subscribers.own_data import own_data
from digestmail.tokens import Tokens

Email = Annotated[str, typer.Argument(help="The subscriber's address.")]


@subscriber.command()
def data(email: Email) -> None:
    """Print everything that is known of a subscriber as JSON, for the subscriber to have."""
    with opened() as (_, database), database.reading(at_one_moment=True) as session:
        show(own_data(session, _id_of(session, email), now=system_clock()) or {}, as_json=True)


@subscriber.command(name="erase")
def forget(
    email: Email, yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False
) -> None:
    """Forget a subscriber for ever. No import brings the address back; only the person's own sign-up does."""
    with opened() as (settings, database):
        with database.reading() as session:
            _id_of(session, email)
        if not yes:
            if not at_terminal():
                fail("This cannot be undone. Say --yes if it is meant.")
            typer.confirm(f"Everything that is known of {email} is deleted, for ever. Go on?", abort=True)
        with database.transaction() as session:
            erased = erase(
                session,
                _id_of(session, email),
                fingerprint=Tokens(secret_of(settings)).fingerprint,
                now=system_clock(),
            )
        if inbox := inbox_of(settings):
            inbox.forget(erased)
    say(f"{email} is forgotten. Older backups still have it: `digestmail restore` leaves it out again.")


def _id_of(session: Session, email: str) -> int:
    found = session.exec(select(Subscriber.id).where(Subscriber.email_key == parse_address(email).key)).first()
    if found is None:
        raise InputError(f"There is no subscriber {email}.", field="email")
    return found
