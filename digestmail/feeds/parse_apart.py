"""Parsing in processes of their own, within bounds of time and memory: no document can take a worker down.

A document that takes too long, or too much memory, ends the process that reads it and nothing else.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Self

import digestmail
from digestmail.errors import FeedError
from digestmail.feeds.document import ParsedFeed, host_of

PROCESSES = 2
SECONDS = 20.0
"""How long one document may take."""
MEMORY = 200 << 20
"""Octets of address space that a process may have: three times what a sane document of the greatest size takes."""
DOCUMENTS = 200
"""After so many documents a process is ended, and its memory with it."""


class ParsePool:
    """Processes that parse, started when they are needed. Safe to use from several threads; close it after use."""

    def __init__(self, *, processes: int = PROCESSES, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._idle: list[_Process] = []
        self._free = threading.BoundedSemaphore(processes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __call__(self, body: bytes, *, content_type: str, url: str) -> ParsedFeed:
        """Read a document in another process. Raises FeedError, also where it exceeds the bounds."""
        with self._free:
            process = self._idle.pop() if self._idle else _Process(self._memory)
            try:
                answer = process.ask((body, content_type, url), seconds=self._seconds)
            except TimeoutError as error:
                process.kill()
                raise FeedError(
                    f"The feed of {host_of(url)} takes longer than {self._seconds:g} seconds to be read."
                ) from error
            except _NotBegunError as error:
                process.kill()
                raise FeedError(
                    "No feed can be read: the process that reads them does not start. The log holds its complaint."
                ) from error
            except (EOFError, OSError) as error:
                process.kill()
                raise FeedError(f"The feed of {host_of(url)} takes too much memory to be read.") from error
            except BaseException:
                process.kill()
                raise
            if process.asked < DOCUMENTS:
                self._idle.append(process)
            else:
                process.kill()
        if isinstance(answer, ParsedFeed):
            return answer
        raise answer

    def close(self) -> None:
        """End the processes; none may be in use."""
        while self._idle:
            self._idle.pop().kill()


class _NotBegunError(Exception):
    """A process ended before it could be asked anything."""


class _Process:
    """One process that parses, and the pipe to it, through which it says first that it is there."""

    def __init__(self, memory: int) -> None:
        self.asked = 0
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", __name__, str(theirs.fileno()), str(memory)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=os.environ | {"PYTHONPATH": _where_we_are()},
            )

    def ask(self, question: tuple[bytes, str, str], *, seconds: float) -> ParsedFeed | FeedError:
        """Its answer. Raises TimeoutError, EOFError or OSError where it has ended, or _NotBegunError."""
        if not self.asked:
            self._wait_until_it_is_there(seconds)
        self.asked += 1
        self._pipe.send(question)
        if not self._pipe.poll(seconds):
            raise TimeoutError
        answer: ParsedFeed | FeedError = self._pipe.recv()
        return answer

    def _wait_until_it_is_there(self, seconds: float) -> None:
        if not self._pipe.poll(seconds):
            raise TimeoutError
        try:
            self._pipe.recv()
        except (EOFError, OSError) as error:
            raise _NotBegunError from error

    def kill(self) -> None:
        self._pipe.close()
        self._process.kill()
        self._process.wait()


def _where_we_are() -> str:
    """The import path of the other process: this package first, wherever it was imported from."""
    there = os.environ.get("PYTHONPATH")
    ours = str(Path(digestmail.__file__).parent.parent)
    return f"{ours}{os.pathsep}{there}" if there else ours


def answer_all(pipe: Connection, parse: Callable[..., ParsedFeed]) -> None:
    """Parse what comes through the pipe until its other end is closed, or until the memory is full."""
    pipe.send(None)  # we are there
    while True:
        try:
            body, content_type, url = pipe.recv()
        except EOFError:
            return
        answer: ParsedFeed | FeedError
        try:
            answer = parse(body, content_type=content_type, url=url)
        except FeedError as error:
            answer = error
        except MemoryError:
            return
        except Exception as error:
            answer = FeedError(f"The feed of {host_of(url)} cannot be read ({type(error).__name__}).")
        pipe.send(answer)


def _limit_memory(octets: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (octets, octets))


if __name__ == "__main__":
    from digestmail.feeds.parse import parse_feed

    if sys.platform == "linux":  # elsewhere the limit is not kept
        _limit_memory(int(sys.argv[2]))
    answer_all(Connection(int(sys.argv[1])), parse_feed)
