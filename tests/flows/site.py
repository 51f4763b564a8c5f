"""A whole installation for a test: `digestmail serve` on private ports and a folder of its own, driven from outside."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx2
from sqlmodel import select
from typer.testing import CliRunner

from digestmail.cli import app
from digestmail.store.database import Database
from digestmail.store.models import Subscriber
from tests.services import free_port, wait_until

LINK = re.compile(r"https?://[^\s<>\"]+")


class Site:
    """One installation in `folder`."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port, self.inbox_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        ours = {name: value for name, value in os.environ.items() if not name.startswith("DIGESTMAIL_")}
        self._environment = ours | {
            "DIGESTMAIL_DATA_DIR": str(folder / "data"),
            "DIGESTMAIL_PORT": str(self.port),
            "DIGESTMAIL_INBOX_PORT": str(self.inbox_port),
            "DIGESTMAIL_FEED_ALLOWED_NETWORKS": "127.0.0.0/8",
            **settings,
        }
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str) -> str:
        """Run a command of the CLI to its end; what it printed."""
        done = CliRunner().invoke(app, arguments, env=self._environment, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """Run a command with --json; what it said."""
        return json.loads(self.run(*arguments, "--json"))

    @property
    def database(self) -> Database:
        """The installation's SQLite database, to look into or to prepare."""
        return Database(f"sqlite:///{self.folder / 'data' / 'digestmail.db'}")

    def standing(self, email: str) -> str:
        """Where a subscriber stands."""
        with self.database.reading() as session:
            return session.exec(select(Subscriber.standing).where(Subscriber.email_key == email)).one()

    def start(self, *options: str) -> None:
        """Start everything and wait until it is up."""
        with (self.folder / "serve.out").open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "digestmail", "serve", *options],
                env=self._environment,
                cwd=self.folder,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        wait_until(lambda: self._is_up(), seconds=60, what=f"the start; {self.folder / 'serve.out'} tells more")

    def stop(self) -> None:
        """Stop everything as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def processes(self, name: str) -> list[int]:
        """The numbers of the processes below the supervisor that have `name` in their command lines."""
        assert self.process is not None
        parents: dict[int, int] = {}
        names: dict[int, bytes] = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                names[int(folder.name)] = (folder / "cmdline").read_bytes()
        family = {self.process.pid}
        while more := {number for number, parent in parents.items() if parent in family} - family:
            family |= more
        return sorted(number for number in family if name.encode() in names.get(number, b""))

    def kill(self, *names: str) -> int:
        """kill -9 all processes that have one of the names in their command lines; how many there were."""
        numbers = {number for name in names for number in self.processes(name)}
        for number in numbers:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return len(numbers)

    def mails(self, recipient: str, *, count: int) -> list[EmailMessage]:
        """The mails to a recipient in the local inbox, the oldest first, as soon as there are `count` of them."""

        def listed() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = httpx2.get(f"{self.url}/api/inbox", params={"to": recipient}).json()[
                "messages"
            ]
            return found

        wait_until(lambda: len(listed()) >= count, what=f"{count} mails to {recipient}")
        sources = [httpx2.get(self.url + row["source"]).content for row in reversed(listed())]
        assert len(sources) == count
        return [message_from_bytes(source, policy=policy.default) for source in sources]  # type: ignore[misc]

    def _is_up(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "serve.out").read_text()
        return b"digestmail is running" in (self.folder / "serve.out").read_bytes()


@contextmanager
def running(folder: Path, *options: str, **settings: str) -> Iterator[Site]:
    """An installation that serves for the length of a test."""
    site = Site(folder, **settings)
    try:
        site.start(*options)
        yield site
    finally:
        site.stop()


def part(mail: EmailMessage, kind: str) -> str:
    """The text of the plain or html part."""
    body = mail.get_body((kind,))
    assert body is not None
    text: str = body.get_content()
    return text


def link(mail: EmailMessage, path: str) -> str:
    """The first link of the text part whose path starts so."""
    return next(found for found in LINK.findall(part(mail, "plain")) if path in found)
