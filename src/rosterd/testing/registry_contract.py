"""The contract of the management API's port, as tests: keys, look-ups by name, pages, kept replies."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rosterd.service.clients import Client, ClientControl, ClientSecret
from rosterd.service.control import Control, Directory, Policy
from rosterd.service.ports import UniqueViolation
from rosterd.service.registry import Answered, ApiKey, KeyHolder, Registry
from rosterd.testing.control_contract import connected, token
from rosterd.testing.scenario import AT, ENTRY, refused, scenario


class Plane(Control, ClientControl, Registry, Protocol):
    """All of the control plane."""


def key(directory: Directory | None = None, id: str = "k1", created: int = AT) -> ApiKey:
    """An API key."""
    home = directory.id if directory else None
    return ApiKey(id, b"\0digest", home, "läbel", ("users.read",), created, created + 1000)


class RegistryContract:
    """What every ``Registry`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Plane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_a_key_leads_to_the_directory_it_is_bound_to(self, plane: Plane) -> None:
        directory = await plane.create_directory("acme", AT, ENTRY)
        free, bound = key(), key(directory, "k2", AT + 1)
        await plane.create_key(free, ENTRY)
        await plane.create_key(bound, ENTRY)
        assert await plane.key("k1") == KeyHolder(free, None)
        assert await plane.key("k2") == KeyHolder(bound, directory)
        assert await plane.key("K1") is None
        assert await plane.keys() == (bound, free)
        assert (await refused(UniqueViolation, plane.create_key(key(), ENTRY))).attribute == "id"
        await refused(LookupError, plane.create_key(replace(key(id="k3"), directory=99), ENTRY))

    @scenario
    async def test_a_key_is_revoked_once_and_its_use_moves_forward(self, plane: Plane) -> None:
        await plane.create_key(key(), ENTRY)
        assert await plane.revoke_key("nobody", AT, ENTRY) is False
        for at, counts in ((AT + 5, AT + 5), (AT + 9, AT + 5), (AT + 1, AT + 1)):
            assert await plane.revoke_key("k1", at, ENTRY) is True
            assert (await plane.keys())[0].revoked == counts
        for uses, last in (({"k1": 5, "gone": 6}, 5), ({"k1": 3}, 5), ({"k1": 8}, 8)):
            await plane.keys_used(uses)
            assert (await plane.keys())[0].last_used == last

    @scenario
    async def test_keys_are_paged_newest_first_all_or_those_of_a_directory(self, plane: Plane) -> None:
        acme = await plane.create_directory("acme", AT, ENTRY)
        zoo = await plane.create_directory("zoo", AT, ENTRY)
        k1, k3, k2, k4 = made = key(acme), key(acme, "k3", AT + 1), key(None, "k2", AT + 1), key(zoo, "k4", 1)
        for one in made:
            await plane.create_key(one, ENTRY)
        assert await plane.key_page(None, None, 9) == (k2, k3, k1, k4)
        assert await plane.key_page(None, (AT + 1, "k2"), 2) == (k3, k1)
        assert await plane.key_page(acme.id, None, 1) == (k3,)
        assert await plane.key_page(acme.id, (AT + 1, "k3"), 9) == (k1,)
        assert await plane.key_page(99, None, 9) == ()
        assert await plane.directory_names((zoo.id, 99, acme.id)) == {acme.id: "acme", zoo.id: "zoo"}
        assert await plane.directory_names(()) == {}

    @scenario
    async def test_directories_and_connections_are_found_by_name_and_paged(self, plane: Plane) -> None:
        acme, okta = await connected(plane)
        zoo, other = await connected(plane, "zoo")
        entra = await plane.create_connection(acme.id, "entra", "auto", Policy(), AT, ENTRY)
        assert await plane.directory("acme") == acme
        assert await plane.directory("Acme") is None
        assert await plane.directory_page("", 1) == (acme,)
        assert await plane.directory_page("acme", 9) == (zoo,)
        for part, after, found in (
            ("", "", (acme, zoo)),
            ("CM", "", (acme,)),
            ("o", "", (zoo,)),
            ("zo", "zoo", ()),
            ("%", "", ()),
            ("_", "", ()),
        ):
            assert await plane.directory_search(part, after, 9) == found, part
        assert await plane.directory_search("", "", 1) == (acme,)
        assert await plane.connection(acme.id, "okta") == okta
        assert await plane.connection(zoo.id, "okta") == other
        assert await plane.connection(zoo.id, "entra") is None
        assert await plane.connection_page(acme.id, "", 1) == (entra,)
        assert await plane.connection_page(acme.id, "entra", 9) == (okta,)
        assert await plane.connection_page(99, "", 9) == ()

    @scenario
    async def test_tokens_are_found_and_paged_newest_first(self, plane: Plane) -> None:
        acme, okta = await connected(plane)
        zoo, other = await connected(plane, "zoo")
        made = [token(okta, id, created=at) for id, at in (("t1", AT), ("t3", AT + 1), ("t2", AT + 1))]
        for one in (*made, token(other, "t4")):
            await plane.create_token(one, ENTRY)
        t1, t3, t2 = made
        assert await plane.token(acme.id, "t1") == t1
        assert await plane.token(zoo.id, "t1") is None
        assert await plane.token_page(acme.id, okta.id, None, 9) == (t2, t3, t1)
        assert await plane.token_page(acme.id, okta.id, None, 1) == (t2,)
        assert await plane.token_page(acme.id, okta.id, (AT + 1, "t2"), 9) == (t3, t1)
        assert await plane.token_page(acme.id, okta.id, (AT, "t1"), 9) == ()
        assert await plane.token_page(zoo.id, okta.id, None, 9) == ()

    @scenario
    async def test_clients_are_paged_newest_first(self, plane: Plane) -> None:
        acme, okta = await connected(plane)
        secret = (ClientSecret(b"d" * 32, AT),)
        made = [
            Client(id, acme.id, okta.id, "", ("scim.read",), at, secret)
            for id, at in (("c1", AT), ("c3", AT + 1), ("c2", AT + 1))
        ]
        for one in made:
            await plane.create_client(one, ENTRY)
        c1, c3, c2 = made
        assert await plane.client_page(acme.id, okta.id, None, 2) == (c2, c3)
        assert await plane.client_page(acme.id, okta.id, (AT + 1, "c3"), 2) == (c1,)
        assert await plane.client_page(acme.id, 99, None, 2) == ()

    @scenario
    async def test_a_request_is_begun_once_and_its_reply_kept(self, plane: Plane) -> None:
        await plane.create_key(key(), ENTRY)
        await plane.create_key(key(id="k2"), ENTRY)
        assert await plane.claim("k1", "n", b"d", AT, AT - 10) is None
        assert await plane.claim("k1", "n", b"other", AT, AT - 10) == Answered(b"d", None, None)
        assert await plane.claim("k2", "n", b"e", AT, AT - 10) is None
        await plane.settle("k1", "n", 201, b'{"\xc3\xa4": 1}')
        await plane.settle("k2", "n", 201, None)
        assert await plane.claim("k1", "n", b"d", AT + 1, AT) == Answered(b"d", 201, b'{"\xc3\xa4": 1}')
        assert await plane.claim("k2", "n", b"e", AT + 1, AT) == Answered(b"e", 201, None)
        assert await plane.claim("k1", "n", b"d", AT + 9, AT + 1) is None

    @scenario
    async def test_replies_that_mention_somebody_are_kept_no_more(self, plane: Plane) -> None:
        await plane.create_key(key(), ENTRY)
        bodies = (b'{"n": "ANN@x"}', b'{"n": "a\\"q\xc3\x84"}', b'{"n": "bob"}')
        for n, body in enumerate(bodies):
            assert await plane.claim("k1", str(n), b"d", AT, 0) is None
            await plane.settle("k1", str(n), 200, body)
        assert await plane.claim("k1", "begun", b"d", AT, 0) is None
        assert await plane.scrub_replies(1, [""]) == await plane.scrub_replies(1, []) == 0
        assert await plane.scrub_replies(1, ["nn@x", "ann", "bo", "x"]) == 1  # as a whole word: "x"
        assert await plane.scrub_replies(1, ["ann@x", 'A"Q\xe4', ""]) == 1
        assert await plane.scrub_replies(1, ["ann@x"]) == 0
        left = [await plane.claim("k1", str(n), b"d", AT, 0) for n in range(3)]
        assert left == [Answered(b"d", 200, body) for body in (None, None, bodies[2])]

    @scenario
    async def test_replies_about_another_directory_are_kept(self, plane: Plane) -> None:
        await plane.create_key(key(), ENTRY)
        for n, directory in enumerate((1, 2, None)):
            assert await plane.claim("k1", str(n), b"d", AT, 0, directory) is None
            await plane.settle("k1", str(n), 200, b'{"n": "ann"}')
        assert await plane.scrub_replies(1, ["ann"]) == 2
        left = [await plane.claim("k1", str(n), b"d", AT, 0) for n in range(3)]
        assert [None if one is None else one.body for one in left] == [None, b'{"n": "ann"}', None]

    @scenario
    async def test_a_request_that_changed_nothing_is_forgotten(self, plane: Plane) -> None:
        await plane.create_key(key(), ENTRY)
        assert await plane.claim("k1", "n", b"d", AT, 0) is None
        await plane.release("k1", "n")
        await plane.release("k1", "never begun")
        assert await plane.claim("k1", "n", b"other", AT, 0) is None
