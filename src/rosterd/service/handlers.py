"""Handlers: functions of the application that hear of events, kept as webhooks whose URL names no address.

    url = "python:" name            ; name: module ":" qualified name, or what the application says

So they have all that webhooks have: a line with a cursor for each directory, retries by the same schedule,
dead letters, replays, a log, and a switch. Only a process that has the function works on its lines.
"""

import contextlib
import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from rosterd.scim import errors
from rosterd.service.audit import ITSELF, Entry
from rosterd.service.feed import parse_types
from rosterd.service.ports import UniqueViolation
from rosterd.service.standing import Standing
from rosterd.service.webhooks import ENABLED, HANDLER, Endpoint, Webhooks

_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:-]{0,199}")


def check_name(name: str) -> None:
    """Raise ``ValueError`` for what cannot name a handler."""
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot name a handler: letters, digits, '_', '.', ':' and '-', 200 at most. "
            "Give it a name with name='…'; its place in the feed is kept under that."
        )


def id_of(name: str) -> str:
    """The id of the handler's endpoint: the same in every process."""
    return f"we_{hashlib.sha256(name.encode()).hexdigest()[:20]}"


class Handlers:
    """Makes the endpoints of handlers. ``now`` gives ms."""

    def __init__(self, webhooks: Webhooks, now: Callable[[], int]) -> None:
        self._webhooks = webhooks
        self._now = now

    async def register(self, name: str, types: str) -> Endpoint:
        """The handler's endpoint, made at the first time; then it hears what happens from now on.

        One that rosterd had given up is enabled again: whoever starts the application may have mended it.
        Raises ``InvalidValue`` for types that no event can have.
        """
        now = self._now()
        wanted = parse_types(types)
        endpoint = Endpoint(
            id_of(name),
            None,
            HANDLER + name,
            "",
            wanted,
            now,
            standing=Standing(ENABLED, str(ITSELF), "", now),
        )
        found = await self._webhooks.webhook(endpoint.id)
        if found is None:
            after = {"url": endpoint.url, "types": list(wanted)}
            entry = Entry(ITSELF, now, "webhook.created", _target(endpoint), after=after)
            with contextlib.suppress(UniqueViolation):  # another process was quicker
                await self._webhooks.create_webhook(endpoint, entry)
            found = await self.find(endpoint.id)
        if found.types != wanted:
            differ = {"types": list(found.types)}, {"types": list(wanted)}
            entry = Entry(ITSELF, now, "webhook.updated", _target(found), None, *differ)
            old, found = found, replace(found, types=wanted)
            await self._webhooks.update_webhook(old, found, entry)
        if found.standing.state != ENABLED and found.standing.by == str(ITSELF):
            states = {"state": found.standing.state}, {"state": ENABLED}
            entry = Entry(ITSELF, now, "webhook.enabled", _target(found), None, *states)
            await self._webhooks.move_webhook(found.id, endpoint.standing, entry)
        return found

    async def find(self, id: str) -> Endpoint:
        """The endpoint. Raises ``NotFound``."""
        found = await self._webhooks.webhook(id)
        if found is None:
            raise errors.NotFound(f"There is no webhook {id}.")
        return found


def _target(endpoint: Endpoint) -> str:
    return f"webhook {endpoint.id} '{endpoint.url}'"
