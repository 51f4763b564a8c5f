"""What a Postfix has taken, by its log: a file with its rotated predecessor, or the journal.

A message was taken if and only if its queue id became active (`qmgr … (queue active)`). It was not taken where its
session was lost before its end, and where the log has nothing of it although it covers all the time in which it came.
"""

import gzip
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol

from digestmail.deliveries.asking import Answer, Question, Verdict
from digestmail.deliveries.outcome import Reply

JOURNAL = "journal"

_GRACE = timedelta(seconds=30)
"""What the server was given takes so long at most to show in its log."""
_CLOCKS_DIFFER = timedelta(seconds=2)

_LINE = re.compile(rb"^(\S+|\w{3} [ \d]\d [\d:]{8}) \S+ \S*postfix\S*?/(?:[\w-]+/)*([\w-]+)\[(\d+)\]: (.*)$")
_QUEUED = re.compile(rb"([0-9A-Za-z]{6,}): (.*)$")
_MESSAGE_ID = re.compile(rb"(?:resent-)?message-id=(<[^>]*>)")
_BOUNCED = re.compile(rb"to=<.*dsn=(5\.\d+\.\d+), status=bounced \((.*)\)")
_BROKEN_OFF = re.compile(rb"(?:lost connection|timeout|too many errors) after (?!END-OF-MESSAGE)")
_REJECTED = re.compile(rb"(?:milter-)?(?:reject|discard): END-OF-MESSAGE")


class Log(Protocol):
    """Where the lines are."""

    def since(self, at: datetime) -> tuple[bool, Iterator[bytes]]:
        """Whether the log begins before an instant, and its lines from about then on, each with its line end."""
        ...


class PostfixLog:
    """Asks a Postfix by reading its log. `nudge` makes it write a line, so that one sees that the log goes on."""

    def __init__(self, log: Log, *, nudge: Callable[[], None] = lambda: None) -> None:
        self._log = log
        self._nudge = nudge

    def ask(self, questions: Sequence[Question]) -> dict[str, Answer]:
        """The answer to each question, by its Message-ID. Raises OSError where the log cannot be read."""
        first = min(question.since_at for question in questions) - _CLOCKS_DIFFER
        covered, lines = self._log.since(first)
        history = _History({question.message_id.encode() for question in questions})
        for line in lines:
            history.read(line)
        answers = {question.message_id: history.answer(question, covered=covered) for question in questions}
        if any(answer.verdict is Verdict.UNKNOWN for answer in answers.values()):
            self._nudge()
        return answers


@dataclass(slots=True)
class _Queued:
    """One message as Postfix saw it."""

    active: bool = False
    broken_off: bool = False
    bounce: Reply | None = None


@dataclass(slots=True)
class _History:
    """What the lines tell of the wanted messages."""

    wanted: set[bytes]
    last_at: datetime | None = None
    _queued: dict[bytes, _Queued] = field(default_factory=dict)
    _sessions: dict[bytes, _Queued] = field(default_factory=dict)
    _found: dict[bytes, list[_Queued]] = field(default_factory=dict)

    def read(self, line: bytes) -> None:
        """Take in one line; one that is not whole yet is left out."""
        if not line.endswith(b"\n") or (parts := _LINE.match(line)) is None:
            return
        at, program, process, rest = parts.groups()
        self.last_at = read_time(at) or self.last_at
        if program == b"smtpd" and _BROKEN_OFF.match(rest):
            if (queued := self._sessions.pop(process, None)) and not queued.active:
                queued.broken_off = True
        elif (named := _QUEUED.match(rest)) is not None:
            self._note(program, process, *named.groups())

    def _note(self, program: bytes, process: bytes, number: bytes, what: bytes) -> None:
        if program == b"smtpd" and what.startswith(b"client="):  # short queue ids are used again
            self._sessions[process] = self._queued[number] = _Queued()
            return
        queued = self._queued.setdefault(number, _Queued())
        if program == b"qmgr" and what.endswith(b"(queue active)"):
            queued.active = True
        elif program == b"cleanup" and (identity := _MESSAGE_ID.match(what)):
            if identity[1] in self.wanted:
                self._found.setdefault(identity[1], []).append(queued)
        elif bounced := _BOUNCED.match(what):
            code, text = (part.decode("utf-8", "replace") for part in bounced.groups())
            queued.bounce = Reply(554, f"{code} {text}")
        elif _REJECTED.match(what):
            queued.broken_off = True

    def answer(self, question: Question, *, covered: bool) -> Answer:
        """What became of one message; `covered` says whether the log begins early enough."""
        found = self._found.get(question.message_id.encode(), [])
        for queued in found:
            if queued.active:
                return Answer(Verdict.TAKEN, queued.bounce)
        if found:
            ended = all(queued.broken_off for queued in found)
            return Answer(Verdict.NOT_TAKEN if ended else Verdict.PENDING)
        if covered and self.last_at is not None and self.last_at >= question.until_at + _GRACE:
            return Answer(Verdict.NOT_TAKEN)
        return Answer(Verdict.UNKNOWN)


