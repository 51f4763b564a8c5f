"""How many messages a second the whole installation may send, whichever of its workers send them.

The workers share one allowance, kept in Redis by the generic cell rate algorithm: it holds the instant at which the
next message may go, and each message moves that on by 1 / rate. Where nobody has sent for a while, a tenth of a
second's worth may go at once and no more. While Redis is away, each sender keeps to its share of the rate by itself.
"""

import time
from collections.abc import Callable
from typing import Protocol

import redis
import structlog

log = structlog.get_logger(__name__)

_BURST_SECONDS = 0.1
_KEY = "digestmail:next-message-at"
_TIMEOUT_SECONDS = 0.25
_AWAY_SECONDS = 5.0

_GRANT = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local each, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local next_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now - burst)
local granted = math.min(wanted, math.floor((now - next_at) / each))
if granted > 0 then
  next_at = next_at + granted * each
  redis.call('SET', KEYS[1], string.format('%.3f', next_at), 'PX', 60000)
end
return {granted, string.format('%.3f', math.max(0, next_at + each - now))}
"""
"""Microseconds throughout. TIME is the one clock that all workers share."""


class Rate(Protocol):
    """An allowance of messages."""

    def grant(self, wanted: int) -> int:
        """How many of `wanted` messages may be sent now; they count as sent."""

    @property
    def patience(self) -> float:
        """Seconds until there may be more, as of the last grant."""


class Unlimited:
    """As many as are wanted."""

    patience = 0.0

    def grant(self, wanted: int) -> int:
        """All of them."""
        return wanted


class OwnRate:
    """The allowance of one process alone; `per_second` is asked each time, as a share may change."""

    def __init__(self, per_second: Callable[[], float], *, now: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._now = now
        self._next_at = now()
        self.patience = 0.0

    def grant(self, wanted: int) -> int:
        """What the time since the last message has earned, within the burst."""
        each = 1 / self._per_second()
        now = self._now()
        next_at = max(self._next_at, now - max(each, _BURST_SECONDS))
        granted = min(wanted, int((now - next_at) / each + 1e-9))
        self._next_at = next_at + granted * each
        self.patience = max(0.0, self._next_at + each - now)
        return granted


class SharedRate:
    """The allowance of all workers, in Redis; while that cannot be reached, this sender's share of it."""

    def __init__(
        self,
        redis_url: str,
        per_second: float,
        *,
        senders: Callable[[], int],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`senders` says how many are at work, one at least, so that their shares come to no more than `per_second`."""
        client = redis.Redis.from_url(
            redis_url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS, retry=None
        )
        self._ask = client.register_script(_GRANT)
        self._microseconds = (1e6 / per_second, max(1e6 / per_second, 1e6 * _BURST_SECONDS))
        self._share = OwnRate(lambda: per_second / senders(), now=now)
        self._now = now
        self._away_until = 0.0
        self.patience = 0.0

    def grant(self, wanted: int) -> int:
        """Ask Redis; or, for a while after it failed to answer, keep to the share."""
        if self._now() >= self._away_until:
            try:
                granted, microseconds = self._ask(keys=[_KEY], args=[*self._microseconds, wanted])
                self.patience = float(microseconds) / 1e6
                return int(granted)
            except redis.RedisError as error:
                log.warning("the rate cannot be shared, so each sender keeps to its part of it", error=str(error))
                self._away_until = self._now() + _AWAY_SECONDS
        granted = self._share.grant(wanted)
        self.patience = self._share.patience
        return granted
