"""What ends soon is told before: in lists, in the log, and once for each token and threshold in the feed.

    threshold   the setting tokenWarningDays, and 7 days
    told        of a token that no client fetched, that lives longer than the threshold and was not replaced

That it was told is kept with the token, in the transaction of the event; so several processes tell it once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from rosterd.scim.render import format_time
from rosterd.service.clients import Client
from rosterd.service.control import Token
from rosterd.service.events import NOBODY, Event
from rosterd.service.registry import ApiKey

DAY: Final = 86_400_000
LAST: Final = 7
"""Days before the end at which it is told again."""
SHOWN: Final = 100
"""How many of what ends are told of one by one."""
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class Ending:
    """Something that ends."""

    what: str
    """``token``, ``client secret`` or ``API key``."""
    id: str
    """Of the token, client or key."""
    label: str
    directory: int | None
    directory_name: str | None
    connection: int | None
    connection_name: str | None
    ends: int
    """ms."""

    def days(self, now: int) -> int:
        """Whole days that are left."""
        return (self.ends - now) // DAY

    def __str__(self) -> str:
        label = f" ('{self.label}')" if self.label else ""
        place = f" of connection '{self.connection_name}'" if self.connection_name else ""
        home = f" of directory '{self.directory_name}'" if self.directory_name else ""
        what = f"secret of client {self.id}" if self.what == "client secret" else f"{self.what} {self.id}"
        return f"{what}{label}{place}{home}"


@dataclass(frozen=True, slots=True)
class Unannounced:
    """A token whose end is to be told."""

    id: str
    label: str
    directory: int
    connection: int
    connection_name: str
    expires: int


class ExpiryControl(Protocol):
    """The part of the control plane for what ends. Times are ms."""

    async def ending(self, after: int, until: int, limit: int) -> tuple[Ending, ...]:
        """Tokens, secrets and API keys that end behind ``after`` and not behind ``until``, nearest first.

        Not those that were revoked, nor tokens that a client fetches by itself.
        """

    async def unannounced(self, after: int, until: int, days: int, limit: int) -> tuple[Unannounced, ...]:
        """Such tokens that live longer than ``days``, are not replaced, and were not told of so near."""

    async def announce(self, directory: int, token: str, days: int, event: Event) -> bool:
        """Keep the event and that it was told; ``False``, and nothing is kept, if it was already."""


class Expiry:
    """Tells what ends. ``now`` gives ms since the epoch."""

    def __init__(self, control: ExpiryControl, now: Callable[[], int]) -> None:
        self._control = control
        self._now = now

    async def ending(self, days: int) -> tuple[Ending, ...]:
        """What ends within so many days, the nearest first, ``SHOWN`` at most."""
        now = self._now()
        return await self._control.ending(now, now + days * DAY, SHOWN)

    async def announce(self, days: int, request_id: str) -> int:
        """Write ``token.expiring`` for what has come so near its end; how many. 0 days tells nothing."""
        told = 0
        for threshold in sorted({min(days, LAST), days} - {0}):
            now = self._now()
            while found := await self._control.unannounced(now, now + threshold * DAY, threshold, _AT_ONCE):
                for token in found:
                    event = _event(token, threshold, now, request_id)
                    told += await self._control.announce(token.directory, token.id, threshold, event)
        return told


def ends_soon(end: int | None, now: int, days: int) -> bool:
    """Whether something that works now ends within so many days."""
    return end is not None and now < end <= now + days * DAY


def end_of(credential: Token | ApiKey) -> int:
    """When a token or key stops working."""
    return min(credential.expires, credential.revoked or credential.expires)


def is_ending(credential: Token | ApiKey, now: int, days: int) -> bool:
    """Whether somebody must replace a token or key within so many days; a client fetches tokens itself."""
    if isinstance(credential, Token) and credential.client is not None:
        return False
    return ends_soon(end_of(credential), now, days)


def secrets_end_soon(client: Client, now: int, days: int) -> bool:
    """Whether a secret of a client that works now ends within so many days."""
    return client.revoked is None and any(ends_soon(s.expires, now, days) for s in client.secrets)


def _event(token: Unannounced, days: int, now: int, request_id: str) -> Event:
    data = {
        "connection": token.connection_name,
        "token": token.id,
        "label": token.label,
        "expires": format_time(token.expires),
        "days": days,
    }
    return Event("token.expiring", "Token", token.id, now, NOBODY, request_id, data)
