"""What keeps guessing slow and programs from taking everything: failed credentials, API keys, token requests.

    who fails            bucket of the network address, and of the client id if one was named
    an API key           bucket of the key: every request
    a client             bucket of the client: every token that it fetches

Credentials are always looked at before a failure is counted, so valid ones pass whatever others do behind
the same proxy, and an exhausted bucket tells a guesser 429 instead of 401. All processes share the buckets,
each in bounded memory; those of failures are apart, so that no flood of addresses pushes out the others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from rosterd.http.meter import told
from rosterd.http.reply import Header, Scope
from rosterd.scim import errors
from rosterd.service.limits import Throttle
from rosterd.service.network import network

FAILED: Final = 60
"""What failed credentials take from a bucket into which a minute's allowance of one brings this much."""
MALFORMED: Final = 6
"""What a request to a token address takes that is refused for its form."""

_NOBODY: Final = 0
"""The directory of buckets that belong to none."""
_MINUTE: Final = 60
_BURST: Final = 5


@dataclass(frozen=True, slots=True)
class Rates:
    """How much is let through; 0 is no limit."""

    failures: int = 300
    """Requests a minute with wrong credentials, from one network address or for one client id."""
    api: int = 1000
    """Requests a second of one API key."""
    tokens: int = 20
    """Tokens a second that one client fetches."""


class Guard:
    """The buckets of one process. ``clock`` gives nanoseconds that never go back."""

    def __init__(self, clock: Callable[[], int], rates: Rates = Rates()) -> None:
        self._rates = rates
        self._failures = Throttle(clock)
        self._users = Throttle(clock)

    @property
    def throttles(self) -> tuple[Throttle, ...]:
        """All buckets, to be shared with other processes."""
        return self._failures, self._users

    def failed(self, scope: Scope, client: str | None = None, cost: int = FAILED) -> None:
        """Count a refused request of an address, and of a client id. Raises ``TooManyRequests``."""
        rate = self._rates.failures
        if not rate:
            return
        peer = scope.get("client")
        address = network(str(peer[0]) if peer else None)
        names = [f"failed address {address}"]
        if client:  # whoever guesses may send any text
            names.append(f"failed client {sha256(client.encode(errors='replace')).hexdigest()}")
        wait = max(self._failures.draw((_NOBODY, name), rate, _MINUTE, cost).wait for name in names)
        if wait:
            raise errors.TooManyRequests(
                "Too many requests from this address had no valid credentials. Correct them; valid ones work "
                f"at once. Try again in {wait} s.",
                retry_after=wait,
            )

    def key(self, id: str) -> tuple[tuple[Header, ...], int]:
        """Count a request of an API key: the headers that say what is left, and the seconds to wait."""
        if not self._rates.api:
            return (), 0
        quota = self._users.draw((_NOBODY, f"key {id}"), self._rates.api, _BURST)
        return told(quota.limit, quota.remaining, quota.reset), quota.wait

    def client(self, id: str) -> None:
        """Count a token that a client fetches. Raises ``TooManyRequests``."""
        rate = self._rates.tokens
        if not rate:
            return
        wait = self._users.draw((_NOBODY, f"client {id}"), rate, _BURST).wait
        if wait:
            raise errors.TooManyRequests(
                f"This client may fetch {rate} tokens a second. Use a token until it expires. Try again in "
                f"{wait} s.",
                retry_after=wait,
            )
