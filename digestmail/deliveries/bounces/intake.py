"""Takes in what came back, by whatever way it comes: the one function that the pipe, the listener and the web share."""

from digestmail.clock import Clock
from digestmail.deliveries.bounces.proof import Proofs
from digestmail.deliveries.bounces.read import read_message
from digestmail.deliveries.bounces.record import Taken, take
from digestmail.deliveries.bounces.report import Report
from digestmail.store.database import Database


class Intake:
    """Reads and counts, each report in a transaction of its own. Raises SQLAlchemyError while the database is away."""

    def __init__(self, database: Database, clock: Clock, proofs: Proofs) -> None:
        self._database = database
        self._clock = clock
        self.proofs = proofs

    def take_message(self, data: bytes, *, recipient: str = "") -> Taken:
        """Take a message that was sent to `recipient`, if that is known. When this returns, it is committed."""
        return self.take(read_message(data, self.proofs, recipient=recipient))

    def take(self, report: Report) -> Taken:
        """Take a report. When this returns, it is committed."""
        with self._database.transaction() as session:
            return take(session, report, now=self._clock())
