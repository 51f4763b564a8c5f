"""The broker is asked for its figures alone, and judged by them."""

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import redis

from digestmail.desk.doctor.broker import connect_redis, judge_memory, judge_rings, judge_server, look_at_broker, rings
from digestmail.desk.doctor.finding import Finding, Verdict
from digestmail.local.broker import answers_ping, choose_broker, find_broker_server
from digestmail.settings import Settings
from tests.desk.doctor.zone import verdicts
from tests.services import free_port, lacking, wait_until


@pytest.fixture
def redis_url(tmp_path: Path) -> Iterator[str]:
    """A private broker."""
    if find_broker_server() is None:
        lacking("a Redis-compatible server")
    broker = choose_broker(Settings(data_dir=tmp_path))
    assert broker.command
    with subprocess.Popen(broker.command, stdout=subprocess.DEVNULL) as process:
        wait_until(lambda: answers_ping(broker.url), what="Redis")
        yield broker.url
        process.terminate()


def look(url: str | None, wait: object = lambda _: None) -> list[Finding]:
    assert callable(wait)
    return list(look_at_broker(url, connect=connect_redis, wait=wait))


def test_a_broker_of_our_own_is_fine_and_beat_is_heard(redis_url: str) -> None:
    def ring(_seconds: float) -> None:
        redis.Redis.from_url(redis_url).lpush("celery", "look")

    assert set(verdicts(look(redis_url, ring)).values()) == {Verdict.OK}
    found = verdicts(look(redis_url))
    assert found["machine.beat"] is Verdict.WARNING
    assert found["machine.broker"] is Verdict.OK


def test_a_broker_that_is_away_is_one_problem_that_does_not_show_its_password() -> None:
    [finding] = look(f"redis://:s3cretword@127.0.0.1:{free_port()}/0")
    assert (finding.name, finding.verdict) == ("machine.broker", Verdict.PROBLEM)
    assert "s3cretword" not in finding.found + finding.remedy


def test_without_a_url_the_broker_is_our_own_affair() -> None:
    assert [finding.verdict for finding in look(None)] == [Verdict.SKIPPED]


@pytest.mark.parametrize(
    ("info", "verdict"),
    [
        ({"maxmemory": 0, "used_memory": 1 << 20, "maxmemory_policy": "noeviction"}, Verdict.OK),
        ({"maxmemory": 100, "used_memory": 50, "maxmemory_policy": "noeviction"}, Verdict.OK),
        ({"maxmemory": 100, "used_memory": 95, "maxmemory_policy": "noeviction"}, Verdict.WARNING),
        ({"maxmemory": 100, "used_memory": 50, "maxmemory_policy": "allkeys-lru"}, Verdict.WARNING),
        ({}, Verdict.OK),
    ],
)
def test_a_broker_that_would_forget_or_is_full_is_a_warning(info: Mapping[str, Any], verdict: Verdict) -> None:
    assert judge_memory(info).verdict is verdict


def test_it_is_named() -> None:
    assert "Valkey 9.1" in judge_server({"valkey_version": "9.1", "redis_version": "7.2"}).found
    assert "Redis 7.2" in judge_server({"redis_version": "7.2"}).found


def test_rings_are_counted() -> None:
    assert rings({"cmdstat_lpush": {"calls": 7}}) - rings({}) == 7
    assert judge_rings(0).verdict is Verdict.WARNING
