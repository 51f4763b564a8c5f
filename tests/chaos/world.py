"""An installation that faults are done to: real processes, brought back when they die as a supervisor does.

What the service did is read from its database, and what arrived from the sink's notes; neither is told of the other.
"""

import os
import random
import signal
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import col, func, select, update

from digestmail.local.broker import answers_ping, choose_broker, free_port
from digestmail.store.database import Database
from digestmail.store.models import WAITING, Delivery, Subscriber
from digestmail.store.states import OPEN, Kind
from tests.bench.children import Child, Children
from tests.bench.installation import loaded, settings_for
from tests.bench.options import BenchError, Options
from tests.bench.recorder import MESSAGES, Note, read_notes
from tests.bench.scratch import Scratch, scratch
from tests.bench.screen import Screen
from tests.bench.seed import Seeded, come, seed
from tests.bench.sinks import Sink
from tests.chaos.sink import HOLD, Faults

_TOP = Path(__file__).parents[2]
_STALLED_SECONDS = 240.0
_BACK_AFTER_SECONDS = 0.3

CONNECTIONS = 16


@dataclass(slots=True)
class Kept:
    """A process that is started again when it ends."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    child: Child
    back_at: float | None = None
    ends: list[int] = field(default_factory=list)
    """The exit codes so far (negative: signals)."""


class World:
    """One installation with its sink."""

    def __init__(
        self,
        *,
        folder: Path,
        children: Children,
        databases: Scratch,
        database: Database,
        seeded: Seeded,
        options: Options,
        sink: Sink,
        chance: random.Random,
        screen: Screen,
        settings: Mapping[str, str],
    ) -> None:
        self.folder, self.children, self.databases, self.database = folder, children, databases, database
        self.seeded, self.chance, self.screen = seeded, chance, screen
        self.readers = options.subscribers
        home = folder / "home"
        home.mkdir()
        url = database.url.render_as_string(hide_password=False)
        bare = settings_for(options, folder=home, database_url=url, sink=sink)
        self.broker = choose_broker(loaded(bare))
        self.environment = bare | {"DIGESTMAIL_REDIS_URL": self.broker.url} | settings
        self.kept: dict[str, Kept] = {}
        self.slot_at = datetime.now(UTC)
        self._counted = self._counted_octets = 0
        self._paused: set[str] = set()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    # -- processes

    def start(self, *, workers: int = 2, beats: int = 1, web: bool = False) -> None:
        """Start the broker, workers, beats and the web pages."""
        self.keep("broker", self.broker.command or ())
        self.wait_for(lambda: answers_ping(self.broker.url), "the broker")
        for number in range(1, workers + 1):
            self.keep_digestmail(f"worker{number}", "worker")
        for number in range(1, beats + 1):
            self.keep_digestmail(f"beat{number}", "beat")
        if web:
            self.keep_digestmail("web", "web")
            self.wait_for(self.is_well, "the web pages")

    def keep_digestmail(self, name: str, command: str) -> None:
        """Start a process of the service and keep it running."""
        self.keep(name, (sys.executable, "-m", "digestmail", command))

    def keep(self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Start a process, and start it again whenever it ends."""
        environment = environment or self.environment
        with self._lock:
            self.kept[name] = Kept(name, command, environment, self._spawn(name, command, environment))

    def pids(self, *names: str) -> list[int]:
        """The numbers of the processes that run now, of these names or with these beginnings."""
        with self._lock:
            return [
                kept.child.process.pid
                for kept in self.kept.values()
                if kept.name.startswith(names) and kept.child.process.poll() is None
            ]

    def kill(self, *names: str) -> int:
        """kill -9 them; how many."""
        numbers = self.pids(*names)
        for number in numbers:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        return len(numbers)

    def signal(self, which: signal.Signals, *names: str) -> None:
        """Send a signal to them."""
        for number in self.pids(*names):
            with suppress(ProcessLookupError):
                os.kill(number, which)

    def away(self, *names: str) -> None:
        """Kill them and let nobody bring them back."""
        self._paused.update(name for name in self.kept if name.startswith(names))
        self.kill(*names)

    def back(self, *names: str) -> None:
        """Bring them back."""
        self._paused = {name for name in self._paused if not name.startswith(names)}

    def stop(self) -> None:
        """End everything, as an operator does."""
        self._stopping.set()
        self._keeper.join()
        self.children.stop(*(kept.child for kept in self.kept.values()))
        self.database.engine.dispose()

    def _keep(self) -> None:
        while not self._stopping.wait(0.05):
            with self._lock:
                for kept in self.kept.values():
                    self._bring_back(kept)

    def _bring_back(self, kept: Kept) -> None:
        code = kept.child.process.poll()
        if code is None or kept.name in self._paused:
            return
        if kept.back_at is None:
            kept.ends.append(code)
            kept.back_at = time.monotonic() + _BACK_AFTER_SECONDS
        elif time.monotonic() >= kept.back_at:
            kept.child, kept.back_at = self._spawn(kept.name, kept.command, kept.environment), None

    def _spawn(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Child:
        return self.children.start(name, command, environment=environment, folder=_TOP)

    # -- the day

    def come(self, *, ago: timedelta = timedelta(), day: date | None = None) -> datetime:
        """Let the slot of all readers be now, or some time ago, as their scheduled `day`; what it is."""
        self.slot_at = datetime.now(UTC).replace(microsecond=0) - ago
        if day is None:
            come(self.database, waits_until=self.seeded.waits_until, slot_at=self.slot_at)
        else:
            with self.database.transaction() as session:
                slot = update(Subscriber).where(col(Subscriber.next_send_at).is_not(None))
                session.connection().execute(slot.values(next_send_at=self.slot_at, next_day=day))
        return self.slot_at

    def let_time_pass(self) -> None:
        """What was put off is due now."""
        with self.database.transaction() as session:
            session.connection().execute(update(Delivery).where(WAITING).values(due_at=self.slot_at))

    def count(self, *states: str) -> int:
        """How many deliveries are in these states."""
        with self.database.reading() as session:
            found = select(func.count()).select_from(Delivery).where(col(Delivery.state).in_(states))
            return session.exec(found).one()

    def open_count(self) -> int:
        """How many go on by themselves, those to be planned included."""
        with self.database.reading() as session:
            due = select(func.count()).select_from(Subscriber).where(col(Subscriber.next_send_at) <= datetime.now(UTC))
            unplanned = session.exec(due).one()  # first: whoever is planned meanwhile is counted below
        return unplanned + self.count(*OPEN)

    def wait_for(self, true: Callable[[], object], what: str, *, seconds: float = 60) -> None:
        """Look again and again until it is true. Raises BenchError with the ends of the logs."""
        deadline = time.monotonic() + seconds
        while not _quietly(true):
            if time.monotonic() > deadline:
                raise BenchError(f"Waited {seconds:.0f} s in vain for {what}.\n{self.logs()}")
            time.sleep(0.05)

    def wait_until_done(self, what: str, *, hurry: bool = False) -> float:
        """Wait until nothing is open; how many seconds it took. `hurry` lets what is put off be due at once."""
        began, moved, least = time.monotonic(), time.monotonic(), 1 << 62
        with self.screen.progress(what, self.readers) as tell:
            while True:
                asked = time.monotonic()
                with suppress(SQLAlchemyError):
                    still = self.open_count()
                    tell(max(0, self.readers - still), self.readers)
                    if not still:
                        return time.monotonic() - began
                    if still < least:
                        least, moved = still, time.monotonic()
                    if hurry:
                        self.let_time_pass()
                if time.monotonic() - moved > _STALLED_SECONDS:
                    raise BenchError(f"{what}: nothing has ended for {_STALLED_SECONDS:.0f} s.\n{self.logs()}")
                time.sleep(max(0.2, 5 * (time.monotonic() - asked)))  # so asking takes a sixth of the time at most

    def moments(self, what: str, times: int) -> Iterator[None]:
        """So many random moments of the run, one after the other; meanwhile it shows how that comes along."""
        with self.screen.progress(what, self.readers) as tell:
            for turn in range(times):
                some = self.readers * (turn + self.chance.random()) / (times + 1)
                began = looked = time.monotonic()
                while (arrived := self.received_count()) <= some:
                    tell(arrived, self.readers)
                    if time.monotonic() - began > _STALLED_SECONDS:
                        raise BenchError(f"{what}: no mail for {_STALLED_SECONDS:.0f} s.\n{self.logs()}")
                    if time.monotonic() - looked > 2:
                        if self._is_over():
                            break
                        looked = time.monotonic()
                    time.sleep(0.05)
                yield

    def _is_over(self) -> bool:
        """Whether nothing is open, as far as the database can be asked."""
        try:
            return not self.open_count()
        except SQLAlchemyError:
            return False

    def received(self) -> list[Note]:
        """What the sink has noted so far."""
        try:
            return read_notes(self.folder / "caught")
        except FileNotFoundError:
            return []

    def mails(self) -> Iterator[tuple[str, bytes]]:
        """Recipient and message of all that came; for worlds that keep them."""
        for file in (self.folder / "caught").glob("*.eml"):
            recipient, _, message = file.read_bytes().partition(b"\n")
            yield recipient.decode(), message

    def received_count(self) -> int:
        """How many; cheap, since only what is new is read."""
        with suppress(FileNotFoundError), (self.folder / "caught" / MESSAGES).open("rb") as file:
            file.seek(self._counted_octets)
            new = file.read()
            self._counted += new.count(b"\n")
            self._counted_octets += len(new)
        return self._counted

    def hold(self, command: str) -> None:
        """Let the sink's answers to a command wait."""
        (self.folder / "caught" / HOLD).write_text(command)

    def go_on(self) -> None:
        """Let it answer again."""
        (self.folder / "caught" / HOLD).unlink(missing_ok=True)

    # -- the pages

    @property
    def url(self) -> str:
        """The address of the pages."""
        return f"http://127.0.0.1:{self.environment['DIGESTMAIL_PORT']}"

    def is_well(self) -> bool:
        """Whether the pages answer."""
        with urllib.request.urlopen(f"{self.url}/healthz", timeout=5) as response:
            return bool(response.status == 200)

    def post(self, path: str, **form: str) -> tuple[int, float]:
        """The status of a POST, and the seconds that it took."""
        began = time.monotonic()
        request = urllib.request.Request(f"{self.url}{path}", urllib.parse.urlencode(form).encode())
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
        return status, time.monotonic() - began

    def sign_up(self, number: int) -> tuple[int, float]:
        """Post the sign-up form."""
        return self.post("/sign-up", email=f"new{number}@mail0.example", topics="topic-1", hour="7", time_zone="UTC")

    def logs(self, lines: int = 4) -> str:
        """The ends of the logs."""
        return "\n".join(f"-- {kept.name}:\n{kept.child.last_lines(lines)}" for kept in self.kept.values())


def _quietly(true: Callable[[], object]) -> object:
    try:
        return true()
    except (OSError, SQLAlchemyError):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """How a scenario is run."""

    readers: int
    database: str
    full: bool
    seed: int
    screen: Screen


@contextmanager
def world(
    setting: Setting,
    *,
    faults: Faults | None = None,
    in_front: Callable[[Path, Children, int], Iterator[tuple[int, Mapping[str, str]]]] | None = None,
    connections: int = CONNECTIONS,
    data: Path | None = None,
    keep_mails: bool = False,
    **settings: str,
) -> Iterator[World]:
    """An installation with so many readers, for the length of the block; nothing of it is left behind.

    `in_front` puts something before the sink: it is given the folder and the sink's port, and yields the port to use
    and more settings. `data` is another folder for the database. With `keep_mails` the whole
    mails can be read, see `World.mails`.
    """
    options = Options(
        subscribers=setting.readers,
        total=setting.readers,
        topics=12,
        items=20,
        database=setting.database,
        connections=connections,
        seed=setting.seed,
    )
    with tempfile.TemporaryDirectory(prefix="dm-chaos-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL and Postfix have users of their own
        with (
            Children(folder / "logs") as children,
            scratch(setting.database, folder=data or folder, children=children) as databases,
            databases.opened(databases.seeded) as database,
        ):
            database.migrate()
            seeded = seed(database, options, now=datetime.now(UTC), on_rows=lambda _: None)
            port = free_port()
            faults = replace(faults or Faults(), seed=setting.seed)
            command = [sys.executable, "-m", "tests.chaos.sink", str(port), str(folder / "caught"), faults.to_json()]
            command += ["1"] if keep_mails else []
            children.start("sink", command, folder=_TOP)
            children.wait_for((folder / "caught").exists, "the sink")
            with contextmanager(in_front or _nothing)(folder, children, port) as (outer, more):
                here = World(
                    folder=folder,
                    children=children,
                    databases=databases,
                    database=database,
                    seeded=seeded,
                    options=options,
                    sink=Sink("sink", "127.0.0.1", outer),
                    chance=random.Random(setting.seed),
                    screen=setting.screen,
                    settings={f"DIGESTMAIL_{key}": value for key, value in (settings | dict(more)).items()},
                )
                try:
                    yield here
                finally:
                    here.go_on()
                    here.stop()


def _nothing(_folder: Path, _children: Children, port: int) -> Iterator[tuple[int, Mapping[str, str]]]:
    yield port, {}


def states_of(database: Database) -> Counter[str]:
    """How many digests are in each state."""
    with database.reading() as session:
        counts = select(Delivery.state, func.count()).where(Delivery.kind == Kind.DIGEST).group_by(col(Delivery.state))
        return Counter(dict(session.exec(counts).all()))
