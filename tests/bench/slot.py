"""One slot through real workers, from the instant at which it comes to the last settle.

The workers are up, have sent a letter and are idle before. The slot comes by the clock, as it does for a publisher, and
the bell is rung at that moment, so that the wait for beat's next round (up to five seconds) is not measured. The end is
the last `settled_at` of the ledger, or the last time that something was seen to be open, whichever is later.
"""

import resource
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import text
from sqlmodel import Session, col, func, select

from digestmail.store.database import Database
from digestmail.store.models import WAITING, Delivery, Subscriber
from digestmail.store.outbox import ask_for
from digestmail.store.states import Kind, State
from tests.bench.children import Child, Children
from tests.bench.figures import ProcessFigures, SlotFigures
from tests.bench.installation import Installation
from tests.bench.options import BenchError
from tests.bench.proc import Usage
from tests.bench.seed import Seeded, come
from tests.bench.worker_log import WorkerLogs

OnProgress = Callable[[int, int], None]
"""Told how many digests of how many have ended."""

PROBE = "probe@mail0.example"
"""Who gets the first letter, before the slot."""

SIGNED_UP = "somebody@mail0.example"
"""Who signs up in the middle of it."""

_OPEN = (WAITING, col(Delivery.claim_id).is_not(None))
"""What waits and what is at work, in the words of the indexes."""
_LOOK_SECONDS = 0.2
_SHARE_OF_LOOKING = 0.02
"""Looking takes this share of the time at most: PostgreSQL goes past all that was due, or open, before it finds any."""
_STALLED_SECONDS = 120.0
_READERS_MOVED_A_SECOND = 30_000
_SIGN_UP_AT = 0.4
"""The share of the slot after which somebody signs up."""