class LogFile:
    """A file that syslog or Postfix itself writes; it may have been rotated lately."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def since(self, at: datetime) -> tuple[bool, Iterator[bytes]]:
        """See `Log`. Of rotated files the youngest is looked into."""
        files = [self._path]
        if not _begins_before(self._path, at):
            rotated = [self._path.with_name(f"{self._path.name}{ending}") for ending in (".1", ".1.gz")]
            files[:0] = [path for path in rotated if path.exists()][:1]
        return _begins_before(files[0], at), self._lines(files, at)

    def _lines(self, files: Iterable[Path], at: datetime) -> Iterator[bytes]:
        for path in files:
            with _opened(path) as file:
                if path.suffix != ".gz":
                    _seek(file, at)
                yield from file


class Journal:
    """The journal of systemd."""

    def since(self, at: datetime) -> tuple[bool, Iterator[bytes]]:
        """See `Log`."""
        earlier = self._read(f"--until=@{at.timestamp():.0f}", "--lines=1")
        return bool(earlier), iter(self._read(f"--since=@{at.timestamp():.0f}").splitlines(keepends=True))

    def _read(self, *options: str) -> bytes:
        command = ["journalctl", "--facility=mail", "--output=short-iso-precise", "--quiet", "--no-pager", *options]
        try:
            return subprocess.run(command, capture_output=True, check=True, timeout=60).stdout  # noqa: S603 - no shell
        except subprocess.SubprocessError as error:
            raise OSError(f"the journal cannot be read: {error}") from error


def log_of(setting: str) -> Log:
    """The log that `DIGESTMAIL_ASK=postfix:…` names."""
    where = setting.removeprefix("postfix:").strip()
    return Journal() if where == JOURNAL else LogFile(Path(where))


def read_time(text: bytes, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> datetime | None:
    """A time of ISO 8601, or of the older form without zone and year: the latest such time here that is not to come."""
    try:
        if text[:1].isdigit():
            return datetime.fromisoformat(text.decode("ascii")).astimezone(UTC)
        present = now().astimezone()
        for year in (present.year + 1, present.year, present.year - 1):
            try:
                at = datetime.strptime(f"{year} {text.decode('ascii')}", "%Y %b %d %H:%M:%S").astimezone()
            except ValueError:  # the 29th of February in another year
                continue
            if at <= present + timedelta(days=1):
                return at.astimezone(UTC)
    except ValueError:
        pass
    return None


def _begins_before(path: Path, at: datetime) -> bool:
    with _opened(path) as file:
        first = _first_time(file)
    return first is not None and first <= at


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path) if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]  # reads bytes too


def _first_time(file: BinaryIO) -> datetime | None:
    """The time of the next line that has one."""
    for line in file:
        if (parts := _LINE.match(line)) and (at := read_time(parts[1])):
            return at
    return None


def _seek(file: BinaryIO, at: datetime) -> None:
    """Go to a line that is not later than an instant, near the last such one: times grow along the file."""
    low, high = 0, file.seek(0, 2)
    while high - low > 65536:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        found = _first_time(file)
        if found is None or found >= at:
            high = middle
        else:
            low = middle
    file.seek(low)
    if low:
        file.readline()
