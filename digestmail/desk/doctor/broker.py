"""Judges the broker, which only rings: whether it answers, forgets nothing under pressure, and is being rung."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import redis

from digestmail.desk.doctor.finding import Finding, ok, problem, sentence, skipped, warning

_SECONDS = 3.0
_LISTEN_SECONDS = 6.0
"""Beat rings every five."""


class Client(Protocol):
    """As much of a Redis client as is needed."""

    def info(self, section: str) -> Any:
        """The server's figures by name."""


def look_at_broker(
    redis_url: str | None,
    *,
    connect: Callable[[str], Client],
    wait: Callable[[float], None],
) -> Iterator[Finding]:
    """Everything about the broker, or the one thing that keeps us from asking it."""
    if redis_url is None:
        yield skipped("machine.broker", "REDIS_URL is not set: `digestmail serve` starts a broker of its own.")
        return
    client = connect(redis_url)
    try:
        yield judge_server(client.info("server"))
        yield judge_memory(client.info("memory"))
        before = rings(client.info("commandstats"))
        wait(_LISTEN_SECONDS)
        yield judge_rings(rings(client.info("commandstats")) - before)
    except redis.RedisError as error:
        where = urlsplit(redis_url)
        yield problem(
            "machine.broker",
            f"The broker at {where.hostname or where.path} does not answer: {sentence(error)}",
            "Look whether it runs, and whether DIGESTMAIL_REDIS_URL names it rightly. Nothing is lost meanwhile: "
            "workers look by themselves every few seconds.",
        )


def judge_server(info: Mapping[str, Any]) -> Finding:
    """That it answers, and what it is."""
    kind = "Valkey" if "valkey_version" in info else "Redis"
    version = info.get("valkey_version") or info.get("redis_version") or "of an unknown version"
    return ok("machine.broker", f"The broker ({kind} {version}) answers.")


def judge_memory(info: Mapping[str, Any]) -> Finding:
    """Whether it refuses what it has no room for, instead of forgetting something else."""
    name = "machine.broker-memory"
    limit, used = int(info.get("maxmemory") or 0), int(info.get("used_memory") or 0)
    policy = str(info.get("maxmemory_policy") or "unknown")
    shown = f"{used / (1 << 20):.0f} MB of {f'{limit / (1 << 20):.0f} MB' if limit else 'memory without a limit'}"
    found = f"The broker uses {shown}, and its eviction policy is {policy}."
    if limit and used > 0.9 * limit:
        return warning(name, found, "Give it more memory, or find out who else fills it.")
    if policy not in ("noeviction", "unknown"):
        return warning(name, found, "Set maxmemory-policy to noeviction, or rings get lost when its memory is full.")
    return ok(name, found)


def rings(stats: Mapping[str, Any]) -> int:
    """How often something was put into a list since the server started: what ringing is for a Redis."""
    return int((stats.get("cmdstat_lpush") or {}).get("calls", 0))


def judge_rings(count: int) -> Finding:
    """Whether beat lives."""
    if count > 0:
        return ok("machine.beat", "Beat rings.")
    return warning(
        "machine.beat",
        f"Nobody rang in {_LISTEN_SECONDS:.0f} seconds, and beat rings every five.",
        "Start it with `digestmail beat`. Until then workers look by themselves, a little later.",
    )


def connect_redis(url: str) -> Client:
    """A client that waits for no answer for long."""
    plain = re.sub(r"^redis\+socket://", "unix://", url)
    return redis.Redis.from_url(plain, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, retry=None)
