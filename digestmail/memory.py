"""What threads no longer need goes back to the system."""

import ctypes
import sys
from contextlib import suppress

_M_ARENA_MAX = -8  # of glibc's malloc.h
_ARENAS = 2


def share_arenas() -> None:
    """Let all threads of this process take memory from two arenas.

    glibc gives each thread an arena of its own, which keeps what the thread has needed at its most: two dozen threads
    that have each read one large document keep it two dozen times. With other C libraries nothing happens.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
