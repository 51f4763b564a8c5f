"""The service as one process uses it: the rooms wired up from the settings, and one tick of everything that is due."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from digestmail.clock import Clock
from digestmail.deliveries.asking import Ask
from digestmail.deliveries.doubt import Doubts, Policy
from digestmail.deliveries.greeting import greet
from digestmail.deliveries.ledger import open_claims
from digestmail.deliveries.mailroom import Mailroom
from digestmail.deliveries.pauses import Pauses
from digestmail.deliveries.plan import plan_some
from digestmail.deliveries.postfix_log import PostfixLog, log_of
from digestmail.deliveries.rate import OwnRate, Rate, SharedRate, Unlimited
from digestmail.deliveries.report import SendReport
from digestmail.deliveries.retention import prune
from digestmail.deliveries.send import Sender, Unfinished
from digestmail.deliveries.single import send_single
from digestmail.deliveries.wire import Wire
from digestmail.desk.notices import operator_address, send_notices
from digestmail.errors import RelayError
from digestmail.feeds import hubs
from digestmail.feeds.collect import CollectReport, collect_due
from digestmail.feeds.fetch import Fetcher
from digestmail.feeds.parse_apart import ParsePool
from digestmail.feeds.retention import KEPT_AT_LEAST
from digestmail.feeds.retention import prune as prune_items
from digestmail.feeds.sentinel import watch
from digestmail.language import in_turn
from digestmail.messages.publication import Publication
from digestmail.messages.rehearsal import rehearse
from digestmail.messages.signature import Signer
from digestmail.secret import secret_of
from digestmail.settings import Relay, Settings
from digestmail.store.database import Database
from digestmail.tokens import Purpose, Tokens


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one tick did."""

    collected: CollectReport
    sent: SendReport


class Service:
    """What is done on a schedule. Each step looks into the database for what is due; none needs the broker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.publication = Publication.of(settings)
        self.tokens = Tokens(secret_of(settings))
        self.signer = Signer.of(settings, domain=self.publication.domain)
        self._mailroom = Mailroom(self.database, self.publication, self.tokens, sign=self.signer.sign)
        self._fetcher = Fetcher(allowed_networks=settings.feed_allowed_networks, contact_url=settings.public_url)
        self._relay = relay_of(settings)
        self._rate = self._rate_of(settings)
        self._pauses = Pauses()
        self._unfinished = Unfinished()

    def rehearse(self) -> None:
        """Try the publisher's own mail templates. Raises SettingsError that says what is wrong with one."""
        rehearse(self.publication, self.tokens, in_turn(self.settings.language))

    def collect(
        self,
        clock: Clock,
        *,
        every_feed: bool = False,
        on_feed: Callable[[int, int, str], None] | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> CollectReport:
        """Fetch the due feeds (or every one), store what is new, forget what is old, and note what went wrong; then
        ask hubs for news."""
        with ParsePool() as parse:
            report = collect_due(
                self.database,
                self._fetcher,
                clock,
                parse=parse,
                every_feed=every_feed,
                on_feed=on_feed,
                stopping=stopping,
            )
        while self._forget_some_items(clock):
            pass
        with self.database.transaction() as session:
            watch(session, now=clock())
        if hubs.is_reachable(self.settings) and not stopping():
            hubs.renew(self.database, self._fetcher, clock, callback=self._hub_callback)
        return report

    def notify(self, clock: Clock) -> int:
        """Mail the operator what was noted, if it is time for that; how many notices went out."""
        return send_notices(
            self.database,
            now=clock(),
            recipient=operator_address(self.settings),
            publication=self.publication,
            installation=self.tokens.installation,
            send=lambda message: send_single(self._relay, self.signer.sign(message)),
        )

    def deliver(
        self,
        clock: Clock,
        *,
        stopping: Callable[[], bool] = lambda: False,
        on_progress: Callable[[SendReport], None] = lambda _: None,
        on_loop: Callable[[], None] = lambda: None,
    ) -> SendReport:
        """Plan the digests whose slot has come and send every delivery that is due. `on_loop` hears that it goes on."""
        report = Sender(
            self.database,
            clock,
            self._mailroom.compose,
            self._open_wire,
            unfinished=self._unfinished,
            plan=lambda: plan_some(self.database, clock, catch_up=self.settings.catch_up),
            resolve_doubts=self.doubts(clock).resolve,
            catch_up=self.settings.catch_up,
            rate=self._rate,
            pauses=self._pauses,
            stopping=stopping,
            on_progress=on_progress,
            on_loop=on_loop,
        ).run()
        while self._forget_some(clock) and not stopping():
            pass
        return report

    def doubts(self, clock: Clock, *, policy: Policy | None = None) -> Doubts:
        """What resolves deliveries in doubt, by the policy of the settings or another."""
        return Doubts(
            self.database,
            clock,
            identify=self._mailroom.identify,
            ask=self._ask(),
            policy=policy or self.settings.doubt,
        )

    def tick(
        self,
        clock: Clock,
        *,
        on_feed: Callable[[int, int, str], None] | None = None,
        on_progress: Callable[[SendReport], None] = lambda _: None,
    ) -> TickReport:
        """Do all that is due at the clock's instant: collect, plan, assemble, compose, deliver, settle, notify."""
        report = TickReport(self.collect(clock, on_feed=on_feed), self.deliver(clock, on_progress=on_progress))
        self.notify(clock)
        return report

    def _hub_callback(self, feed_id: int) -> str:
        return f"{self.settings.public_url}/hub/{self.tokens.make(Purpose.HUB, feed_id)}"

    def _forget_some(self, clock: Clock) -> int:
        with self.database.writing() as connection:
            return prune(connection, before=clock() - timedelta(days=self.settings.keep_days))

    def _forget_some_items(self, clock: Clock) -> int:
        kept = max(timedelta(days=self.settings.keep_days), KEPT_AT_LEAST)
        if self.settings.archive:
            kept = max(kept, timedelta(days=self.settings.archive_days))
        with self.database.writing() as connection:
            return prune_items(connection, before=clock() - kept)

    def _ask(self) -> Ask | None:
        if self.settings.ask is None:
            return None
        return PostfixLog(log_of(self.settings.ask), nudge=self._nudge).ask

    def _nudge(self) -> None:
        """Call on the mail server, which notes that in its log."""
        with suppress(RelayError):
            greet(self._relay).sock.close()

    def _open_wire(self) -> Wire:
        return Wire(
            self._relay,
            connections=self.settings.smtp_connections,
            messages_per_connection=self.settings.smtp_messages_per_connection,
        )

    def _rate_of(self, settings: Settings) -> Rate:
        limit = settings.send_rate
        if limit is None:
            return Unlimited()
        senders = _Remembered(self._count_senders)
        if settings.redis_url is None:
            return OwnRate(lambda: limit / senders())
        return SharedRate(settings.redis_url, limit, senders=senders)

    def _count_senders(self) -> int:
        with self.database.reading() as session:
            return max(1, open_claims(session.connection()))


class _Remembered:
    """A number that is asked for often and changes seldom: found anew once a second."""

    def __init__(self, find: Callable[[], int]) -> None:
        self._find = find
        self._number = 0
        self._found_at = -1.0

    def __call__(self) -> int:
        if time.monotonic() - self._found_at > 1:
            self._number, self._found_at = self._find(), time.monotonic()
        return self._number


def relay_of(settings: Settings) -> Relay:
    """The mail server of the settings: the local inbox where none is set."""
    return settings.relay or Relay("127.0.0.1", settings.inbox_port, "plain")
