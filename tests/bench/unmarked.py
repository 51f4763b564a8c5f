"""A worker's Celery application that marks nothing, for measuring what the marks cost.

`celery --app tests.bench.unmarked worker`. Without them a crash doubles what was sent and not settled.
"""

from collections.abc import Sequence

from sqlalchemy import Connection

from digestmail.deliveries import ledger
from workers.app import app

__all__ = ("app",)


def _mark(_connection: Connection, _claim_id: int, ids: Sequence[int]) -> set[int]:
    return set(ids)


ledger.mark = _mark
