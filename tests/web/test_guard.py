"""The gate's judgement: pure, so any try may come."""

import hashlib
import ipaddress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.tokens import Tokens
from digestmail.web.guard.buckets import Buckets, networks_of
from digestmail.web.guard.stamps import Stamps, is_work
from digestmail.web.guard.verdict import Rules, Stamp, Try, Verdict, judge

RULES = Rules()
LIMIT = 1000
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

tries = st.builds(
    Try,
    trapped=st.booleans(),
    stamp=st.sampled_from(Stamp),
    stepped=st.booleans(),
    tries=st.integers(0, 400),
)
asked = st.integers(0, 5000)
FROM_BEST = [Verdict.LET, Verdict.ASK, Verdict.CLOSE, Verdict.REFUSE, Verdict.PRETEND]


def rank(one: Try, asked: int) -> int:
    return FROM_BEST.index(judge(one, asked=asked, limit=LIMIT, rules=RULES))


@given(tries, asked)
def test_whoever_fills_in_the_trap_gets_the_usual_answer_and_no_mail(one: Try, asked: int) -> None:
    verdict = judge(one, asked=asked, limit=LIMIT, rules=RULES)
    assert (verdict is Verdict.PRETEND) == one.trapped


@given(tries, asked)
def test_taking_the_step_never_makes_it_worse_and_lets_in_whoever_was_asked(one: Try, asked: int) -> None:
    before = judge(replace(one, stepped=False), asked=asked, limit=LIMIT, rules=RULES)
    after = judge(replace(one, stepped=True), asked=asked, limit=LIMIT, rules=RULES)
    assert after is (Verdict.LET if before is Verdict.ASK else before)


@given(tries, asked, st.integers(0, 400), st.integers(0, 5000))
def test_more_tries_and_a_greater_rush_never_open_the_gate(one: Try, asked: int, more: int, rush: int) -> None:
    assert rank(one, asked) <= rank(replace(one, tries=one.tries + more), asked + rush)


@given(st.sampled_from(Stamp), asked, st.integers(0, RULES.few))
def test_a_person_on_a_quiet_network_gets_through_whatever_happens_elsewhere(stamp: Stamp, asked: int, n: int) -> None:
    first = judge(Try(stamp=stamp, tries=n), asked=asked, limit=LIMIT, rules=RULES)
    assert first in (Verdict.LET, Verdict.ASK)
    assert judge(Try(stepped=True, tries=n), asked=asked, limit=LIMIT, rules=RULES) is Verdict.LET


@pytest.mark.parametrize(
    ("one", "asked", "verdict"),
    [
        (Try(stamp=Stamp.GOOD, tries=30), 999, Verdict.LET),
        (Try(stamp=Stamp.MISSING, tries=30), 999, Verdict.LET),
        (Try(stamp=Stamp.ODD, tries=1), 0, Verdict.ASK),
        (Try(stamp=Stamp.GOOD, tries=31), 0, Verdict.ASK),
        (Try(stepped=True, tries=200), 0, Verdict.LET),
        (Try(stepped=True, tries=201), 0, Verdict.REFUSE),
        (Try(stamp=Stamp.GOOD, tries=1), 1000, Verdict.ASK),
        (Try(stepped=True, tries=7), 1999, Verdict.LET),
        (Try(stepped=True, tries=7), 2000, Verdict.CLOSE),
        (Try(stepped=True, tries=6), 2000, Verdict.LET),
        (Try(stepped=True, tries=0), 9999, Verdict.LET),
    ],
)
def test_the_bounds_stand_where_they_are_said_to(one: Try, asked: int, verdict: Verdict) -> None:
    assert judge(one, asked=asked, limit=LIMIT, rules=RULES) is verdict


STAMPS = Stamps(Tokens("x" * 32), RULES, "wait")
WORKED = Stamps(Tokens("x" * 32), replace(RULES, work_bits=6), "work")


@given(st.integers(-10, 200_000))
def test_a_forms_stamp_is_good_from_two_seconds_to_a_day(seconds: int) -> None:
    stamp = STAMPS.for_form(AT)
    read = STAMPS.read_form(stamp, now=AT + timedelta(seconds=seconds))
    assert read is (Stamp.GOOD if 2 <= seconds <= 86_400 else Stamp.ODD)


