"""The whole installation keeps to one rate, with Redis and without."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digestmail.deliveries.rate import OwnRate, SharedRate
from digestmail.local.broker import answers_ping, choose_broker, find_broker_server
from digestmail.settings import Settings
from tests.deliveries.test_width import Time
from tests.services import free_port, lacking, wait_until


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A Redis of its own."""
    if find_broker_server() is None:
        lacking("a Redis server")
    broker = choose_broker(Settings(data_dir=tmp_path))
    process = subprocess.Popen(broker.command or (), stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: answers_ping(broker.url), what="Redis")
        yield broker.url
    finally:
        process.terminate()
        process.wait()


@given(st.floats(0.1, 5000), st.lists(st.tuples(st.integers(0, 300), st.floats(0, 3)), max_size=60))
def test_no_more_goes_out_than_the_time_has_earned(per_second: float, story: list[tuple[int, float]]) -> None:
    time = Time()
    rate = OwnRate(lambda: per_second, now=time)
    sent, begun = 0, time.at
    for wanted, pause in story:
        granted = rate.grant(wanted)
        assert 0 <= granted <= wanted
        sent += granted
        assert sent <= per_second * (time.at - begun + 0.1) + 1
        time.at += pause


def test_who_waits_as_told_gets_the_whole_rate() -> None:
    time = Time()
    rate = OwnRate(lambda: 40.0, now=time)
    sent = 0
    while time.at < 110:
        sent += rate.grant(1000)
        time.at += rate.patience
    assert 395 <= sent <= 405


def test_a_pause_earns_no_flood() -> None:
    time = Time()
    rate = OwnRate(lambda: 100.0, now=time)
    time.at += 3600
    assert rate.grant(1000) == 10


def test_workers_share_one_allowance_through_redis(redis_url: str) -> None:
    rates = [SharedRate(redis_url, 50.0, senders=lambda: 1) for _ in range(3)]
    granted = [rate.grant(1000) for rate in rates]
    assert 1 <= sum(granted) <= 10  # a tenth of a second's worth at once, and what the asking took
    assert all(rate.patience > 0 for rate in rates)


def test_without_redis_each_worker_keeps_to_its_share() -> None:
    time = Time()
    away = f"redis://127.0.0.1:{free_port()}/0"
    rates = [SharedRate(away, 90.0, senders=lambda: 3, now=time) for _ in range(3)]
    sent = 0
    for _ in range(200):
        sent += sum(rate.grant(1000) for rate in rates)
        time.at += 0.05
    assert 850 <= sent <= 905


def test_it_goes_back_to_redis_when_that_is_there_again(redis_url: str) -> None:
    time = Time()
    rate = SharedRate(redis_url, 50.0, senders=lambda: 1, now=time)
    rate._away_until = time.at + 5  # as after a failure
    assert rate.grant(0) == 0
    time.at += 6
    other = SharedRate(redis_url, 50.0, senders=lambda: 1)
    assert other.grant(1000) > 0
    assert rate.grant(1000) <= 1
