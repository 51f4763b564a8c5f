"""Judges the database and what stands in it: its tables, the ledger's accounts, the workers and the feeds."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from digestmail.clock import Clock
from digestmail.deliveries.accounts import accounts
from digestmail.deliveries.heartbeat import living, work_is_due
from digestmail.desk.doctor.examine import Check
from digestmail.desk.doctor.finding import Finding, ok, problem, sentence, skipped, warning
from digestmail.desk.doctor.machine import judge_clock, judge_zones
from digestmail.desk.feed_cards import feed_cards
from digestmail.feeds.sentinel import count_troubles
from digestmail.settings import Settings
from digestmail.store.database import Database, present
from digestmail.store.models import Subscriber
from digestmail.store.states import State, Trouble

_LEFT_BY_CRON = timedelta(minutes=10)
_DUE_SINCE = timedelta(hours=1)
_OLDEST_POSTGRESQL = 13
_SHOWN_FEEDS = 3


class Records:
    """The database of the settings, to be looked at alone: nothing is made and no migration is applied."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database, only_look=True)

    @cached_property
    def trouble(self) -> Finding | None:
        """What keeps everybody from reading it; None where nothing does."""
        name = "machine.database"
        file = self.database.url.database
        if self.database.is_sqlite and file and not Path(file).exists():
            return skipped(name, f"There is no database yet; the first start makes {file}.")
        try:
            with self.database.engine.connect() as connection:
                inspect(connection).get_table_names()  # reads the file, which may be damaged
        except SQLAlchemyError as error:
            reason = sentence(getattr(error, "orig", None) or error)
            return problem(
                name,
                f"The database {self.database.url.render_as_string(hide_password=True)} cannot be used: {reason}",
                "Look whether its server runs, and whether DIGESTMAIL_DATABASE_URL names it rightly.",
            )
        return None

    @cached_property
    def is_current(self) -> bool:
        """Whether its tables are those of this version."""
        return self.trouble is None and self.database.is_newest()


def records_checks(records: Records, clock: Clock) -> list[Check]:
    """The checks. Where the database is away or of another version, that is said once."""
    looks: dict[str, Callable[[Session], Iterator[Finding]]] = {
        "machine.clock": lambda session: _look_at_clock(session, clock, is_sqlite=records.database.is_sqlite),
        "machine.zones": lambda session: _look_at_zones(session, records.settings.default_time_zone),
        "machine.workers": lambda session: _look_at_workers(session, now=clock()),
        "machine.ledger": _look_at_ledger,
        "machine.feeds": lambda session: _look_at_feeds(session, clock(), records.settings.default_time_zone),
    }
    return [
        Check("machine.database", lambda: _look_at_database(records)),
        *(Check(name, partial(_where_current, records, name, look)) for name, look in looks.items()),
    ]


def _where_current(records: Records, name: str, look: Callable[[Session], Iterator[Finding]]) -> Iterator[Finding]:
    if not records.is_current:
        if name == "machine.zones":
            yield judge_zones(records.settings.default_time_zone, ())
        return
    with records.database.reading(at_one_moment=True) as session:
        yield from look(session)


def _look_at_database(records: Records) -> Iterator[Finding]:
    if records.trouble is not None:
        yield records.trouble
        return
    with records.database.reading() as session:
        connection = session.connection()
        if records.database.is_sqlite:
            yield judge_journal(str(connection.execute(text("PRAGMA journal_mode")).scalar_one()))
        else:
            yield judge_postgresql(str(connection.execute(text("SHOW server_version")).scalar_one()))
    if records.is_current:
        yield ok("machine.tables", "The tables have the newest form.")
    else:
        yield problem(
            "machine.tables",
            "The tables do not have the form that this version needs.",
            "Bring them to it with `digestmail migrate`; where a newer version made them, bring digestmail up to date.",
        )


def judge_journal(mode: str) -> Finding:
    """Whether readers and writers of SQLite do not wait for each other."""
    if mode == "wal":
        return ok("machine.database", "The database (SQLite) answers; its journal is a WAL.")
    return warning(
        "machine.database",
        f"The database (SQLite) answers, but its journal is in the mode {mode}, with which readers and writers wait.",
        "The next start sets it to WAL. Where that does not stay, the file lies on a network drive: use a local one.",
    )


