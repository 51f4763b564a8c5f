"""The clock that all processes of an installation share, so that a host whose clock is wrong sends nothing early."""

import time
from datetime import datetime, timedelta

from sqlalchemy.exc import SQLAlchemyError

from digestmail.clock import Clock, system_clock
from digestmail.store.database import Database, present

_TRUSTED_SECONDS = 10.0


def shared_clock(database: Database) -> Clock:
    """The present by the database's clock. SQLite has that of the machine, which all its processes share anyway."""
    return system_clock if database.is_sqlite else _DatabaseClock(database)


class _DatabaseClock:
    """Asks the server now and then, and counts on from its answer meanwhile, also while it cannot be reached."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._asked: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        now = time.monotonic()
        if self._asked is None or now - self._asked[1] > _TRUSTED_SECONDS:
            self._ask(now)
        if self._asked is None:
            return system_clock()
        answer, at = self._asked
        return answer + timedelta(seconds=now - at)

    def _ask(self, now: float) -> None:
        try:
            with self._database.reading() as session:
                self._asked = present(session.connection()), now
        except SQLAlchemyError:
            if self._asked is not None:  # count on, and ask again in a while
                answer, at = self._asked
                self._asked = answer + timedelta(seconds=now - at), now
