"""A worker's Celery application with poison in it: `celery --app tests.chaos.poisoned worker`.

Composing for CHAOS_KILLS, a reader's address, kills the worker; a story with CHAOS_BREAKS in its title cannot be shown.
"""

import os
import signal
from typing import Any

from digestmail.deliveries.mailroom import Mailroom
from digestmail.messages import compose as composing
from workers.app import app

__all__ = ("app",)

_kills = os.environ.get("CHAOS_KILLS")
_breaks = os.environ.get("CHAOS_BREAKS")
_compose, _tidy = Mailroom.compose, composing.tidy


def _deadly(room: Mailroom, claimed: Any) -> Any:
    if claimed.email == _kills:
        os.kill(os.getpid(), signal.SIGKILL)
    return _compose(room, claimed)


def _broken(content: Any, **given: Any) -> Any:
    if any(_breaks in story.title for story in content.stories):  # type: ignore[operator]  # it is set here
        raise RuntimeError("this story cannot be shown")
    return _tidy(content, **given)


if _kills:
    Mailroom.compose = _deadly  # type: ignore[method-assign]
if _breaks:
    composing.tidy = _broken
