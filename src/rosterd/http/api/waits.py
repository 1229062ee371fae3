"""How many may wait for events at once: open event streams and long-polls are counted, by server and API key.

Each holds a connection and looks at the feed whenever something is committed, so their number has an end. The
numbers are those of one process.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rosterd.scim import errors

AGAIN: Final = 10
"""Seconds after which whoever found no place is asked to try again."""


class Waits:
    """Places for whoever waits: ``most`` in all, ``most_of_key`` for one API key; 0: no limit."""

    def __init__(self, most: int, most_of_key: int) -> None:
        self._most = most
        self._most_of_key = most_of_key
        self._taken: Counter[str] = Counter()

    def enter(self, key: str) -> "Wait":
        """Take a place.

        Raises ``TooManyRequests`` if the key has all that it may have, ``Unavailable`` if all are taken.
        """
        if self._most_of_key and self._taken[key] >= self._most_of_key:
            raise errors.TooManyRequests(
                f"This API key has {self._most_of_key} event streams and waiting requests open, the most it "
                "may have. Close some, or ask without 'wait'.",
                retry_after=AGAIN,
            )
        if self._most and self._taken.total() >= self._most:
            raise errors.Unavailable(
                f"{self._most} event streams and waiting requests are open, the most this server takes. Try "
                "again later, or ask without 'wait'.",
                retry_after=AGAIN,
            )
        self._taken[key] += 1
        return Wait(self._taken, key)

    @contextmanager
    def place(self, key: str) -> Iterator[None]:
        """A place for as long as the context lasts. Raises like ``enter``."""
        wait = self.enter(key)
        try:
            yield
        finally:
            wait.leave()


class Wait:
    """A place that was taken."""

    def __init__(self, taken: Counter[str], key: str) -> None:
        self._taken = taken
        self._key: str | None = key

    def leave(self) -> None:
        """Give the place back; once, however often it is asked."""
        key, self._key = self._key, None
        if key is not None:
            self._taken[key] -= 1
            if not self._taken[key]:
                del self._taken[key]
