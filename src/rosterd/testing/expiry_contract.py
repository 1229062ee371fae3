"""The contract of ``ExpiryControl``: what ends is found, and told once."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from rosterd.service.clients import Client, ClientControl, ClientSecret
from rosterd.service.control import Control
from rosterd.service.events import NOBODY, Event
from rosterd.service.expiry import DAY, ExpiryControl
from rosterd.service.ports import Store
from rosterd.service.registry import ApiKey, Registry
from rosterd.testing.control_contract import connected, token
from rosterd.testing.scenario import AT, ENTRY, scenario

EVENT: Final = Event("token.expiring", "Token", "t1", AT, NOBODY, "r", {"days": 7})


class All(Store, Control, ClientControl, Registry, ExpiryControl, Protocol):
    """A store with its control plane."""


class ExpiryContract:
    """What an ``ExpiryControl`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[All]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_what_ends_is_found_the_nearest_first(self, store: All) -> None:
        directory, okta = await connected(store)
        base = replace(token(okta), created=AT, client=None, revoked=None)
        secrets = (ClientSecret(b"2" * 32, AT + 1), ClientSecret(b"1" * 32, AT, AT + 2 * DAY))
        client = Client("rsc_1", directory.id, okta.id, "deploy", ("scim.read",), AT, secrets)
        await store.create_client(client, ENTRY)
        key = ApiKey("k1", b"k" * 32, None, "ci", ("users.read",), AT, AT + DAY)
        await store.create_key(key, ENTRY)
        await store.create_key(replace(key, id="k2", digest=b"2" * 32, revoked=AT), ENTRY)
        for made in (
            replace(base, id="near", label="okta", expires=AT + 3 * DAY),
            replace(base, id="replaced", expires=AT + 90 * DAY, revoked=AT + 4 * DAY),
            replace(base, id="far", expires=AT + 8 * DAY),
            replace(base, id="past", expires=AT),
            replace(base, id="revoked", expires=AT + 3 * DAY, revoked=AT),
            replace(base, id="fetched", expires=AT + 3 * DAY, client="rsc_1"),
        ):
            await store.create_token(made, ENTRY)
        found = await store.ending(AT, AT + 7 * DAY, 100)
        assert [(e.what, e.id, (e.ends - AT) // DAY) for e in found] == [
            ("API key", "k1", 1),
            ("client secret", "rsc_1", 2),
            ("token", "near", 3),
            ("token", "replaced", 4),
        ]
        assert (found[0].directory, found[0].connection_name) == (None, None)
        assert (found[2].directory, found[2].connection_name) == (directory.id, okta.name)
        assert str(found[2]) == f"token near ('okta') of connection '{okta.name}' of directory 'acme'"
        assert await store.ending(AT, AT + 7 * DAY, 1) == found[:1]

    @scenario
    async def test_each_token_and_threshold_is_told_once(self, store: All) -> None:
        directory, okta = await connected(store)
        base = replace(token(okta), created=AT - 60 * DAY, client=None, revoked=None, expires=AT + 5 * DAY)
        await store.create_token(replace(base, id="t1"), ENTRY)
        await store.create_token(replace(base, id="short", created=AT - DAY), ENTRY)
        await store.create_token(replace(base, id="replaced", revoked=AT + DAY), ENTRY)

        async def open(days: int) -> list[str]:
            return [t.id for t in await store.unannounced(AT, AT + days * DAY, days, 100)]

        assert (await open(30), await open(7), await open(4)) == (["t1"], ["t1"], [])
        assert await store.announce(directory.id, "t1", 30, EVENT)
        assert not await store.announce(directory.id, "t1", 30, EVENT)
        assert (await open(30), await open(7)) == ([], ["t1"])
        assert await store.announce(directory.id, "t1", 7, EVENT)
        assert (await open(30), await open(7)) == ([], [])
        assert not await store.announce(directory.id, "t1", 30, EVENT)
        assert not await store.announce(directory.id + 1, "t1", 1, EVENT)
        feed = await store.reader(directory.id).events(0, 10)
        assert [e.event.type for e in feed] == ["token.expiring"] * 2
