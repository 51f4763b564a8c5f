"""An installation to which things come back: its readers, their deliveries, and a clock that tests move."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import select

from digestmail.deliveries.bounces.intake import Intake
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.record import Taken
from digestmail.messages.envelope import ReturnAddress
from digestmail.store.database import Database
from digestmail.store.models import Bounce, Delivery, Subscriber, Suppression
from digestmail.store.outbox import new_delivery
from digestmail.store.states import Kind, State
from tests.deliveries.bounces.letters import dsn, recipient
from tests.deliveries.conftest import SLOT
from tests.messages.samples import PUBLICATION, TOKENS


@dataclass(slots=True)
class Returns:
    """What comes back, and what it does."""

    database: Database
    now: datetime = field(default=SLOT + timedelta(hours=1))
    proofs: Proofs = field(default_factory=lambda: Proofs(PUBLICATION, TOKENS))
    intake: Intake = field(init=False)

    def __post_init__(self) -> None:
        self.intake = Intake(self.database, lambda: self.now, self.proofs)

    def take(self, data: bytes, delivery_id: int | None = None) -> Taken:
        """Take a message that came to the envelope sender of a delivery, or to nobody knows which address."""
        to = ReturnAddress(PUBLICATION, TOKENS).of(delivery_id) if delivery_id is not None else ""
        return self.intake.take_message(data, recipient=to)

    def bounce(self, delivery_id: int, status: str = "5.1.1") -> Taken:
        """Take a bounce of a delivery."""
        return self.take(dsn(recipient(status, "")), delivery_id)

    def send(self, subscriber_id: int, *, on: date, state: State = State.SENT) -> int:
        """A digest of another day that went out at the present moment; its id."""
        with self.database.transaction() as session:
            row = new_delivery(Kind.DIGEST, subscriber_id, scheduled_day=on, slot_at=self.now, now=self.now)
            delivery = Delivery(**row)
            delivery.state, delivery.settled_at = state, self.now
            session.add(delivery)
            session.flush()
            assert delivery.id is not None
            return delivery.id

    def set_state(self, delivery_id: int, state: State) -> None:
        with self.database.transaction() as session:
            session.get_one(Delivery, delivery_id).state = state

    @property
    def suppressed(self) -> dict[str, str]:
        """The suppressed addresses with their reasons."""
        with self.database.reading() as session:
            return {row.email_key: row.reason for row in session.exec(select(Suppression))}

    @property
    def bounces(self) -> list[tuple[str, int | None]]:
        """The history: each kind, and of which delivery."""
        with self.database.reading() as session:
            return [(row.kind, row.delivery_id) for row in session.exec(select(Bounce).order_by(Bounce.id))]  # type: ignore[arg-type]

    def reader(self, delivery_id: int) -> Subscriber:
        with self.database.reading() as session:
            return session.get_one(Subscriber, session.get_one(Delivery, delivery_id).subscriber_id)


@pytest.fixture
def returns(database: Database) -> Returns:
    return Returns(database)


@pytest.fixture
def delivery(due: Callable[[int], list[int]], returns: Returns) -> int:
    """A digest to r0@example.org that was sent."""
    [number] = due(1)
    returns.set_state(number, State.SENT)
    return number
