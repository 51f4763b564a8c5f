"""After an older database was put back: what may have been sent since then is not sent again unseen.

The database knows nothing of what happened after its backup. So whatever is open in it, and every digest whose slot
came since, may have reached its reader. All of that is put in doubt; the next hop is asked where it can be, and what it
cannot tell waits, held, for the operator.
"""

import time
from collections import Counter
from collections.abc import Callable

from digestmail.clock import Clock
from digestmail.deliveries import ledger
from digestmail.deliveries.accounts import summary
from digestmail.deliveries.heartbeat import living
from digestmail.deliveries.plan import plan_due
from digestmail.desk.service import Service
from digestmail.errors import InputError
from digestmail.store.database import Database
from digestmail.store.states import State

_ASK_SECONDS = 90.0
"""So long the next hop is asked: what it did not take shows after half a minute."""
_BETWEEN_SECONDS = 3.0


def check_that_nobody_works(database: Database) -> None:
    """Raise InputError while a worker lives."""
    with database.reading() as session:
        workers = living(session.connection())
    if workers:
        raise InputError(
            f"{len(workers)} {'worker is' if len(workers) == 1 else 'workers are'} running on this database. "
            "Stop the service first; a worker that was killed on another machine counts for one minute more."
        )


def reconcile(service: Service, clock: Clock, *, on_wait: Callable[[int], None] = lambda _: None) -> Counter[State]:
    """Plan what is due, put in doubt all that is open, and settle it; in which states these deliveries are then.

    `on_wait` is told how many are in doubt still. Slots beyond the catch-up limit expire.
    """
    database = service.database
    plan_due(database, clock, catch_up=service.settings.catch_up)
    with database.writing() as connection:
        ledger.doubt_what_is_open(connection)
    doubts = service.doubts(clock, policy="hold")
    deadline = time.monotonic() + _ASK_SECONDS
    resolved: Counter[State] = Counter()
    while True:
        resolved.update(State.DUE if result == "later" else State(result) for result in doubts.resolve().elements())
        left = _in_doubt(database)
        if not left or time.monotonic() > deadline:
            break
        on_wait(left)
        time.sleep(_BETWEEN_SECONDS)
    if left:
        with database.writing() as connection:
            resolved[State.HELD] += ledger.hold_doubts(connection)
    return resolved


def _in_doubt(database: Database) -> int:
    with database.reading() as session:
        return sum(states.get(State.DOUBT, 0) for states in summary(session.connection()).values())
