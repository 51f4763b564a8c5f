"""A worker's Celery application that marks nothing, for measuring what the marks cost.

`celery --app tests.bench.unmarked worker`. Without them a crash doubles what was sent and not settled.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from digestmail.deliveries import ledger
from digestmail.deliveries.ledger import Ended
from workers.app import app

__all__ = ("app",)


def _mark(
    connection: Connection, _claim_id: int, ids: Sequence[int], *, ended: Iterable[Ended], now: datetime
) -> set[int]:
    ledger.settle(connection, ended, now=now)
    return set(ids)


ledger.mark = _mark
