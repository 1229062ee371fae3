"""The contract of deleting directories, as tests: what ends at once, what is taken away, what stays."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from rosterd.scim.errors import NotFound
from rosterd.service.clients import Client, ClientControl, ClientSecret
from rosterd.service.control import Connection, Control, Directory, Policy
from rosterd.service.ports import Store, Writer
from rosterd.service.registry import Registry
from rosterd.service.removal import Removals, Removed
from rosterd.testing.control_contract import connected, define, token
from rosterd.testing.registry_contract import key
from rosterd.testing.scenario import AT, ENTRY, add, event, refused, scenario


class RemovalPlane(Store, Control, ClientControl, Registry, Removals, Protocol):
    """All that has a directory."""


async def filled(plane: RemovalPlane, name: str, users: int = 3) -> tuple[Directory, Connection]:
    """A directory with something of most kinds."""
    directory, connection = await connected(plane, name)
    await plane.create_key(key(directory, f"k-{name}"), ENTRY)
    assert await plane.claim(f"k-{name}", "n", b"d", AT, 0) is None
    secret = (ClientSecret(b"d" * 32, AT),)
    await plane.create_client(
        Client(f"c-{name}", directory.id, connection.id, "", ("scim",), AT, secret), ENTRY
    )
    for client in (None, f"c-{name}"):
        await plane.create_token(token(connection, f"t-{name}-{client}", client=client), ENTRY)

    async def work(tx: Writer) -> None:
        for number in range(users):
            await add(
                tx,
                {"userName": f"u{number}@{name}", "displayName": "U"},
                f"u{number}",
                connection=connection.id,
            )
            await tx.append(event(f"u{number}"))
        await add(tx, {"displayName": "G"}, "g", "Group")

    await plane.write(directory.id, work)
    return directory, connection


async def told(plane: RemovalPlane, directory: Directory) -> list[Any]:
    """All that is told of a directory."""
    reader = plane.reader(directory.id)
    return [
        await plane.directory(directory.name), await plane.connections(directory.id),
        await plane.tokens(directory.id), await plane.clients(directory.id),
        await plane.key_page(directory.id, None, 9), await plane.credential(f"t-{directory.name}-None"),
        await reader.feed(0, 99), await reader.get("User", "u1"), await reader.count("User"),
        await reader.last(),
    ]  # fmt: skip


async def cleared(plane: RemovalPlane, directory: Directory, limit: int = 2) -> int:
    """Take all of it away; how many portions that was."""
    portions = 0
    while await plane.clear_directory(directory.id, limit):
        portions += 1
    return portions


class RemovalContract:
    """What every store must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[RemovalPlane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_what_is_deleted_is_not_there_any_more_and_its_name_is_free(
        self, plane: RemovalPlane
    ) -> None:
        acme, okta = await filled(plane, "acme")
        zoo, _ = await filled(plane, "zoo")
        epoch = plane.epoch()
        entry = replace(ENTRY, action="directory.deleted", directory=acme.id)
        assert await plane.remove_directory(acme.id, AT, entry) is True
        assert plane.epoch() != epoch
        assert await plane.remove_directory(acme.id, AT, entry) is False
        assert await plane.remove_directory(99, AT, replace(ENTRY, directory=None)) is False
        assert await plane.directories() == await plane.directory_page("", 9) == (zoo,)
        assert await plane.directory_search("acme", "", 9) == ()
        for name in ("acme", f"acme#{acme.id}"):
            assert await plane.directory(name) is None
        assert await plane.credential("t-acme-None") is None
        assert await plane.key("k-acme") is None
        assert [one.id for one in await plane.keys()] == [
            one.id for one in await plane.key_page(None, None, 9)
        ]
        assert [one.id for one in await plane.keys()] == ["k-zoo"]
        assert await plane.issue_token(token(okta, "t9", client="c-acme", created=AT + 9)) is False
        assert await plane.directory_names((acme.id, zoo.id)) == {acme.id: f"acme#{acme.id}", zoo.id: "zoo"}
        again = await plane.create_directory("acme", AT, ENTRY)
        assert again.id not in (acme.id, zoo.id)
        assert await plane.directories() == (again, zoo)

    @scenario
    async def test_nothing_is_changed_of_what_is_deleted(self, plane: RemovalPlane) -> None:
        acme, okta = await filled(plane, "acme")
        await plane.remove_directory(acme.id, AT, replace(ENTRY, directory=acme.id))
        entry = replace(ENTRY, directory=acme.id)
        attempts = (
            plane.create_connection(acme.id, "entra", "auto", Policy(), AT, entry),
            plane.create_token(token(okta, "t9"), entry),
            plane.create_key(key(acme, "k9"), entry),
            plane.write(acme.id, lambda tx: tx.audit(entry)),
        )
        for attempt in attempts:
            assert isinstance(await refused(Exception, attempt), NotFound | LookupError)
        assert await define(plane, acme, entry) is None
        revisions = await plane.write(acme.id, lambda tx: tx.revision())
        assert revisions != acme.revision

    @scenario
    async def test_it_goes_in_portions_and_nothing_of_another_one_with_it(self, plane: RemovalPlane) -> None:
        acme, _ = await filled(plane, "acme", 5)
        zoo, _ = await filled(plane, "zoo", 5)
        before = await told(plane, zoo)
        assert await plane.clear_directory(acme.id, 2) == 0  # it is there
        await plane.remove_directory(acme.id, AT, replace(ENTRY, directory=acme.id))
        await cleared(plane, acme)
        assert await told(plane, zoo) == before
        left = await told(plane, acme)
        assert (left[0], left[5], left[7]) == (None, None, None)
        assert [len(one) for one in left[1:5]] == [0, 0, 0, 0]
        assert (left[6].events, left[8], left[9]) == ((), 0, 0)

    @scenario
    async def test_its_number_is_never_given_out_again(self, plane: RemovalPlane) -> None:
        numbers = set()
        for _ in range(3):
            made = await plane.create_directory("acme", AT, ENTRY)
            await plane.remove_directory(made.id, AT, replace(ENTRY, directory=made.id))
            await cleared(plane, made)
            await plane.note_cleared(made.id, AT, replace(ENTRY, directory=made.id))
            numbers.add(made.id)
        assert len(numbers) == 3

    @scenario
    async def test_that_nothing_is_left_is_noted_once(self, plane: RemovalPlane) -> None:
        acme = await plane.create_directory("acme", AT, ENTRY)
        entry = replace(ENTRY, directory=acme.id)
        assert await plane.note_cleared(acme.id, AT, entry) is False
        await plane.remove_directory(acme.id, AT + 5, entry)
        assert await plane.removed_directories(AT + 4) == ()
        name = f"acme#{acme.id}"
        assert await plane.removed_directories(AT + 5) == (Removed(acme.id, name, AT + 5, None),)
        assert await plane.note_cleared(acme.id, AT + 9, entry) is True
        assert await plane.note_cleared(acme.id, AT + 10, entry) is False
        assert await plane.removed_directories(AT + 5) == (Removed(acme.id, name, AT + 5, AT + 9),)
