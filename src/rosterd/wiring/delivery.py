"""Composition of delivery: who signs, who sends, where rosterd may connect to, and the worker."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Protocol

from rosterd.delivery.egress import Policy
from rosterd.delivery.handlers import Handler, HandlerSender
from rosterd.delivery.run import Plane as DeliveryPlane
from rosterd.delivery.set_signing import SetSigner
from rosterd.delivery.signing import Vault
from rosterd.delivery.spans import DeliverySpans
from rosterd.delivery.worker import Bounds, Worker
from rosterd.service.composing import Composer
from rosterd.service.handlers import Handlers, id_of
from rosterd.service.signing_keys import SigningKeys, SigningKeyStore
from rosterd.service.webhook_admin import Sender, WebhookAdmin
from rosterd.service.webhook_messages import Message
from rosterd.service.webhooks import Endpoint, Outcome
from rosterd.wiring.ids import new_id, now
from rosterd.wiring.settings import Settings

if TYPE_CHECKING:
    from rosterd.delivery.sender import HttpSender


class Plane(DeliveryPlane, SigningKeyStore, Protocol):
    """The store as all of delivery sees it."""


def _http_sender(
    vault: Vault, policy: Policy, signing: SigningKeys, spans: DeliverySpans | None
) -> "HttpSender":
    from rosterd.delivery.sender import HttpSender  # noqa: PLC0415 - a tenth of a second of imports

    return HttpSender(vault, policy, now, signing=signing, spans=spans)


class _Late:
    """A sender that is made at the first message: most commands send none. See ``Sender``."""

    def __init__(self, make: "Callable[[], HttpSender]") -> None:
        self._make = make
        self._made: HttpSender | None = None

    async def send(self, endpoint: Endpoint, message: Message) -> Outcome:
        if self._made is None:
            self._made = self._make()
        return await self._made.send(endpoint, message)

    async def close(self) -> None:
        """Close every connection."""
        if self._made is not None:
            await self._made.close()


class Delivery:
    """Webhooks of a service, and its handlers. ``key`` encrypts their secrets, and others in ``vault``."""

    def __init__(
        self,
        settings: Settings,
        plane: Plane,
        key: bytes,
        handlers: Sequence[Handler] = (),
        spans: DeliverySpans | None = None,
    ) -> None:
        policy = Policy.parse(settings.egress_allow, settings.egress_ports)
        vault = self.vault = Vault(key, os.urandom)
        issuer = settings.base_url.rstrip("/") if settings.base_url else ""
        self.signing = SigningKeys(plane, SetSigner(vault), issuer, now)
        self.composer = Composer(issuer)
        self.sender = _Late(partial(_http_sender, vault, policy, self.signing, spans))
        self.admin = WebhookAdmin(
            plane, plane, vault, self.sender, policy.check_url, now, os.urandom, self.composer, self.signing
        )
        self._handlers = {id_of(handler.name): handler for handler in handlers}
        self._called = HandlerSender(self._handlers, now)
        self._registered = Handlers(plane, now)

        def worker(sender: Sender, handlers: Sequence[str] | None = None) -> Worker:
            # Chance only spreads retries in time; no secret depends on it.
            bounds = Bounds(lease=settings.delivery_lease_seconds)
            return Worker(plane, self.admin, sender, now, random.random, new_id(), bounds, handlers)

        self.worker = worker(self.sender)
        self._workers = [self.worker] if settings.delivery == "on" else []
        if self._handlers:
            self._workers.append(worker(self._called, tuple(self._handlers)))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver for as long as the context lasts; webhooks unless this process is to leave them to others.

        Raises ``InvalidValue`` for a handler of types that no event can have.
        """
        for handler in self._handlers.values():
            await self._registered.register(handler.name, handler.types)
        tasks = [asyncio.create_task(worker.run()) for worker in self._workers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
            self._called.close()
