"""The service as one process uses it: the rooms wired up from the settings, and one tick of everything that is due."""

from collections.abc import Callable
from dataclasses import dataclass

from digestmail.clock import Clock
from digestmail.deliveries.ledger import Ended
from digestmail.deliveries.mailroom import Mailroom
from digestmail.deliveries.plan import plan_due
from digestmail.deliveries.send import Sender, SendReport
from digestmail.deliveries.smtp import Connection
from digestmail.feeds.collect import CollectReport, collect_due
from digestmail.feeds.fetch import Fetcher
from digestmail.messages.publication import Publication
from digestmail.settings import Relay, Settings, secret_of
from digestmail.store.database import Database
from digestmail.tokens import Tokens


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one tick did."""

    collected: CollectReport
    planned: int
    sent: SendReport


class Service:
    """What is done on a schedule. Each step looks into the database for what is due; none needs the broker."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.database)
        self.publication = Publication.of(settings)
        self.tokens = Tokens(secret_of(settings))
        self._mailroom = Mailroom(self.database, self.publication, self.tokens)
        self._fetcher = Fetcher(allowed_networks=settings.feed_allowed_networks, contact_url=settings.public_url)
        self._relay = relay_of(settings)
        self._unsettled: list[Ended] = []

    def collect(
        self,
        clock: Clock,
        *,
        every_feed: bool = False,
        on_feed: Callable[[int, int, str], None] | None = None,
    ) -> CollectReport:
        """Fetch the due feeds (or every one) and store what is new."""
        return collect_due(self.database, self._fetcher, clock, every_feed=every_feed, on_feed=on_feed)

    def plan(self, clock: Clock) -> int:
        """Plan the digests whose slot has come; how many."""
        return plan_due(self.database, clock)

    def send(
        self,
        clock: Clock,
        *,
        stopping: Callable[[], bool] = lambda: False,
        on_progress: Callable[[SendReport], None] = lambda _: None,
    ) -> SendReport:
        """Send every delivery that is due."""
        sender = Sender(
            self.database,
            clock,
            self._mailroom.compose,
            lambda: Connection(self._relay),
            unsettled=self._unsettled,
            stopping=stopping,
            on_progress=on_progress,
        )
        return sender.run()

    def tick(
        self,
        clock: Clock,
        *,
        on_feed: Callable[[int, int, str], None] | None = None,
        on_progress: Callable[[SendReport], None] = lambda _: None,
    ) -> TickReport:
        """Do everything that is due at the clock's instant: collect, plan, assemble, compose, deliver, settle."""
        collected = self.collect(clock, on_feed=on_feed)
        return TickReport(collected, self.plan(clock), self.send(clock, on_progress=on_progress))


def relay_of(settings: Settings) -> Relay:
    """The mail server of the settings: the local inbox where none is set."""
    return settings.relay or Relay("127.0.0.1", settings.inbox_port, "plain")
