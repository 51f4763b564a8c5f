"""The gate before the sign-up form: gathers what is known of a try, has it judged, and warns of an attack."""

import logging
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from digestmail.clock import Clock
from digestmail.settings import Settings
from digestmail.store.database import Database
from digestmail.subscribers.rush import confirmations_asked
from digestmail.tokens import Tokens
from digestmail.web.guard.buckets import Buckets
from digestmail.web.guard.stamps import Stamps
from digestmail.web.guard.verdict import HOUR, Rules, Stamp, Try, Verdict, judge

_RECOUNT_AFTER = timedelta(seconds=2)
_WARN_AGAIN_AFTER = timedelta(minutes=10)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proofs:
    """What a form brings along beside what was typed."""

    email: str
    trap: str = ""
    stamp: str = ""
    step: str = ""
    work: str = ""


class Gate:
    """One process's gate. Its counts of networks are its own; that of confirmation mails is the installation's."""

    def __init__(self, settings: Settings, *, database: Database, tokens: Tokens, clock: Clock, rules: Rules) -> None:
        self.rules = rules
        self.limit = settings.sign_ups_an_hour
        self.challenge = settings.challenge
        self._database, self._clock = database, clock
        self._stamps = Stamps(tokens, rules, settings.challenge)
        self._buckets = Buckets()
        self._lock = threading.Lock()
        self._counted: tuple[datetime, int] | None = None
        self._let_since = 0
        self._warned_at: datetime | None = None

    def stamp(self) -> str:
        """The stamp of a form that is made now."""
        return self._stamps.for_form(self._clock())

    def judge(self, proofs: Proofs, *, ip: str) -> Verdict:
        """What becomes of a try to sign up."""
        now = self._clock()
        stepped = self._stamps.is_taken(proofs.step, work=proofs.work, email=proofs.email, now=now)
        one = Try(
            trapped=bool(proofs.trap),
            stamp=Stamp.ODD if proofs.step and not stepped else self._stamps.read_form(proofs.stamp, now=now),
            stepped=stepped,
            tries=self._buckets.enter(ip, now=now),
        )
        verdict = judge(one, asked=self.asked(now), limit=self.limit, rules=self.rules)
        if verdict is Verdict.LET:
            with self._lock:
                self._let_since += 1
        return verdict

    def mistyped(self, ip: str) -> None:
        """A try was none, since its form had mistakes."""
        self._buckets.take_back(ip)

    def step(self, proofs: Proofs) -> str:
        """The stamp of the one more step; the one that it was asked with, so that impatience costs nothing."""
        now = self._clock()
        if self._stamps.step_age(proofs.step, email=proofs.email, now=now) is not None:
            return proofs.step
        return self._stamps.for_step(proofs.email, now)

    def asked(self, now: datetime) -> int:
        """Confirmation mails asked for in the last hour: counted some seconds ago, and at most those let in since."""
        with self._lock:
            if self._counted is None or not timedelta() <= now - self._counted[0] < _RECOUNT_AFTER:
                with self._database.reading() as session:
                    self._counted = now, confirmations_asked(session, since=now - HOUR)
                self._let_since = 0
            asked = self._counted[1] + self._let_since
            self._warn(asked, now)
            return asked

    def _warn(self, asked: int, now: datetime) -> None:
        if asked < self.limit or (self._warned_at and now - self._warned_at < _WARN_AGAIN_AFTER):
            return
        self._warned_at = now
        _log.warning(
            "%d confirmation mails were asked for within an hour, and DIGESTMAIL_SIGN_UPS_AN_HOUR is %d: "
            "whoever signs up is asked one more step%s",
            asked,
            self.limit,
            ", and networks with many are told to come again later" if asked >= 2 * self.limit else "",
        )
