"""The contract of the control plane, as tests: directories, connections, tokens, secrets."""

# ruff: noqa: D102 - the name of a test is its sentence

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from rosterd.service.audit import Entry
from rosterd.service.control import Connection, Control, Credential, Directory, Policy, Token
from rosterd.service.ports import Store, UniqueViolation, Writer
from rosterd.testing.scenario import AT, ENTRY, refused, scenario


def token(connection: Connection, id: str = "t1", **fields: object) -> Token:
    """A token of a connection."""
    made = Token(id, connection.directory, connection.id, b"\0digest\xff", "läbel", ("scim",), AT, AT + 1000)
    return replace(made, **fields)  # type: ignore[arg-type]


async def connected(control: Control, name: str = "acme") -> tuple[Directory, Connection]:
    """A directory and a connection in it."""
    directory = await control.create_directory(name, AT, ENTRY)
    return directory, await control.create_connection(directory.id, "okta", "auto", Policy(), AT, ENTRY)


async def define(store: Store, directory: Directory, entry: Entry = ENTRY) -> Directory | None:
    """Define what the directory says, with an entry, unless it has moved on."""

    async def work(tx: Writer) -> Directory | None:
        kept = await tx.define(directory)
        if kept is not None:
            await tx.audit(entry)
        return kept

    return await store.write(directory.id, work)


