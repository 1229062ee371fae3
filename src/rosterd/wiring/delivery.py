"""Composition of delivery: who signs, who sends, where rosterd may connect to, and the worker."""

import asyncio
import contextlib
import os
import random
from collections.abc import AsyncIterator

from rosterd.delivery.egress import Policy
from rosterd.delivery.run import Plane
from rosterd.delivery.sender import HttpSender
from rosterd.delivery.signing import Vault
from rosterd.delivery.worker import Bounds, Worker
from rosterd.service.webhook_admin import WebhookAdmin
from rosterd.wiring.ids import new_id, now
from rosterd.wiring.settings import Settings


class Delivery:
    """Webhooks of a service. ``key`` encrypts their secrets."""

    def __init__(self, settings: Settings, plane: Plane, key: bytes) -> None:
        policy = Policy.parse(settings.egress_allow, settings.egress_ports)
        vault = Vault(key, os.urandom)
        self.sender = HttpSender(vault, policy, now)
        self.admin = WebhookAdmin(plane, plane, vault, self.sender, policy.check_url, now, os.urandom)
        # Chance only spreads retries in time; no secret depends on it.
        self.worker = Worker(
            plane,
            self.admin,
            self.sender,
            now,
            random.random,
            new_id(),
            Bounds(lease=settings.delivery_lease_seconds),
        )
        self._on = settings.delivery == "on"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver for as long as the context lasts, unless this process is to leave that to others."""
        if not self._on:
            yield
            return
        task = asyncio.create_task(self.worker.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))