class Slot:
    """A slot of the seeded subscribers on a database of its own, whose workers are running."""

    def __init__(self, database: Database, installation: Installation, children: Children, *, due: int) -> None:
        self._database = database
        self._installation = installation
        self._children = children
        self._due = due
        self._signed_up: _SignUp | None = None

    def run(self, seeded: Seeded, *, sinks: list[Child], with_sign_up: bool, on_progress: OnProgress) -> SlotFigures:
        """Let the slot come, watch it and read what it took."""
        self._warm_up()
        slot_at = datetime.now(UTC) + timedelta(seconds=2 + self._due / _READERS_MOVED_A_SECOND)
        come(self._database, waits_until=seeded.waits_until, slot_at=slot_at)
        log = WorkerLogs(self._installation.workers)
        processes = [*self._installation.workers, *self._installation.others, *sinks]
        before = {child.name: child.usage() for child in processes}
        if (ahead := (slot_at - datetime.now(UTC)).total_seconds()) < 0:
            raise BenchError(f"This machine is too slow just now: the slot came {-ahead:.1f} s before all was ready.")
        time.sleep(ahead)
        watching = _own_cpu()
        if with_sign_up:
            self._signed_up = _SignUp(self._installation)
        on_progress(0, self._due)
        self._installation.ring()
        last_open_at = self._watch(slot_at, on_progress)
        watching = _own_cpu() - watching
        after = {child.name: child.usage() for child in processes}
        confirmation = self._wait_for_confirmation() if self._signed_up else None
        states, settled_at = self._ended()
        stages = log.stages(sent=states.get(State.SENT, 0))
        on_progress(self._due, self._due)
        return SlotFigures(
            due=self._due,
            states=states,
            seconds=(max(settled_at, last_open_at) - slot_at).total_seconds(),
            processes=tuple(
                _figures(
                    child,
                    before[child.name],
                    after[child.name],
                    ours=child not in sinks,
                    stages=stages.get(child.name, {}),
                )
                for child in processes
            ),
            confirmation_seconds=confirmation,
            watching_seconds=watching,
        )

    def _warm_up(self) -> None:
        """A letter goes through, and then everybody is idle; what was begun at the start is done by then."""
        if self._installation.with_web:
            self._installation.sign_up(PROBE, "topic-1")
        else:
            with self._database.transaction() as session:
                now = datetime.now(UTC)
                probe = Subscriber(email=PROBE, email_key=PROBE, created_at=now)
                session.add(probe)
                session.flush()
                ask_for(session, Kind.CONFIRMATION, probe.id or 0, now=now)
        self._installation.ring()
        self._children.wait_for(lambda: not self._is_open(), "a first letter to go through the workers", seconds=90)
        used: list[Usage] = []
        while (now_used := [child.usage() for child in self._installation.workers]) != used:
            used = now_used
            time.sleep(1.0)
        if used[0].cpu_seconds is None:
            time.sleep(5.0)

    def _watch(self, slot_at: datetime, on_progress: OnProgress) -> datetime:
        """Wait until all has ended; when something was seen to be open for the last time."""
        last_open_at, seen, moved_at = slot_at, -1, time.monotonic()
        took = 0.0
        while True:
            time.sleep(max(_LOOK_SECONDS, took / _SHARE_OF_LOOKING))
            began, looked_at = time.monotonic(), datetime.now(UTC)
            if not (self._is_open() or self._is_unplanned(slot_at)):
                return last_open_at
            last_open_at = looked_at
            self._children.check()
            ended = self._count_ended()
            took = time.monotonic() - began
            on_progress(ended, self._due)
            if ended != seen:
                seen, moved_at = ended, time.monotonic()
            if time.monotonic() - moved_at > _STALLED_SECONDS:
                logs = "\n".join(f"-- {child.name}:\n{child.last_lines(8)}" for child in self._installation.workers)
                raise BenchError(f"Nothing has ended for {_STALLED_SECONDS:.0f} s: {ended} of {self._due}.\n{logs}")
            if self._signed_up and ended >= _SIGN_UP_AT * self._due:
                self._signed_up.begin()

    def _is_open(self) -> bool:
        """By index: as quick with a million rows as with one."""
        with self._looking() as session:
            return any(session.exec(select(Delivery.id).where(each).limit(1)).first() is not None for each in _OPEN)

    def _is_unplanned(self, slot_at: datetime) -> bool:
        with self._looking() as session:
            due = select(Subscriber.id).where(col(Subscriber.next_send_at) <= slot_at).limit(1)
            return session.exec(due).first() is not None

    def _count_ended(self) -> int:
        """How many have ended beside the first letter; counts what is open alone, which falls."""
        with self._looking() as session:
            planned = session.exec(select(func.max(Delivery.id))).one() or 0
            still = sum(session.exec(select(func.count(col(Delivery.id))).where(each)).one() for each in _OPEN)
        return max(0, min(planned - still - 1, self._due))

    @contextmanager
    def _looking(self) -> Iterator[Session]:
        """Look by index; PostgreSQL thinks that the ledger is as small as it was when the slot came."""
        with self._database.reading() as session:
            if not self._database.is_sqlite:
                session.connection().execute(text("SET LOCAL enable_seqscan = off"))
            yield session

    def _ended(self) -> tuple[dict[str, int], datetime]:
        """How many digests stand in which state, and when the last one was settled."""
        digest = col(Delivery.kind) == Kind.DIGEST
        with self._database.reading() as session:
            counts = select(Delivery.state, func.count()).where(digest).group_by(col(Delivery.state))
            states = {str(state): count for state, count in session.exec(counts)}
            settled_at = session.exec(select(func.max(Delivery.settled_at)).where(digest)).one()
        if settled_at is None:
            raise BenchError("Nothing was settled.")
        return states, settled_at

    def _wait_for_confirmation(self) -> float | None:
        """From the POST to the settled confirmation; None where the slot was over before anybody could sign up."""
        assert self._signed_up is not None
        posted_at = self._signed_up.posted_at()
        if posted_at is None:
            return None
        settled = (
            select(Delivery.settled_at)
            .join(Subscriber, col(Subscriber.id) == Delivery.subscriber_id)
            .where(Subscriber.email_key == SIGNED_UP, Delivery.kind == Kind.CONFIRMATION)
        )

        def settled_at() -> datetime | None:
            with self._database.reading() as session:
                return session.exec(settled).first()

        self._children.wait_for(settled_at, "the confirmation")
        at = settled_at()
        assert at is not None
        return (at - posted_at).total_seconds()


class _SignUp:
    """Somebody signs up in the middle of the slot, in a thread, since the answer takes its time."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._at: datetime | None = None
        self._error: Exception | None = None
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Sign up, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._sign_up)
            self._thread.start()

    def posted_at(self) -> datetime | None:
        """When the form was posted; None where nobody began."""
        if self._thread:
            self._thread.join()
        if self._error:
            raise BenchError(f"The sign-up in the middle of the slot failed: {self._error}") from self._error
        return self._at

    def _sign_up(self) -> None:
        try:
            self._at = self._installation.sign_up(SIGNED_UP, "topic-1")
        except Exception as error:  # told by the thread that asks for the result
            self._error = error


def _figures(child: Child, before: Usage, after: Usage, *, ours: bool, stages: dict[str, float]) -> ProcessFigures:
    known = before.cpu_seconds is not None and after.cpu_seconds is not None
    return ProcessFigures(
        name=child.name,
        ours=ours,
        cpu_seconds=(after.cpu_seconds or 0.0) - (before.cpu_seconds or 0.0) if known else None,
        peak_octets=after.peak_octets,
        stages=stages,
    )


def _own_cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime
