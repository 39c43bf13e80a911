"""Counters on Redis that never lose their deadline."""

from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient

_INCREMENT = "if redis.call('exists', KEYS[1]) == 1 then return redis.call('incrby', KEYS[1], ARGV[1]) end return false"


class _Client(RedisCacheClient):
    """Django's client, made once and not for every call, and one step where Django takes two."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made: Any = None

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """Return the client of the one server; it holds no state but its pool, and threads may share it."""
        if self._made is None:
            self._made = super().get_client(key, write=write)
        return self._made

    def incr(self, key: Any, delta: int) -> int:
        """Add ``delta`` to a counter that exists.

        Django asks first and increments then: a counter that expires between the two is made anew without a
        deadline, and the client it counts is locked out for ever. It also costs a second round trip.
        """
        value = self.get_client(key, write=True).eval(_INCREMENT, 1, key, delta)
        if value is None:
            raise ValueError(f"Key {key!r} not found.")
        return int(value)


class CountingRedisCache(RedisCache):
    """The cache for rate limits where there is a Redis."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _Client
