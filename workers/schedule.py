"""When beat rings: by interval, in UTC. What is due is a question for the database, never for a clock in here."""

from datetime import timedelta
from typing import Any

from digestmail.web.doorbell import COLLECT, DELIVER

DELIVER_EVERY = timedelta(seconds=5)
COLLECT_EVERY = timedelta(seconds=60)

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "deliver": {"task": DELIVER, "schedule": DELIVER_EVERY, "options": {"expires": DELIVER_EVERY.total_seconds()}},
    "collect": {"task": COLLECT, "schedule": COLLECT_EVERY, "options": {"expires": COLLECT_EVERY.total_seconds()}},
}
"""A ring that nobody heard in time expires: the next one asks the same."""
