"""Judges one try to sign up: pure, from what its form and its network show.

People must always get through, so only the trap and the bounds of a whole network turn anybody away: what looks odd is
asked one more step. Limits of the address that is signed up are none of this: `subscribers.sign_up` has them.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

HOUR = timedelta(hours=1)
"""For which networks and confirmation mails are counted."""


class Verdict(StrEnum):
    """What becomes of a try."""

    LET = "let"
    """It is a sign-up."""
    ASK = "ask"
    """One more step, which keeps what was typed."""
    PRETEND = "pretend"
    """The answer of a sign-up, and none takes place."""
    REFUSE = "refuse"
    """Too many come from this network."""
    CLOSE = "close"
    """Too many come from everywhere."""


class Stamp(StrEnum):
    """What a form's stamp says of its making."""

    MISSING = "missing"
    """A plain form on another site, or a program."""
    GOOD = "good"
    ODD = "odd"
    """Made a moment ago, too long ago, or not by us."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How many and how quick people are."""

    quickest: timedelta = timedelta(seconds=2)
    """Nobody fills in a form in less time."""
    slowest: timedelta = timedelta(hours=24)
    """For how long a form may stand open."""
    wait: timedelta = timedelta(seconds=5)
    """How long the one more step takes."""
    wait_without_work: timedelta = timedelta(seconds=30)
    """The same for browsers without scripts, where the step is work."""
    work_bits: int = 17
    """How many zero bits the browser has to find: some 130,000 tries, about a second on a phone."""
    answer_by: timedelta = timedelta(hours=1)
    """For how long the step can be taken."""
    unasked: int = 30
    """A network's tries in an hour before it is asked: a class behind one address."""
    most: int = 200
    """A network's tries in an hour that are answered at all."""
    few: int = 6
    """The same while the whole installation is flooded: three people, with two posts each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """What is known of one try."""

    trapped: bool = False
    """The field that people do not see is filled in."""
    stamp: Stamp = Stamp.MISSING
    stepped: bool = False
    """The one more step was taken, for this address."""
    tries: int = 0
    """Of its network in this hour, with this one; 0 where they are not counted."""


def judge(one: Try, *, asked: int, limit: int, rules: Rules) -> Verdict:
    """What becomes of a try, while `asked` confirmation mails were asked for in the last hour and `limit` are usual."""
    if one.trapped:
        return Verdict.PRETEND
    if one.tries > rules.most:
        return Verdict.REFUSE
    if asked >= 2 * limit and one.tries > rules.few:
        return Verdict.CLOSE
    if one.stepped:
        return Verdict.LET
    if asked >= limit or one.tries > rules.unasked or one.stamp is Stamp.ODD:
        return Verdict.ASK
    return Verdict.LET
