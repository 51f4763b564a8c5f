"""A worker's Celery application whose machine has a wrong clock: `celery --app tests.chaos.skewed worker`.

CHAOS_SKEW is a file with the seconds by which it is wrong; they may change at any time.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from digestmail import clock

_right = time.time
_skew = Path(os.environ["CHAOS_SKEW"])


def _wrong() -> float:
    return _right() + float(_skew.read_text())


time.time = _wrong
clock.system_clock = lambda: datetime.fromtimestamp(_wrong(), UTC)

from workers.app import app  # noqa: E402  # what it imports has the wrong clock already

__all__ = ("app",)