@given(st.text(max_size=30))
def test_a_stamp_that_is_not_ours_is_odd(text: str) -> None:
    assert STAMPS.read_form(text, now=AT) is (Stamp.ODD if text else Stamp.MISSING)
    assert STAMPS.step_age(text, email="maja@example.org", now=AT) is None
    assert STAMPS.read_form(STAMPS.for_step("maja@example.org", AT), now=AT + timedelta(seconds=9)) is Stamp.ODD


@given(st.integers(0, 10_000), st.integers(0, 2**33))
def test_a_step_is_taken_after_its_wait_and_for_an_hour(seconds: int, start: int) -> None:
    began = datetime.fromtimestamp(start, UTC)
    step = STAMPS.for_step("maja@example.org", began)
    now = began + timedelta(seconds=seconds)
    assert STAMPS.is_taken(step, work="", email=" Maja@example.org", now=now) == (5 <= seconds <= 3600)


def test_a_step_serves_for_its_own_address() -> None:
    step = STAMPS.for_step("maja@example.org", AT)
    later = AT + timedelta(seconds=6)
    others = [f"victim{number}@example.org" for number in range(500)]
    assert not any(STAMPS.is_taken(step, work="", email=other, now=later) for other in others)


def test_work_takes_the_place_of_most_of_the_wait() -> None:
    step = WORKED.for_step("maja@example.org", AT)
    nonces = {is_work(step, str(nonce), bits=6): str(nonce) for nonce in range(2000)}
    email, soon = "maja@example.org", AT + timedelta(seconds=1)
    assert WORKED.is_taken(step, work=nonces[True], email=email, now=soon)
    assert not WORKED.is_taken(step, work=nonces[False], email=email, now=soon)
    assert not WORKED.is_taken(step, work="", email=email, now=AT + timedelta(seconds=29))
    assert WORKED.is_taken(step, work="", email=email, now=AT + timedelta(seconds=30))


@given(st.text(max_size=9), st.integers(0, 12))
def test_work_is_what_its_bits_say(nonce: str, bits: int) -> None:
    digest = "".join(f"{octet:08b}" for octet in hashlib.sha256(f"S:{nonce}".encode()).digest())
    assert is_work("S", nonce, bits=bits) == digest.startswith("0" * bits)


def test_networks_are_counted_and_not_addresses() -> None:
    buckets = Buckets()
    assert [buckets.enter(ip, now=AT) for ip in ("192.0.2.1", "192.0.2.200", "::ffff:192.0.2.3")] == [1, 2, 3]
    assert buckets.enter("192.0.3.1", now=AT) == 1
    assert [buckets.enter(ip, now=AT) for ip in ("2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1")] == [1, 2, 1]


def test_one_with_very_many_networks_is_counted_by_the_wider_one() -> None:
    buckets = Buckets()
    for number in range(16 * 50):
        tries = buckets.enter(f"2001:db8:0:{number:x}::1", now=AT)
    assert tries == 50


@pytest.mark.parametrize("ip", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_not_counted(ip: str) -> None:
    buckets = Buckets()
    assert [buckets.enter(ip, now=AT) for _ in range(3)] == [0, 0, 0]
    assert not len(buckets)


@pytest.mark.parametrize("ip", ["", "unknown", "testclient", "192.0.2.7, 192.0.2.8"])
def test_who_has_no_address_shares_one_count(ip: str) -> None:
    assert networks_of(ip) == (("unknown", 1),)


def test_an_hour_later_a_network_begins_anew() -> None:
    buckets = Buckets()
    for _ in range(5):
        buckets.enter("192.0.2.1", now=AT)
    assert buckets.enter("192.0.2.1", now=AT + timedelta(minutes=59)) == 6
    assert buckets.enter("192.0.2.1", now=AT + timedelta(minutes=60)) == 1


def test_a_try_can_be_taken_back_and_never_below_nothing() -> None:
    buckets = Buckets()
    buckets.enter("192.0.2.1", now=AT)
    for _ in range(3):
        buckets.take_back("192.0.2.1")
    assert buckets.enter("192.0.2.1", now=AT) == 1


@given(st.lists(st.integers(0, 2**32 - 1), max_size=200), st.integers(2, 20))
def test_the_memory_is_bounded_however_many_networks_come(addresses: list[int], most: int) -> None:
    buckets = Buckets(most)
    for number, address in enumerate(addresses):
        ip = str(ipaddress.ip_address(address)) if number % 2 else f"2001:db8:{address >> 16:x}:{address & 65535:x}::1"
        buckets.enter(ip, now=AT)
        assert len(buckets) <= most
