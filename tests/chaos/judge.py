"""Compares what arrived with what was planned: whatever is neither there nor accounted for is lost."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlmodel import col, select

from digestmail.deliveries.accounts import accounts, editions_that_differ
from digestmail.store.models import Delivery, Subscriber
from digestmail.store.states import Kind, State
from tests.bench.recorder import Note
from tests.chaos.world import World

ACCOUNTED = (State.SKIPPED, State.EXPIRED, State.FAILED, State.HELD)


@dataclass(slots=True, kw_only=True)
class Verdict:
    """One line of the table."""

    name: str
    load: int
    faults: str
    """What was done, and how often."""
    planned: int = 0
    received: int = 0
    lost: int = 0
    duplicates: int = 0
    doubt: int = 0
    settled: dict[str, int] = field(default_factory=dict)
    """How the deliveries ended."""
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)
    """The promises that were broken; empty in health."""
    remarks: str = ""
    database: str = ""
    seed: int = 0

    def must(self, holds: object, promise: str) -> None:
        """Note a promise that was broken."""
        if not holds:
            self.broken.append(promise)

    def line(self) -> str:
        """In a line."""
        kept = "; ".join(self.broken) or "kept"
        return (
            f"{self.name}: planned {self.planned:,}, received {self.received:,}, lost {self.lost}, twice "
            f"{self.duplicates}, in doubt {self.doubt}, {self.seconds:,.0f} s: {kept}"
        )

    def to_be(self, *, duplicates: int = 0) -> None:
        """Nothing is lost, and at most so many messages came twice."""
        self.must(self.lost == 0, f"{self.lost} were lost")
        self.must(self.duplicates <= duplicates, f"{self.duplicates} came twice, of {duplicates} at most")


def judge(world: World, name: str, faults: str, *, seconds: float, expected: Collection[str] | None = None) -> Verdict:
    """Judge digests by the ledger and the sink's notes. `expected` are the readers; else all that there are."""
    notes = [note for note in world.received() if ".digest." in note.message_id]
    with world.database.reading() as session:
        columns = (Subscriber.email, Delivery.state, Delivery.doubts)
        rows = session.exec(
            select(*columns)
            .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
            .where(Delivery.kind == Kind.DIGEST)
        ).all()
        if expected is None:
            expected = set(session.exec(select(Subscriber.email).where(Subscriber.source == "bench")))
        differing = editions_that_differ(session.connection())
        missing = sum(abs(account.missing) for account in accounts(session.connection()).values())
    arrived = {note.recipient for note in notes}
    accounted = {email for email, state, _ in rows if state in ACCOUNTED}
    verdict = Verdict(
        name=name,
        load=len(expected),
        faults=faults,
        planned=len(rows),
        received=len(notes),
        lost=len(set(expected) - arrived - accounted),
        duplicates=copies(notes),
        doubt=sum(doubts for _, _, doubts in rows),
        settled=dict(Counter(str(state) for _, state, _ in rows)),
        seconds=seconds,
    )
    sent = {email for email, state, _ in rows if state == State.SENT}
    verdict.must(sent <= arrived, f"{len(sent - arrived)} are said to be sent, and did not arrive")
    verdict.must(not differing and not missing, f"the accounts do not add up: {missing} missing, {differing[:3]}")
    return verdict


def copies(notes: Collection[Note]) -> int:
    """How many messages are copies of one that had come: by Message-ID, or by recipient and day."""
    identities = Counter(note.message_id for note in notes)
    people = Counter((note.recipient, note.message_id.split(".")[2]) for note in notes)
    return max(len(notes) - len(identities), len(notes) - len(people))
