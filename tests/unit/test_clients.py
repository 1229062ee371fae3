"""Clients: who is let in with which secret, what they are issued, rotation with overlap, revocation."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from rosterd.scim import errors
from rosterd.service.clients import MAX_OVERLAP, MAX_SECRETS, Clients, Refused, shown_id
from rosterd.service.control import Policy
from rosterd.service.tokens import Tokens
from rosterd.store.memory import MemoryStore
from rosterd.testing import FakeClock
from rosterd.testing.scenario import BY, ENTRY


class World:
    """Clients over the memory store, with directory 1 and its connection 1."""

    def __init__(self) -> None:
        self.store, self.clock = MemoryStore(), FakeClock()
        tokens = Tokens(self.store, self.clock, os.urandom)
        self.clients = Clients(self.store, tokens, self.clock, os.urandom)


def run(test: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        world = World()
        await world.store.create_directory("acme", 1, ENTRY)
        await world.store.create_connection(1, "okta", "auto", Policy(), 1, ENTRY)
        await test(world)

    asyncio.run(main())


async def refused(attempt: Awaitable[object], code: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as caught:
        await attempt
    assert caught.value.code == code
    assert caught.value.detail.isascii()


def test_id_and_secret_have_their_form_and_only_the_digest_is_kept() -> None:
    async def test(world: World) -> None:
        client, secret = await world.clients.create(1, 1, label="Okta", by=BY)
        assert client.id.startswith("rsc_") and len(client.id) == 16
        assert secret.startswith("rss_") and len(secret) == 53
        assert await world.store.client(client.id) == client
        assert secret not in repr(client) and secret[4:20] not in repr(client)
        assert len({(await world.clients.create(1, 1, by=BY))[1] for _ in range(20)}) == 20

    run(test)


@pytest.mark.parametrize("scopes", [(), ("scim.admin",), ("scim.read", "x")])
def test_a_client_must_have_scopes_that_there_are(scopes: tuple[str, ...]) -> None:
    async def test(world: World) -> None:
        with pytest.raises(errors.InvalidValue, match=r"scim\.read, scim\.write"):
            await world.clients.create(1, 1, scopes=scopes, by=BY)

    run(test)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda id, secret: ("rsc_x", secret), "client id is incomplete"),
        (lambda id, secret: ("rsc_" + "0" * 12, secret), "no client with this id and secret"),
        (lambda id, secret: (secret, id), "client id is incomplete"),
        (lambda id, secret: (id, secret[:-1]), "client secret is incomplete"),
        (lambda id, secret: (id, "rss_" + "0" * 49), "client secret is incomplete"),
        (lambda id, secret: (id, secret[:20] + ("a" if secret[20] != "a" else "b") + secret[21:]), "incompl"),
        (lambda id, secret: (id, secret.replace("rss_", "rst_")), "client secret is incomplete"),
        (lambda id, secret: (id, secret[:20] + "é" + secret[21:]), "client secret is incomplete"),
        (lambda id, secret: (id.upper(), secret), "client id is incomplete"),
        (lambda id, secret: (id, ""), "client secret is incomplete"),
    ],
)
def test_nobody_is_let_in_with_something_else(spoil: Callable[..., Any], words: str) -> None:
    async def test(world: World) -> None:
        client, secret = await world.clients.create(1, 1, by=BY)
        assert await world.clients.authenticate(client.id, secret) == client
        await refused(world.clients.authenticate(*spoil(client.id, secret)), "invalid_client", words)

    run(test)


def test_the_secret_of_another_client_is_as_wrong_as_that_of_none() -> None:
    async def test(world: World) -> None:
        (first, _), (second, secret) = [await world.clients.create(1, 1, by=BY) for _ in range(2)]
        words = "no client with this id and secret"
        await refused(world.clients.authenticate(first.id, secret), "invalid_client", words)
        await refused(world.clients.authenticate("rsc_" + "0" * 12, secret), "invalid_client", words)
        assert await world.clients.authenticate(second.id, secret) == second

    run(test)


def test_rotation_leaves_the_old_secret_until_the_overlap_ends() -> None:
    async def test(world: World) -> None:
        client, old = await world.clients.create(1, 1, by=BY)
        world.clock.advance(seconds=1)
        rotated, new = await world.clients.rotate(1, client.id, overlap=60, by=BY)
        assert [s.expires for s in rotated.secrets] == [None, world.clock.now + 60_000]
        for seconds, works in ((0, True), (59, True), (1, False)):
            world.clock.advance(seconds=seconds)
            assert (await world.clients.authenticate(client.id, new)).id == client.id
            if works:
                await world.clients.authenticate(client.id, old)
            else:
                await refused(world.clients.authenticate(client.id, old), "invalid_client", "rotated")

    run(test)


def test_rotation_without_overlap_ends_all_others_at_once() -> None:
    async def test(world: World) -> None:
        client, first = await world.clients.create(1, 1, by=BY)
        _, second = await world.clients.rotate(1, client.id, by=BY)
        rotated, third = await world.clients.rotate(1, client.id, overlap=0, by=BY)
        assert len(rotated.secrets) == 1
        await world.clients.authenticate(client.id, third)
        for secret in (first, second):
            await refused(world.clients.authenticate(client.id, secret), "invalid_client", "rotated")

    run(test)


def test_secrets_that_work_do_not_pile_up() -> None:
    async def test(world: World) -> None:
        client, _ = await world.clients.create(1, 1, by=BY)
        for _ in range(MAX_SECRETS - 1):
            world.clock.advance(seconds=1)
            await world.clients.rotate(1, client.id, overlap=600, by=BY)
        with pytest.raises(errors.Conflict, match=f"{MAX_SECRETS} secrets"):
            await world.clients.rotate(1, client.id, overlap=600, by=BY)
        assert len((await world.clients.rotate(1, client.id, overlap=0, by=BY))[0].secrets) == 1
        for _ in range(20):
            world.clock.advance(seconds=601)
            assert len((await world.clients.rotate(1, client.id, overlap=600, by=BY))[0].secrets) == 2

    run(test)


@pytest.mark.parametrize(
    ("directory", "id", "overlap", "error"),
    [
        (2, None, 0, errors.NotFound),
        (1, "rsc_" + "0" * 12, 0, errors.NotFound),
        (1, None, -1, errors.InvalidValue),
        (1, None, MAX_OVERLAP + 1, errors.InvalidValue),
    ],
)
def test_a_rotation_that_makes_no_sense_is_refused(
    directory: int, id: str | None, overlap: int, error: type[errors.ScimError]
) -> None:
    async def test(world: World) -> None:
        client, secret = await world.clients.create(1, 1, by=BY)
        with pytest.raises(error):
            await world.clients.rotate(directory, id or client.id, overlap=overlap, by=BY)
        assert await world.clients.authenticate(client.id, secret) == client

    run(test)


@pytest.mark.parametrize(
    ("has", "asks", "gets"),
    [
        (("scim.read", "scim.write"), None, ("scim.read", "scim.write")),
        (("scim.read", "scim.write"), ["scim.read"], ("scim.read",)),
        (("scim.read", "scim.write"), ["scim.read", "scim.read"], ("scim.read",)),
        (("scim.read",), None, ("scim.read",)),
        (("scim.read",), ["scim.write"], None),
        (("scim.read",), ["scim.read", "scim.write"], None),
        (("scim.read",), ["SCIM.READ"], None),
        (("scim.read",), [""], None),
        (("scim.read",), [], None),
    ],
)
def test_a_token_has_the_scopes_asked_for_within_those_of_the_client(
    has: tuple[str, ...], asks: list[str] | None, gets: tuple[str, ...] | None
) -> None:
    async def test(world: World) -> None:
        client, _ = await world.clients.create(1, 1, scopes=has, by=BY)
        if gets is None:
            await refused(world.clients.issue(client, scopes=asks), "invalid_scope", "may ask for: scim.read")
            assert await world.store.tokens(1) == ()
        else:
            token, _ = await world.clients.issue(client, scopes=asks)
            assert token.scopes == gets
            assert await world.store.tokens(1) == (token,)

    run(test)


@pytest.mark.parametrize(
    ("lifetime", "fits"), [(59, False), (60, True), (315_360_000, True), (315_360_001, False)]
)
def test_an_issued_token_lives_60_seconds_to_10_years(lifetime: int, fits: bool) -> None:
    async def test(world: World) -> None:
        client, _ = await world.clients.create(1, 1, label="Okta", by=BY)
        if fits:
            token, _ = await world.clients.issue(client, lifetime=lifetime)
            assert token.expires == world.clock.now + lifetime * 1000
            assert (token.client, token.label) == (client.id, "Okta")
        else:
            await refused(
                world.clients.issue(client, lifetime=lifetime), "invalid_request", "60 to 315360000"
            )

    run(test)


def test_revoking_a_client_ends_its_tokens_and_lets_it_in_no_more() -> None:
    async def test(world: World) -> None:
        client, secret = await world.clients.create(1, 1, by=BY)
        await world.clients.issue(client)
        with pytest.raises(errors.NotFound):
            await world.clients.revoke(2, client.id, by=BY)
        assert (await world.clients.revoke(1, client.id, by=BY)).revoked == world.clock.now
        assert [t.revoked for t in await world.store.tokens(1)] == [world.clock.now]
        await refused(world.clients.authenticate(client.id, secret), "invalid_client", "was revoked")
        # Whoever had authenticated just before does not get another one either.
        await refused(world.clients.issue(client), "invalid_client", "was revoked")
        assert len(await world.store.tokens(1)) == 1
        with pytest.raises(errors.Conflict, match="revoked"):
            await world.clients.rotate(1, client.id, by=BY)

    run(test)


def test_a_client_revokes_its_own_tokens_only() -> None:
    async def test(world: World) -> None:
        (one, _), (two, _) = [await world.clients.create(1, 1, by=BY) for _ in range(2)]
        _, text = await world.clients.issue(one)
        for unknown in ("", "x", text[:-1], "rst_" + "0" * 62, text[:17] + "0" * 49):
            assert await world.clients.revoke_token(one, unknown) is False
        await refused(world.clients.revoke_token(two, text), "invalid_grant", "not issued to this client")
        assert [t.revoked for t in await world.store.tokens(1)] == [None]
        assert await world.clients.revoke_token(one, text) is True
        assert [t.revoked for t in await world.store.tokens(1)] == [world.clock.now]
        assert await world.clients.revoke_token(one, text) is True

    run(test)


def test_an_issued_token_is_not_rotated_by_hand() -> None:
    async def test(world: World) -> None:
        client, _ = await world.clients.create(1, 1, by=BY)
        token, _ = await world.clients.issue(client)
        with pytest.raises(errors.Conflict, match=f"issued to client {client.id}"):
            await Tokens(world.store, world.clock, os.urandom).rotate(1, token.id, by=BY)

    run(test)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("rsc_0123456789ab", "rsc_0123456789ab"), ("rss_" + "0" * 49, None), ("rsc_0123456789ab\n", None)],
)
def test_only_what_is_a_client_id_may_be_logged(text: str, shown: str | None) -> None:
    assert shown_id(text) == shown
