"""How the bench tells what it does: a bar with rate and time left on a terminal, else plain lines now and then."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY_SECONDS = 5.0

OnProgress = Callable[[int, int], None]
"""Told how much of how much is done."""


class Screen:
    """Writes to standard error; standard output is for the figures."""

    def __init__(self, console: Console | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console or Console(file=sys.stderr, highlight=False)
        self._clock = clock

    def say(self, sentence: str) -> None:
        """One line."""
        self._console.print(sentence, soft_wrap=True, markup=False)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[OnProgress]:
        """Show how something comes along, for the length of the block. Its time begins at the first progress told."""
        if self._console.is_terminal:
            with self._bar(what, total) as update:
                yield update
        else:
            yield self._lines(what)

    @contextmanager
    def _bar(self, what: str, total: int) -> Iterator[OnProgress]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console) as bar:
            task = bar.add_task(what, total=total, rate="", start=False)
            began: float | None = None

            def update(done: int, total: int) -> None:
                nonlocal began
                if began is None:
                    began = self._clock()
                    bar.start_task(task)
                rate = done / max(self._clock() - began, 1e-6)
                bar.update(task, completed=done, total=total, rate=f"{rate:,.0f}/s" if done else "")

            yield update

    def _lines(self, what: str) -> OnProgress:
        began: float | None = None
        said_at = 0.0

        def update(done: int, total: int) -> None:
            nonlocal began, said_at
            now = self._clock()
            if began is None:
                began = said_at = now
            if done and (done >= total or now - said_at >= _LINE_EVERY_SECONDS):
                said_at = now
                self.say(f"{what}: {progress_in_words(done, total, seconds=now - began)}")

        return update


def progress_in_words(done: int, total: int, *, seconds: float) -> str:
    """Such as “40,000 of 100,000, 9,000/s, 7 s left” (pure)."""
    rate = done / max(seconds, 1e-6)
    left = f", {(total - done) / rate:,.0f} s left" if done < total else ""
    return f"{done:,} of {total:,}, {rate:,.0f}/s{left}"
