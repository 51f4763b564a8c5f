"""Runs a command of the tools: an end by signal leaves nothing behind, and what is wrong is said in a sentence."""

import signal
import sys
from types import FrameType

import typer

from tests.bench.options import BenchError


def run_command(app: typer.Typer, name: str) -> None:
    """Run it under the name by which people call it."""
    signal.signal(signal.SIGTERM, _interrupt)  # the same way out as Ctrl-C
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        app(prog_name=name)
    except BenchError as error:
        sys.exit(f"{error}")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
