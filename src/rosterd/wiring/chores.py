"""What a service does from time to time: notes what was used, announces what ends, deletes what is old.

Each chore is bounded, and one that finds the store unavailable is done at the next turn.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final

import structlog

from rosterd.console.once import HOLDS
from rosterd.http.admit import Admission
from rosterd.service.erasure import Erasure
from rosterd.service.expiry import Expiry
from rosterd.service.feed import Feed
from rosterd.service.ports import StoreUnavailable
from rosterd.service.preferences import Installation
from rosterd.service.removal import Removal
from rosterd.service.request_log import DAY, RequestLog
from rosterd.service.signing_keys import SigningKeys
from rosterd.service.walks import Bookmarks
from rosterd.wiring.access import tidy
from rosterd.wiring.delivery import Delivery
from rosterd.wiring.ids import new_request_id, now
from rosterd.wiring.plane import ControlPlane
from rosterd.wiring.retention import erase_expired

_log = structlog.get_logger("rosterd")

EXPIRED_KEPT: Final = 2_592_000
"""Seconds that an expired token is still listed: 30 days."""
_FLUSH_SECONDS: Final = 20
_EXPIRY_TURNS: Final = 4320  # every day
_FORGET_TURNS: Final = 90  # every half hour
_PURGED_AT_ONCE: Final = 1000
_FORGOTTEN_AT_ONCE: Final = 1000
_SHARED_AT_ONCE: Final = 50_000
_BREATH: Final = 0.1  # seconds between two portions, which others' changes have for themselves


class Chores:
    """The chores of a service, which has these parts."""

    control: ControlPlane
    admission: Admission
    keys_used: dict[str, int]
    preferences: Installation
    feed: Feed
    request_log: RequestLog
    delivery: Delivery
    signing_keys: SigningKeys
    erasure: Erasure
    expiry: Expiry
    removal: Removal
    bookmarks: Bookmarks

    async def note_use(self) -> None:
        """Write down when tokens and API keys were last used."""
        with contextlib.suppress(StoreUnavailable):
            await _write_down(self.admission.used, self.control.used)
            await _write_down(self.keys_used, self.control.keys_used)

    async def purge(self) -> None:
        """Remove tokens that expired long ago, a bounded number at a time."""
        with contextlib.suppress(StoreUnavailable):
            await self.control.purge_tokens(now() - EXPIRED_KEPT * 1000, _PURGED_AT_ONCE)

    async def forget_events(self) -> None:
        """Delete events that are older than they shall be kept, a bounded number at a time."""
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).event_retention_days
            if days:
                await self.feed.forget(days)

    async def tidy(self) -> None:
        """Remove sessions that have ended and failed log-ins that count no more."""
        with contextlib.suppress(StoreUnavailable):
            await tidy(self.control)

    async def forget_requests(self) -> None:
        """Delete requests that are older than they shall be kept, a bounded number at a time."""
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).request_log_retention_days
            for directory in await self.control.directories():
                before, gone = now() - days * DAY, _FORGOTTEN_AT_ONCE
                while gone:
                    gone = await self.request_log.forget_exchanges(directory.id, before, _FORGOTTEN_AT_ONCE)
                    await asyncio.sleep(_BREATH if gone else 0)

    async def forget_deliveries(self) -> None:
        """Keep the log of deliveries within its bounds."""
        with contextlib.suppress(StoreUnavailable):
            await self.delivery.worker.forget()

    async def keep_up_keys(self) -> None:
        """Have the next key for security event tokens in time, and forget those that have ended."""
        with contextlib.suppress(StoreUnavailable):
            await self.signing_keys.keep_up((await self.preferences.get()).signing_key_days)

    async def erase_deleted(self) -> None:
        """Finish erasures that were broken off, and erase accounts that were deleted long enough ago."""
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).erase_deleted_after_days
            await erase_expired(self.erasure, await self.control.directories(), days)

    async def take_away_deleted(self) -> None:
        """Take what is left of deleted directories away, a bounded number of portions at a time."""
        with contextlib.suppress(StoreUnavailable):
            await self.removal.take_away()

    async def take_away_late(self) -> None:
        """The same of those of which nothing was left, should somebody have written to one after all."""
        with contextlib.suppress(StoreUnavailable):
            await self.removal.take_away(again=True)

    async def announce_expiry(self) -> None:
        """Say in the log what ends soon, and in the feeds what was not said there yet."""
        with contextlib.suppress(StoreUnavailable):
            days = (await self.preferences.get()).token_warning_days
            for ending in await self.expiry.ending(days):
                _log.warning("ends soon", what=str(ending), days=ending.days(now()))
            await self.expiry.announce(days, new_request_id())

    async def forget_shared(self) -> None:
        """Delete what processes told each other and nobody asks for any more, a bounded number at a time."""
        with contextlib.suppress(StoreUnavailable):
            await self.control.forget_buckets(_SHARED_AT_ONCE)
            await self.control.forget_marks(now() - HOLDS, _SHARED_AT_ONCE)
            await self.bookmarks.forget_bookmarks(now(), _SHARED_AT_ONCE)

    async def upkeep(self, forgets: bool) -> None:
        """Until cancelled; only a service that ``forgets`` deletes anything that is old, or announces."""
        for turn in itertools.count():
            for chore in self._due(turn, forgets):
                try:
                    await chore()
                except Exception as error:  # noqa: BLE001 - one that fails must not end all of them for good
                    _log.error("a chore could not be done", chore=chore.__name__, exc_info=error)

    def _due(self, turn: int, forgets: bool) -> Iterator[Callable[[], Awaitable[None]]]:
        if forgets and turn % _EXPIRY_TURNS == 0:
            yield from (self.announce_expiry, self.take_away_late)
        yield self._rest
        yield from (self.note_use, self.purge, self.tidy)
        if forgets and turn % _FORGET_TURNS == 0:
            yield from (self.forget_events, self.forget_requests, self.forget_deliveries, self.keep_up_keys)
        if forgets:
            yield from (self.forget_shared, self.erase_deleted, self.take_away_deleted)

    async def _rest(self) -> None:
        await asyncio.sleep(_FLUSH_SECONDS)


async def _write_down(used: dict[str, int], write: Callable[[Mapping[str, int]], Awaitable[None]]) -> None:
    """Empty what was used into the store; what it does not take stays for the next turn."""
    noted = dict(used)
    used.clear()
    if noted:
        try:
            await write(noted)
        except BaseException:
            used.update({**noted, **used})
            raise
