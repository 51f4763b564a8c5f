"""The stamps of forms: signed moments, and for the one more step the address that it was asked for.

A step is bound to its address, so it serves for one mailbox and need not be remembered: neither a restart nor a second
web process knows less than this one. What is left of a stolen or shared step is what any stranger has: one mail a day.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Literal

from digestmail.errors import TokenError
from digestmail.tokens import Purpose, Tokens
from digestmail.web.guard.verdict import Rules, Stamp

_ADDRESS_BITS = 18
_TURN = 1 << (40 - _ADDRESS_BITS)
"""After so many seconds, 48 days, the moments of steps begin anew: a token's number has 40 bits."""


class Stamps:
    """Makes and reads them, by the rules."""

    def __init__(self, tokens: Tokens, rules: Rules, challenge: Literal["wait", "work"]) -> None:
        self._tokens, self._rules, self._challenge = tokens, rules, challenge

    def for_form(self, now: datetime) -> str:
        """The stamp of a form that is made now."""
        return self._tokens.make(Purpose.FORM, _seconds(now))

    def read_form(self, text: str, *, now: datetime) -> Stamp:
        """What a form's stamp says."""
        if not text:
            return Stamp.MISSING
        try:
            age = timedelta(seconds=_seconds(now) - self._tokens.read(Purpose.FORM, text))
        except TokenError:
            return Stamp.ODD
        return Stamp.GOOD if self._rules.quickest <= age <= self._rules.slowest else Stamp.ODD

    def for_step(self, email: str, now: datetime) -> str:
        """The stamp of one more step, asked for now."""
        return self._tokens.make(Purpose.STEP, _seconds(now) % _TURN << _ADDRESS_BITS | _digest(email))

    def step_age(self, text: str, *, email: str, now: datetime) -> timedelta | None:
        """How long ago a step was asked for; None where it was not asked for this address, or is over."""
        try:
            number = self._tokens.read(Purpose.STEP, text)
        except TokenError:
            return None
        age = timedelta(seconds=(_seconds(now) - (number >> _ADDRESS_BITS)) % _TURN)
        return age if number % (1 << _ADDRESS_BITS) == _digest(email) and age <= self._rules.answer_by else None

    def is_taken(self, text: str, *, work: str, email: str, now: datetime) -> bool:
        """Whether a step was taken: waited for, or worked for."""
        age = self.step_age(text, email=email, now=now)
        if age is None:
            return False
        if self._challenge == "wait":
            return age >= self._rules.wait
        return age >= self._rules.wait_without_work or is_work(text, work, bits=self._rules.work_bits)


def is_work(stamp: str, nonce: str, *, bits: int) -> bool:
    """Whether SHA-256 of `stamp:nonce` begins with so many zero bits."""
    digest = hashlib.sha256(f"{stamp}:{nonce}".encode()).digest()
    return not int.from_bytes(digest, "big") >> (len(digest) * 8 - bits)


def _seconds(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp())


def _digest(email: str) -> int:
    """A few bits of an address, in whatever letters it was typed."""
    digest = hashlib.sha256("".join(email.split()).lower().encode("utf-8", "replace")).digest()
    return int.from_bytes(digest[:4], "big") >> (32 - _ADDRESS_BITS)
