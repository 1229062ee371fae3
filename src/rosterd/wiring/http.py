"""What a service serves by HTTP, put together: SCIM, Token Provider, management API, console, health.

It is loaded by who serves: the imports of all of this take half a second, which commands do not want to wait.
"""

import asyncio
import time
from functools import partial
from urllib.parse import urlsplit

from rosterd.console.app import ConsoleApp
from rosterd.console.context import Console
from rosterd.console.cookies import visitors
from rosterd.console.once import Once
from rosterd.console.render import Pages
from rosterd.http.api.app import ApiApp
from rosterd.http.api.request import ApiContext
from rosterd.http.api.waits import Waits
from rosterd.http.guard import Guard, Rates
from rosterd.http.scim import SCIM_PATH, ScimApp
from rosterd.http.site import Site
from rosterd.http.token_provider import TokenProvider
from rosterd.http.well_known import WellKnown
from rosterd.service.bulk import Bulk
from rosterd.service.limits import Throttle
from rosterd.service.queries import Queries
from rosterd.wiring.access import openid_of
from rosterd.wiring.facts import facts_of
from rosterd.wiring.ids import new_id, new_request_id, now
from rosterd.wiring.observing import Observing
from rosterd.wiring.sharing import Sharing
from rosterd.wiring.use_cases import UseCases


class Http:
    """Of one service, of which it has the use cases."""

    def __init__(self, service: UseCases) -> None:
        settings, control = service.settings, service.control
        guard = Guard(time.monotonic_ns, Rates(settings.failure_rate, settings.api_rate, settings.token_rate))
        throttle = Throttle(time.monotonic_ns)
        self.public_url = public_url = settings.base_url.rstrip("/") if settings.base_url else None
        self.sharing = Sharing(control, (throttle, *guard.throttles))
        self.observing = Observing(settings, control)
        self.openid = openid_of(settings)
        self.scim = ScimApp(
            service.store,
            service.admission,
            service.commands,
            Queries(service.store, now, service.secret, service.bookmarks),
            Bulk(service.store, service.commands, new_id),
            new_request_id,
            throttle,
            guard,
            self.observing.requests,
            service.journal if settings.request_log == "on" else None,
            service.tracing,
            public_url=public_url + SCIM_PATH if public_url else None,
            documentation_url=settings.documentation_url,
        )
        self.token_provider = TokenProvider(
            service.clients,
            new_request_id,
            guard,
            public_url=public_url,
            documentation_url=settings.documentation_url,
        )
        self.api = ApiApp(_api(service), new_request_id, guard, service.keys_used)
        console = _console(service, self)
        self.console = ConsoleApp(console, visitors(service.access.sessions), new_request_id)
        observed = self.observing.metrics(service.feed, service.journal, guard)
        self.site = Site(
            self.scim,
            self.token_provider,
            self.api,
            self.console,
            self.observing.ready,
            self.observing.requests,
            WellKnown(service.signing_keys),
            observed,
        )

    async def close(self) -> None:
        """Close what is held open to others."""
        if self.openid is not None:
            await self.openid.close()


def _api(service: UseCases) -> ApiContext:
    settings, control = service.settings, service.control
    return ApiContext(
        mappings=service.mappings,
        reconciliation=service.reconciliation,
        store=service.store,
        keys=service.keys,
        audit=control,
        request_log=control,
        preferences=service.preferences,
        control=control,
        registry=control,
        directories=service.directories,
        removal=service.removal,
        extensions=service.extensions,
        connections=service.connections,
        connection_removal=service.connection_removal,
        clients=service.clients,
        client_control=control,
        tokens=service.tokens,
        access=service.access,
        webhooks=service.webhooks,
        webhook_control=control,
        polls=control,
        signing=service.signing_keys,
        undo=service.undo,
        erasure=service.erasure,
        model_of=service.admission.model_of,
        now=now,
        secret=service.secret,
        waits=Waits(settings.event_readers, settings.event_readers_of_key),
        stopping=asyncio.Event(),
        root=urlsplit(settings.base_url).path.rstrip("/") if settings.base_url else None,
    )


def _console(service: UseCases, http: Http) -> Console:
    settings, control = service.settings, service.control
    return Console(
        store=service.store,
        control=control,
        registry=control,
        audit=control,
        directories=service.directories,
        removal=service.removal,
        connections=service.connections,
        connection_removal=service.connection_removal,
        clients=service.clients,
        client_control=control,
        tokens=service.tokens,
        keys=service.keys,
        access=service.access,
        log=control,
        survey=control,
        preferences=service.preferences,
        once=Once(service.secret, control, now),
        undo=service.undo,
        facts=partial(facts_of, settings, now()),
        erasure=service.erasure,
        extensions=service.extensions,
        feed=service.feed,
        mappings=service.mappings,
        reconciliation=service.reconciliation,
        webhooks=service.webhooks,
        webhook_control=control,
        openid=http.openid,
        model_of=service.admission.model_of,
        now=now,
        secret=service.secret,
        pages=Pages(service.secret),
        public_url=http.public_url,
    )
