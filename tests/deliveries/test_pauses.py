"""A domain that refuses us by policy is left alone for a while, and nobody else is."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.deliveries.outcome import Reply
from digestmail.deliveries.pauses import REFUSALS, Pauses
from tests.deliveries.conftest import SLOT

BLOCKED = Reply(550, "5.7.1 blocked, see our list")
TAKEN = Reply(250, "2.0.0 taken")


def refuse(pauses: Pauses, times: int, *, domain: str = "strict.example", reply: Reply = BLOCKED) -> None:
    for number in range(times):
        pauses.hear(f"r{number}@{domain}", reply, now=SLOT)


def test_a_few_refusals_speak_of_those_messages() -> None:
    pauses = Pauses()
    refuse(pauses, REFUSALS)
    assert pauses.until("ann@strict.example", now=SLOT) is None


def test_one_more_pauses_the_domain_and_no_other() -> None:
    pauses = Pauses()
    refuse(pauses, REFUSALS)
    until_at = pauses.hear("ann@strict.example", BLOCKED, now=SLOT)
    assert until_at == SLOT + timedelta(minutes=15) == pauses.until("bob@strict.example", now=SLOT)
    assert pauses.until("ann@kind.example", now=SLOT) is None
    assert pauses.until("ann@strict.example", now=until_at) is None


def test_the_next_refusal_after_a_pause_makes_one_twice_as_long_up_to_three_hours() -> None:
    pauses, now = Pauses(), SLOT
    refuse(pauses, REFUSALS)
    lengths = []
    for _ in range(7):
        until_at = pauses.hear("ann@strict.example", BLOCKED, now=now)
        assert until_at
        lengths.append((until_at - now) / timedelta(minutes=1))
        now = until_at
    assert lengths == [15, 30, 60, 120, 180, 180, 180]


def test_a_message_that_is_taken_forgives_all() -> None:
    pauses = Pauses()
    refuse(pauses, REFUSALS)
    assert pauses.hear("ann@strict.example", TAKEN, now=SLOT) is None
    refuse(pauses, REFUSALS)
    assert pauses.until("ann@strict.example", now=SLOT) is None


@pytest.mark.parametrize("text", ["5.1.1 no such user", "5.2.2 full", "no such user", "5.70.1 odd"])
def test_what_speaks_of_a_reader_pauses_nobody(text: str) -> None:
    pauses = Pauses()
    refuse(pauses, 50, reply=Reply(550, text))
    refuse(pauses, 50, reply=Reply(451, "4.7.1 later"))
    assert pauses.until("ann@strict.example", now=SLOT) is None


@given(st.lists(st.tuples(st.sampled_from(["a.example", "b.example"]), st.booleans()), max_size=60))
def test_only_a_row_of_refusals_pauses(heard: list[tuple[str, bool]]) -> None:
    pauses, row = Pauses(), {"a.example": 0, "b.example": 0}
    for domain, refused in heard:
        row[domain] = row[domain] + 1 if refused else 0
        pauses.hear(f"ann@{domain}", BLOCKED if refused else TAKEN, now=SLOT)
        for each, count in row.items():
            assert (pauses.until(f"bob@{each}", now=SLOT) is not None) == (count > REFUSALS)
