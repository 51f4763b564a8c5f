"""Planning and composing alone, in this process, on copies of the seeded database."""

import resource
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from sqlalchemy import Table, insert, literal, select
from sqlmodel import Session, col, func

from digestmail.clock import system_clock
from digestmail.deliveries.plan import plan_due
from digestmail.language import english
from digestmail.messages.compose import DigestComposer
from digestmail.messages.message import Message
from digestmail.messages.signature import Signer, SigningKey
from digestmail.store.database import Database
from digestmail.store.models import Delivery, Edition, Subscriber
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind
from digestmail.tokens import Tokens
from tests.bench.figures import Composing, Planning
from tests.bench.installation import SECRET, publication
from tests.bench.options import BenchError
from tests.bench.readers import Reader, content_of, readers
from tests.bench.scratch import Scratch
from tests.bench.seed import Seeded, come

_READERS = 100_000
_SAMPLE = 2_000


def planning(scratch: Scratch, seeded: Seeded, *, due: int) -> Planning:
    """Plan the slot, and beside it write the same rows by one INSERT … SELECT, which is rolled back, unpaid for."""
    with scratch.copy() as url, scratch.opened(url) as database:
        slot_at = _let_come(database, seeded)
        bare_seconds = _bare(database, slot_at, due=due)
    with scratch.copy() as url, scratch.opened(url) as database:
        _let_come(database, seeded)
        began = time.perf_counter()
        planned = plan_due(database, system_clock)
        plan_seconds = time.perf_counter() - began
        _check(planned, due)
    return Planning(rows=due, plan_seconds=plan_seconds, bare_seconds=bare_seconds)


def composing(database: Database, seeded: Seeded, *, due: int) -> Composing:
    """Compose the digests of the readers who are due, 100,000 at most, each with their own topics."""
    some = list(readers(database, limit=min(due, _READERS)))
    began, now = time.perf_counter(), datetime.now(UTC)
    composer = _composer(database, seeded, now)
    edition_seconds = time.perf_counter() - began
    before = _own_cpu()
    for reader in some:
        _compose(composer, reader, now)
    cpu_seconds = _own_cpu() - before
    messages = [message for reader in some[:_SAMPLE] if (message := _compose(composer, reader, now))]
    return Composing(
        readers=len(some),
        edition_seconds=edition_seconds,
        cpu_seconds=cpu_seconds,
        signed=len(messages),
        rsa_seconds=_signing(messages, generate_private_key(public_exponent=65537, key_size=2048)),
        ed25519_seconds=_signing(messages, Ed25519PrivateKey.generate()),
    )


def _signing(messages: Sequence[Message], key: RSAPrivateKey | Ed25519PrivateKey) -> float:
    """The CPU seconds that it takes to sign them."""
    signer = Signer([SigningKey(key, "bench")], "example.org")
    before = _own_cpu()
    for message in messages:
        signer.sign(message)
    return _own_cpu() - before


def mean_octets(database: Database, seeded: Seeded) -> int:
    """The mean size of a message, by a sample."""
    now = datetime.now(UTC)
    composer = _composer(database, seeded, now)
    some = list(readers(database, limit=_SAMPLE))
    return sum(len(message.data) for reader in some if (message := _compose(composer, reader, now))) // len(some)


def _composer(database: Database, seeded: Seeded, now: datetime) -> DigestComposer:
    return DigestComposer(
        content_of(database, seeded, now=now),
        kind=Kind.DIGEST,
        slot_at=now,
        edition_id=1,
        publication=publication(),
        language=english(),
        tokens=Tokens(SECRET),
    )


def _compose(composer: DigestComposer, reader: Reader, now: datetime) -> Message | None:
    return composer.compose(
        delivery_id=reader.id,
        subscriber_id=reader.id,
        recipient=reader.email,
        topics=reader.topics,
        day=now.date(),
    )


def _let_come(database: Database, seeded: Seeded) -> datetime:
    slot_at = datetime.now(UTC) - timedelta(seconds=1)
    come(database, waits_until=seeded.waits_until, slot_at=slot_at)
    with database.reading() as session:  # whoever is measured first must not fetch the pages for the other
        session.exec(select(func.count()).where(col(Subscriber.next_send_at) <= slot_at)).one()  # type: ignore[call-overload]  # a count
    return slot_at


def _bare(database: Database, slot_at: datetime, *, due: int) -> float:
    with database.engine.connect().execution_options(writes=True) as connection:
        session = Session(connection)
        edition = Edition(kind=Kind.DIGEST, since_at=slot_at, slot_at=slot_at, cutoff_at=slot_at, content="{}")
        session.add(edition)
        session.flush()
        row = new_delivery(
            Kind.DIGEST, 0, scheduled_day=slot_at.date(), slot_at=slot_at, now=slot_at, edition_id=edition.id
        )
        table: Table = Delivery.__table__  # type: ignore[attr-defined]  # SQLModel does not declare it
        values = [
            col(Subscriber.id) if name == "subscriber_id" else literal(value, table.c[name].type)
            for name, value in row.items()
        ]
        same = select(*values).where(col(Subscriber.next_send_at) <= slot_at)
        bare = insert(table).from_select(list(row), same).execution_options(preserve_rowcount=True)
        began = time.perf_counter()
        written = connection.execute(bare).rowcount
        seconds = time.perf_counter() - began
        connection.rollback()
    _check(written, due)
    return seconds


def _check(rows: int, due: int) -> None:
    if rows != due:
        raise BenchError(f"{rows} deliveries were written where {due} are due.")


def _own_cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