def judge_postgresql(version: str) -> Finding:
    """Whether the server is one that its makers still mend."""
    number = version.split(".")[0].split()[0]
    if number.isdigit() and int(number) < _OLDEST_POSTGRESQL:
        return warning(
            "machine.database",
            f"The database is PostgreSQL {version}, which is not mended any more.",
            f"Move to PostgreSQL {_OLDEST_POSTGRESQL} or newer.",
        )
    return ok("machine.database", f"The database (PostgreSQL {version}) answers.")


def _look_at_clock(session: Session, clock: Clock, *, is_sqlite: bool) -> Iterator[Finding]:
    if is_sqlite:
        yield skipped("machine.clock", "The database has this machine's clock, so there is none to hold it against.")
    else:
        yield judge_clock("machine.clock", clock() - present(session.connection()), of="the database")


def _look_at_zones(session: Session, publication: str) -> Iterator[Finding]:
    yield judge_zones(publication, session.exec(select(Subscriber.time_zone).distinct()).all())


def _look_at_workers(session: Session, *, now: datetime) -> Iterator[Finding]:
    connection = session.connection()
    workers = len(living(connection))
    yield judge_workers(workers, stalled=not workers and work_is_due(connection, now=now - _LEFT_BY_CRON))
    late = session.exec(select(func.count()).where(col(Subscriber.next_send_at) < now - _DUE_SINCE)).one()
    if workers and late:
        yield problem(
            "machine.schedule",
            f"{_many(late, 'reader has', 'readers have')} been due for more than an hour, and workers live.",
            "Look into the worker's log for what keeps it from planning.",
        )


def judge_workers(count: int, *, stalled: bool) -> Finding:
    """Whether somebody sends. Without a worker, cron may do it."""
    name = "machine.workers"
    if count:
        return ok(name, f"{_many(count, 'worker', 'workers')} showed a sign of life in the last minute.")
    start = "Start one with `digestmail serve` or `digestmail worker`, or let cron run `digestmail tick`."
    if stalled:
        return problem(name, "Something has been due for more than ten minutes, and no worker lives.", start)
    return skipped(name, "No worker lives at this moment, and nothing waits for one.", start)


def _look_at_ledger(session: Session) -> Iterator[Finding]:
    found = accounts(session.connection())
    states = {state: sum(account.states[state] for account in found.values()) for state in State}
    yield from judge_ledger(sum(abs(account.missing) for account in found.values()), states)


def judge_ledger(missing: int, states: Mapping[State, int]) -> Iterator[Finding]:
    """Whether all that was planned is somewhere, and what waits for the operator."""
    if missing:
        yield problem(
            "machine.ledger",
            f"The accounts do not add up: {_many(missing, 'delivery is', 'deliveries are')} missing or too many.",
            "Look at `digestmail deliveries`, which names the editions, and report it: this must not happen.",
        )
    else:
        yield ok("machine.ledger", "The accounts add up: whatever was planned is sent, left out for a reason, or open.")
    held, doubt = states.get(State.HELD, 0), states.get(State.DOUBT, 0)
    if held or doubt:
        yield warning(
            "machine.held",
            f"{_many(held, 'delivery is', 'deliveries are')} held and {doubt} in doubt.",
            "Look at them with `digestmail deliveries list`, and decide with `release` or `drop`.",
        )
    else:
        yield ok("machine.held", "No delivery is held or in doubt.")


def _look_at_feeds(session: Session, now: datetime, time_zone: str) -> Iterator[Finding]:
    counts = count_troubles(session, now=now)
    names: Sequence[str] = ()
    if any(count for trouble, count in counts.items() if trouble):
        names = [card.name for card in feed_cards(session, now=now, time_zone=time_zone) if card.trouble]
    yield judge_feeds(counts, names)


def judge_feeds(counts: Mapping[Trouble | None, int], names: Sequence[str]) -> Finding:
    """Whether a feed needs somebody; `names` are those of the ones that do, the worst first."""
    name = "machine.feeds"
    total = sum(counts.values())
    if not total:
        return skipped(name, "There are no feeds yet.", "Add one with: digestmail feed add URL")
    ill = total - counts.get(None, 0)
    if not ill:
        return ok(name, f"{_many(total, 'feed is', 'feeds are')} well.")
    listed = ", ".join(names[:_SHOWN_FEEDS]) + (
        f" and {len(names) - _SHOWN_FEEDS} more" if len(names) > _SHOWN_FEEDS else ""
    )
    return warning(
        name, f"{ill} of {_many(total, 'feed', 'feeds')} in trouble: {listed}.", "Look at `digestmail feed list`."
    )


def _many(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"