class ControlContract:
    """What every ``Control`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Control]:
        """Open a control plane that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_directories_have_names_of_their_own(self, control: Control) -> None:
        assert await control.directories() == ()
        zoo = await control.create_directory("zoo", AT, ENTRY)
        acme = await control.create_directory("acme", AT + 1, ENTRY)
        assert (zoo.name, zoo.created, zoo.schemas, zoo.resource_types) == ("zoo", AT, (), ())
        assert zoo.id != acme.id
        assert await control.directories() == (acme, zoo)
        violation = await refused(UniqueViolation, control.create_directory("zoo", AT, ENTRY))
        assert (violation.attribute, violation.value) == ("name", "zoo")
        assert await control.directories() == (acme, zoo)

    @scenario
    async def test_nothing_is_made_for_what_is_not_there(self, control: Control) -> None:
        _, connection = await connected(control)
        elsewhere = await control.create_directory("elsewhere", AT, ENTRY)
        await refused(LookupError, control.create_connection(99, "x", "auto", Policy(), AT, ENTRY))
        for gone in (replace(connection, id=99), replace(connection, directory=elsewhere.id)):
            assert await control.update_connection(gone, replace(gone, profile="okta"), ENTRY) is False
        await refused(LookupError, control.create_token(token(replace(connection, id=99)), ENTRY))
        await refused(
            LookupError, control.create_token(token(replace(connection, directory=elsewhere.id)), ENTRY)
        )
        assert await control.credential("t1") is None

    @scenario
    async def test_connections_have_names_within_their_directory(self, control: Control) -> None:
        directory, okta = await connected(control)
        policy = Policy(reach="directory", on_delete="erase")
        entra = await control.create_connection(directory.id, "entra", "entra", policy, AT, ENTRY)
        assert entra == Connection(entra.id, directory.id, "entra", AT, "entra", policy)
        await refused(
            UniqueViolation, control.create_connection(directory.id, "okta", "auto", policy, AT, ENTRY)
        )
        other, same_name = await connected(control, "other")
        assert await control.connections(directory.id) == (entra, okta)
        assert await control.connections(other.id) == (same_name,)
        assert len({okta.id, entra.id, same_name.id}) == 3

    @scenario
    async def test_name_profile_and_policy_of_a_connection_change(self, control: Control) -> None:
        directory, okta = await connected(control)
        await control.create_token(token(okta), ENTRY)
        changed = replace(okta, name="workforce", profile="strict", policy=Policy("directory", "erase"))
        assert await control.update_connection(okta, replace(changed, created=1), ENTRY) is True
        assert await control.connections(directory.id) == (changed,)
        credential = await control.credential("t1")
        assert credential is not None
        assert credential.connection == changed
        for stale in (
            okta,
            replace(changed, name="okta"),
            replace(changed, policy=okta.policy),
            replace(changed, profile="auto"),
        ):
            assert await control.update_connection(stale, okta, ENTRY) is False
        assert await control.connections(directory.id) == (changed,)

    @scenario
    async def test_a_connection_takes_no_name_of_another_one_of_its_directory(self, control: Control) -> None:
        directory, okta = await connected(control)
        entra = await control.create_connection(directory.id, "entra", "auto", Policy(), AT, ENTRY)
        await connected(control, "other")
        taken = control.update_connection(okta, replace(okta, name="entra", profile="okta"), ENTRY)
        violation = await refused(UniqueViolation, taken)
        assert (violation.attribute, violation.value) == ("name", "entra")
        assert await control.connections(directory.id) == (entra, okta)
        renamed = replace(entra, name="azure")
        assert await control.update_connection(entra, renamed, ENTRY) is True
        assert await control.update_connection(okta, replace(okta, name="entra"), ENTRY) is True
        assert await control.connections(directory.id) == (renamed, replace(okta, name="entra"))

    @scenario
    async def test_a_token_id_leads_to_all_a_request_needs(self, control: Control) -> None:
        directory, connection = await connected(control)
        kept = token(connection, scopes=("a", "b"), last_used=None, expires=AT + 10 * 365 * 86_400_000)
        await control.create_token(kept, ENTRY)
        assert await control.credential("t1") == Credential(kept, connection, directory)
        assert await control.credential("T1") is None
        violation = await refused(UniqueViolation, control.create_token(token(connection), ENTRY))
        assert (violation.attribute, violation.value) == ("id", "t1")

    @scenario
    async def test_tokens_are_listed_newest_first(self, control: Control) -> None:
        directory, okta = await connected(control)
        entra = await control.create_connection(directory.id, "entra", "auto", Policy(), AT, ENTRY)
        made = [
            token(okta, "old", created=1),
            token(entra, "new", created=3),
            token(okta, "mid", created=2, revoked=5),
        ]
        for one in made:
            await control.create_token(one, ENTRY)
        old, new, mid = made
        assert await control.tokens(directory.id) == (new, mid, old)
        assert await control.tokens(directory.id, okta.id) == (mid, old)
        assert await control.tokens(99) == ()

    @scenario
    async def test_revocation_counts_at_once_and_the_earliest_wins(self, control: Control) -> None:
        directory, connection = await connected(control)
        await control.create_token(token(connection), ENTRY)
        assert await control.revoke_token(99, "t1", AT, ENTRY) is False
        assert await control.revoke_token(directory.id, "t2", AT, ENTRY) is False
        for at, counts in ((AT + 5, AT + 5), (AT + 9, AT + 5), (AT + 1, AT + 1)):
            assert await control.revoke_token(directory.id, "t1", at, ENTRY) is True
            credential = await control.credential("t1")
            assert credential is not None
            assert credential.token.revoked == counts

    @scenario
    async def test_an_epoch_ends_with_whatever_changes_a_credential(self, control: Control) -> None:
        directory, connection = await connected(control)
        await control.create_token(token(connection), ENTRY)
        replaced = token(connection, "t2", created=AT + 1)
        changed = replace(connection, profile="okta")
        changes: list[Callable[[], Awaitable[bool]]] = [
            lambda: control.update_connection(connection, changed, ENTRY),
            lambda: control.rotate_token(replaced, "t1", AT + 5, ENTRY),
            lambda: control.revoke_token(directory.id, "t1", AT + 3, ENTRY),
        ]
        for change in changes:
            before = control.epoch()
            assert await change() is True
            assert control.epoch() != before

    @scenario
    async def test_a_rotation_keeps_the_new_token_and_ends_the_old_one_or_does_nothing(
        self, control: Control
    ) -> None:
        directory, connection = await connected(control)
        old, new = token(connection), token(connection, "t2", created=AT + 1)
        await control.create_token(old, ENTRY)
        assert await control.rotate_token(new, "t9", AT + 5, ENTRY) is False
        assert await control.tokens(directory.id) == (old,)
        assert await control.rotate_token(new, "t1", AT + 5, ENTRY) is True
        assert await control.tokens(directory.id) == (new, replace(old, revoked=AT + 5))
        again = token(connection, "t3", created=AT + 2)
        assert await control.rotate_token(again, "t1", AT + 9, ENTRY) is True
        assert (await control.tokens(directory.id))[2].revoked == AT + 5

    @scenario
    async def test_the_last_use_only_moves_forward(self, control: Control) -> None:
        _, connection = await connected(control)
        await control.create_token(token(connection), ENTRY)
        for uses, last in (({"t1": 5, "gone": 6}, 5), ({"t1": 3}, 5), ({}, 5), ({"t1": 8}, 8)):
            await control.used(uses)
            credential = await control.credential("t1")
            assert credential is not None
            assert credential.token.last_used == last

    @scenario
    async def test_a_secret_is_made_once(self, control: Control) -> None:
        secret = await control.secret("cursor")
        assert len(secret) == 32
        assert await control.secret("cursor") == secret
        assert await control.secret("other") != secret
