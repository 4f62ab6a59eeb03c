"""Token buckets as one number each: the instant at which the bucket will be full again (GCRA, ITU-T I.371).

A bucket holds ``burst`` tokens and regains ``per_s`` of them per second. The arithmetic is here in Python and in Lua,
in the same order and in the same doubles, so that memory and Redis decide alike.
"""

from __future__ import annotations

from dataclasses import dataclass

SKEW_MS = 5_000
"""How far the clocks of processes that share a bucket may be apart."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``burst`` at once and ``per_s`` per second for long."""

    per_s: float
    burst: int

    def __post_init__(self) -> None:
        """Raises ValueError for a rate that lets nothing pass."""
        if not self.per_s > 0 or self.burst < 1:
            raise ValueError(f"no rate: {self}")

    @property
    def token_ms(self) -> float:
        """How long one token takes to come back."""
        return 1000 / self.per_s

    @property
    def full_ms(self) -> float:
        """How long an empty bucket takes to be full."""
        return self.burst * self.token_ms


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether the tokens were given; if not, after how many seconds they would be."""

    allowed: bool
    retry_after_s: float = 0.0


def advance(full_at: float | None, now: int, full_ms: float, cost_ms: float) -> tuple[float, float]:
    """When the bucket is full again after taking, and by how many ms that is too late (≤ 0: the tokens are given).

    A bucket is never emptier than empty, whatever small difference there is between the clocks that took from it. One
    that would have to be was filled by a clock that was far ahead and has been put right: nothing is known of it.
    """
    if full_at is None or full_at < now or full_at > now + full_ms + SKEW_MS:
        full_at = now
    elif full_at > now + full_ms:
        full_at = now + full_ms
    taken = full_at + cost_ms
    return taken, taken - now - full_ms


TAKE_LUA = """
local full_at = tonumber(redis.call('GET', KEYS[1]) or nil)
local now, full_ms, cost_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if not full_at or full_at < now or full_at > now + full_ms + tonumber(ARGV[4]) then
    full_at = now
elseif full_at > now + full_ms then
    full_at = now + full_ms
end
local taken = full_at + cost_ms
local late = taken - now - full_ms
if late <= 0 then
    redis.call('SET', KEYS[1], string.format('%.17g', taken), 'PX', math.ceil(taken - now) + tonumber(ARGV[5]))
end
return string.format('%.17g', late)
"""
"""``advance`` and its storing in one step. ARGV: now, full_ms, cost_ms, SKEW_MS, and how many ms the key outlives its
bucket, for clocks that differ."""


def cost_of(rate: Rate, cost: int) -> float:
    """What ``cost`` tokens are worth in ms. Raises ValueError where the bucket never holds as many."""
    if not 0 < cost <= rate.burst:
        raise ValueError(f"{cost} tokens cannot be taken from a bucket of {rate.burst}")
    return cost * rate.token_ms


def verdict(late_ms: float) -> Taken:
    """What ``advance`` or the script said."""
    return Taken(True) if late_ms <= 0 else Taken(False, late_ms / 1000)
