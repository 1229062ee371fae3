"""The contract of the clients of the Token Provider, as tests."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from rosterd.service.clients import Client, ClientControl, ClientSecret
from rosterd.service.control import Connection, Control, Policy, Token
from rosterd.service.ports import UniqueViolation
from rosterd.testing.control_contract import connected, token
from rosterd.testing.scenario import AT, ENTRY, refused, scenario

SECRET = ClientSecret(b"\0secret\xff", AT)


class Clients(Control, ClientControl, Protocol):
    """A control plane with its clients."""


def client(connection: Connection, id: str = "rsc_1", **fields: Any) -> Client:
    """A client of a connection."""
    made = Client(id, connection.directory, connection.id, "läbel", ("scim",), AT, (SECRET,))
    return replace(made, **fields)


async def revoked(control: Clients, *ids: str) -> list[int | None]:
    """When each token is revoked."""
    found = [await control.credential(id) for id in ids]
    return [credential.token.revoked for credential in found if credential]


class ClientContract:
    """What every ``ClientControl`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Clients]:
        """Open a control plane that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_a_client_is_found_by_its_id_with_its_secrets(self, control: Clients) -> None:
        _, okta = await connected(control)
        older = ClientSecret(b"older", AT - 1, AT + 5)
        made = client(okta, secrets=(SECRET, older), scopes=("a", "b"), last_used=None)
        await control.create_client(made, ENTRY)
        await control.create_client(client(okta, "rsc_2", secrets=()), ENTRY)
        assert await control.client("rsc_1") == made
        assert await control.client("rsc_2") == client(okta, "rsc_2", secrets=())
        assert await control.client("RSC_1") is None
        violation = await refused(UniqueViolation, control.create_client(client(okta, secrets=()), ENTRY))
        assert (violation.attribute, violation.value) == ("id", "rsc_1")
        await refused(LookupError, control.create_client(client(replace(okta, id=99), "rsc_3"), ENTRY))
        assert await control.client("rsc_3") is None

    @scenario
    async def test_clients_are_listed_newest_first(self, control: Clients) -> None:
        directory, okta = await connected(control)
        entra = await control.create_connection(directory.id, "entra", "auto", Policy(), AT, ENTRY)
        old, new = client(okta, "old", created=1), client(entra, "new", created=3)
        mid = client(okta, "mid", created=2, revoked=5, secrets=(SECRET, ClientSecret(b"b", AT - 1)))
        for one in (old, new, mid):
            await control.create_client(one, ENTRY)
        assert await control.clients(directory.id) == (new, mid, old)
        assert await control.clients(directory.id, okta.id) == (mid, old)
        assert await control.clients(99) == ()

    @scenario
    async def test_a_new_secret_ends_the_others_and_forgets_those_that_ended(self, control: Clients) -> None:
        directory, okta = await connected(control)
        soon, ended = ClientSecret(b"soon", AT - 1, AT + 3), ClientSecret(b"ended", AT - 2, AT + 1)
        await control.create_client(client(okta, secrets=(SECRET, soon, ended)), ENTRY)
        second = ClientSecret(b"second", AT + 1)
        assert await control.add_secret(directory.id, "rsc_1", second, AT + 9, ENTRY) is True
        found = await control.client("rsc_1")
        assert found is not None
        assert found.secrets == (second, replace(SECRET, expires=AT + 9), soon)
        third = ClientSecret(b"third", AT + 2)
        assert await control.add_secret(directory.id, "rsc_1", third, AT + 2, ENTRY) is True
        found = await control.client("rsc_1")
        assert found is not None
        assert found.secrets == (third,)
        for at, id in ((99, "rsc_1"), (directory.id, "rsc_9")):
            assert await control.add_secret(at, id, ClientSecret(b"x", AT + 3), AT + 3, ENTRY) is False
        assert await control.client("rsc_1") == found

    @scenario
    async def test_a_client_without_a_secret_can_get_one(self, control: Clients) -> None:
        directory, okta = await connected(control)
        await control.create_client(client(okta, secrets=()), ENTRY)
        assert await control.add_secret(directory.id, "rsc_1", SECRET, AT, ENTRY) is True
        assert await control.client("rsc_1") == client(okta)

    @scenario
    async def test_an_issued_token_remembers_its_client_and_is_its_last_use(self, control: Clients) -> None:
        directory, okta = await connected(control)
        await control.create_client(client(okta), ENTRY)
        issued = token(okta, "t1", client="rsc_1", created=AT + 7)
        assert await control.issue_token(issued) is True
        assert await control.issue_token(token(okta, "t2", client="rsc_1", created=AT + 5)) is True
        found = await control.client("rsc_1")
        assert found is not None
        assert found.last_used == AT + 7
        credential = await control.credential("t1")
        assert credential is not None
        assert (credential.token, credential.directory) == (issued, directory)
        assert [t.client for t in await control.tokens(directory.id)] == ["rsc_1", "rsc_1"]

    @scenario
    async def test_no_token_is_issued_to_a_client_that_is_not_there_or_revoked(
        self, control: Clients
    ) -> None:
        directory, okta = await connected(control)
        other, _ = await connected(control, "other")
        await control.create_client(client(okta), ENTRY)
        await control.revoke_client(directory.id, "rsc_1", AT + 5, ENTRY)
        at = {"created": AT + 5, "expires": AT + 99}
        attempts: list[Token] = [
            token(okta, "t1", client="rsc_1", **at),
            token(okta, "t1", client="rsc_9", **at),
            token(okta, "t1", **at),
            token(okta, "t1", client="rsc_1", directory=other.id, created=AT),
        ]
        for attempt in attempts:
            assert await control.issue_token(attempt) is False
        assert await control.credential("t1") is None

    @scenario
    async def test_revoking_a_client_revokes_what_it_was_issued_and_nothing_else(
        self, control: Clients
    ) -> None:
        directory, okta = await connected(control)
        for id in ("rsc_1", "rsc_2"):
            await control.create_client(client(okta, id), ENTRY)
        for id, issuer in (("a", "rsc_1"), ("b", "rsc_1"), ("c", "rsc_2")):
            assert await control.issue_token(token(okta, id, client=issuer, expires=AT + 99))
        assert await control.issue_token(token(okta, "gone", client="rsc_1", expires=AT + 5))
        await control.create_token(token(okta, "d", expires=AT + 99), ENTRY)
        await control.revoke_token(directory.id, "b", AT + 3, ENTRY)
        assert await control.revoke_client(99, "rsc_1", AT + 5, ENTRY) is False
        assert await control.revoke_client(directory.id, "rsc_9", AT + 5, ENTRY) is False
        assert await control.revoke_client(directory.id, "rsc_1", AT + 5, ENTRY) is True
        assert await revoked(control, "a", "b", "c", "d", "gone") == [AT + 5, AT + 3, None, None, None]
        for at, counts in ((AT + 9, AT + 5), (AT + 1, AT + 1)):
            assert await control.revoke_client(directory.id, "rsc_1", at, ENTRY) is True
            found = await control.client("rsc_1")
            assert found is not None
            assert found.revoked == counts

    @scenario
    async def test_a_token_given_back_is_revoked_and_the_earliest_wins(self, control: Clients) -> None:
        _, okta = await connected(control)
        await control.create_client(client(okta), ENTRY)
        assert await control.issue_token(token(okta, "t1", client="rsc_1"))
        await control.return_token("t9", AT)
        for at, counts in ((AT + 5, AT + 5), (AT + 9, AT + 5), (AT + 1, AT + 1)):
            await control.return_token("t1", at)
            assert await revoked(control, "t1") == [counts]

    @scenario
    async def test_expired_tokens_are_purged_in_bounded_numbers(self, control: Clients) -> None:
        directory, okta = await connected(control)
        await control.create_client(client(okta), ENTRY)
        for n in range(7):
            assert await control.issue_token(token(okta, f"t{n}", client="rsc_1", expires=AT + n))
        await control.create_token(token(okta, "by hand", expires=AT), ENTRY)
        assert [await control.purge_tokens(AT + 5, 4) for _ in range(3)] == [4, 2, 0]
        assert sorted(t.id for t in await control.tokens(directory.id)) == ["t5", "t6"]
