"""A reply decides: sent, later, or failed with the server's words."""

from datetime import timedelta
from itertools import pairwise

import pytest

from digestmail.deliveries.outcome import GIVE_UP_AFTER, Outcome, Reply, Result, outcome_of
from digestmail.store.states import Kind
from tests.deliveries.conftest import SLOT


def judge(reply: Reply, attempts: int = 1, minutes: int = 0) -> Outcome:
    now = SLOT + timedelta(minutes=minutes)
    return outcome_of(reply, kind=Kind.DIGEST, slot_at=SLOT, attempts=attempts, now=now)


def test_a_2xx_is_sent() -> None:
    assert judge(Reply(250, "2.0.0 queued as 1")) == Outcome(Result.SENT)


@pytest.mark.parametrize(("attempts", "minutes"), [(1, 5), (2, 10), (3, 20), (4, 40), (9, 180), (99, 180)])
def test_a_4xx_waits_twice_as_long_each_time(attempts: int, minutes: int) -> None:
    outcome = judge(Reply(450, "4.2.0 greylisted"), attempts)
    assert outcome == Outcome(Result.LATER, "450 4.2.0 greylisted", due_at=SLOT + timedelta(minutes=minutes))


def test_a_4xx_expires_before_the_next_digest_comes() -> None:
    end = int(GIVE_UP_AFTER[Kind.DIGEST].total_seconds() / 60)
    assert judge(Reply(450, "later"), 1, end - 6).result == Result.LATER
    assert judge(Reply(450, "later"), 1, end - 4) == Outcome(Result.EXPIRED, "450 later")


@pytest.mark.parametrize("text", ["5.1.1 no such user", "5.1.10 null MX", "5.1.2 no such domain"])
def test_a_dead_address_is_told_from_other_refusals(text: str) -> None:
    assert judge(Reply(550, text)) == Outcome(Result.FAILED, f"550 {text}", dead_address=True)


@pytest.mark.parametrize(
    "text", ["5.7.1 policy", "5.2.2 mailbox full", "5.1.12 other", "no such user", "5.4.7 expired"]
)
def test_other_refusals_fail_without_suppressing(text: str) -> None:
    assert judge(Reply(550, text)) == Outcome(Result.FAILED, f"550 {text}")


def test_waits_never_shrink() -> None:
    waits = [judge(Reply(451, "x"), attempts).due_at for attempts in range(1, 12)]
    assert all(a <= b for a, b in pairwise(waits) if a and b)
