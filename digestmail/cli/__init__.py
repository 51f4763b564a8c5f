"""The command line: each command reads its arguments, calls a room and shows the result."""

from digestmail.cli import (
    announcements,
    backups,
    bounces,
    deliveries,
    digests,
    doctor,
    feed_add,
    feed_check,
    feed_files,
    feeds,
    own_data,
    processes,
    subscribers,
    topics,
)
from digestmail.cli.application import app

__all__ = [
    "announcements",
    "app",
    "backups",
    "bounces",
    "deliveries",
    "digests",
    "doctor",
    "feed_add",
    "feed_check",
    "feed_files",
    "feeds",
    "own_data",
    "processes",
    "subscribers",
    "topics",
]
