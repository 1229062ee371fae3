"""The contract of deleting connections, as tests: what ends with one, what stays, who gets what it owns."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rosterd.service.control import Connection, Directory, Policy
from rosterd.service.limits import Loss
from rosterd.service.ports import Writer
from rosterd.service.standing import ACTIVE, DELETED, Standing
from rosterd.testing.control_contract import token
from rosterd.testing.removal_contract import RemovalPlane, filled, told
from rosterd.testing.scenario import AT, ENTRY, add, indexed, put, refused, scenario


async def remove(plane: RemovalPlane, connection: Connection) -> None:
    """Delete it, in a transaction of its own."""
    await plane.write(connection.directory, lambda tx: tx.remove_connection(connection.id, AT))


async def owned(plane: RemovalPlane, directory: Directory, *connections: Connection) -> list[tuple[int, int]]:
    """How many live users and groups each owns, as the store counts them."""
    reader = plane.reader(directory.id)
    return [(await reader.count("User", one.id), await reader.count("Group", one.id)) for one in connections]


class ConnectionRemovalContract:
    """What every store must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[RemovalPlane]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_what_leads_to_it_ends_and_nothing_else(self, plane: RemovalPlane) -> None:
        acme, okta = await filled(plane, "acme")
        zoo, _ = await filled(plane, "zoo")
        entra = await plane.create_connection(acme.id, "entra", "auto", Policy(), AT, ENTRY)
        await plane.create_token(token(entra, "t-entra"), ENTRY)
        await plane.write(acme.id, lambda tx: tx.set_loss(okta.id, Loss(AT, 1, 3)))
        other, epoch = await told(plane, zoo), plane.epoch()
        await remove(plane, okta)
        assert plane.epoch() != epoch
        assert await plane.connections(acme.id) == await plane.connection_page(acme.id, "", 9) == (entra,)
        assert await plane.connection(acme.id, "okta") is None
        assert [one.id for one in await plane.tokens(acme.id)] == ["t-entra"]
        assert await plane.clients(acme.id) == ()
        assert await plane.client("c-acme") is None
        for gone in ("t-acme-None", "t-acme-c-acme"):
            assert await plane.credential(gone) is None
        assert await plane.credential("t-entra") is not None
        assert await plane.reader(acme.id).count("User", okta.id) == 3
        assert await told(plane, zoo) == other

    @scenario
    async def test_its_name_is_free_and_its_number_is_not(self, plane: RemovalPlane) -> None:
        acme, okta = await filled(plane, "acme")
        numbers = {okta.id}
        for _ in range(3):
            await remove(plane, okta)
            okta = await plane.create_connection(acme.id, "okta", "auto", Policy(), AT, ENTRY)
            numbers.add(okta.id)
            assert await plane.reader(acme.id).count("User", okta.id) == 0
        assert len(numbers) == 4
        assert await plane.connection_names(acme.id) == dict.fromkeys(numbers, "okta")

    @scenario
    async def test_it_stands_as_deleted_and_is_given_nothing_more(self, plane: RemovalPlane) -> None:
        acme, okta = await filled(plane, "acme")
        zoo, zoos = await filled(plane, "zoo")
        await remove(plane, okta)
        gone = Standing(DELETED, since=AT)
        assert await plane.write(acme.id, lambda tx: tx.standing(okta.id)) == gone
        assert (await plane.write(zoo.id, lambda tx: tx.standing(okta.id))).state == ACTIVE
        changed = replace(okta, name="new")
        assert await plane.update_connection(okta, changed, ENTRY) is False
        attempts: tuple[Any, ...] = (
            plane.create_token(token(okta, "t9"), ENTRY),
            plane.write(acme.id, lambda tx: tx.set_standing(okta.id, Standing())),
            plane.write(acme.id, lambda tx: tx.set_loss(okta.id, Loss(AT, 1, 3))),
            plane.write(acme.id, lambda tx: tx.remove_connection(okta.id, AT)),
            plane.write(acme.id, lambda tx: tx.remove_connection(zoos.id, AT)),
        )
        for attempt in attempts:
            await refused(LookupError, attempt)
        assert await plane.connections(zoo.id) == (zoos,)

    @scenario
    async def test_nothing_ends_with_a_transaction_that_fails(self, plane: RemovalPlane) -> None:
        acme, okta = await filled(plane, "acme")

        async def work(tx: Writer) -> None:
            await tx.remove_connection(okta.id, AT)
            assert (await tx.standing(okta.id)).state == DELETED
            raise ValueError

        before = await told(plane, acme)
        await refused(ValueError, plane.write(acme.id, work))
        assert await told(plane, acme) == before
        assert (await plane.write(acme.id, lambda tx: tx.standing(okta.id))).state == ACTIVE

    @scenario
    async def test_an_heir_gets_what_is_named_and_was_its_own(self, plane: RemovalPlane) -> None:
        acme, okta = await filled(plane, "acme")
        entra = await plane.create_connection(acme.id, "entra", "auto", Policy(), AT, ENTRY)
        ping = await plane.create_connection(acme.id, "ping", "auto", Policy(), AT, ENTRY)
        await plane.write(acme.id, put({"userName": "p"}, "p", connection=ping.id))
        zoo, _ = await filled(plane, "zoo")
        other = await told(plane, zoo)

        async def work(tx: Writer) -> int:
            new = await add(tx, {"userName": "new"}, "new", connection=okta.id, external_id="x")
            await add(tx, {"displayName": "H"}, "h", "Group", connection=okta.id)
            left = await tx.get("User", "u0")
            assert left is not None
            await tx.retain(left, indexed(left), AT)
            await tx.retain(new, indexed(new), AT)
            given = await tx.hand_over(okta.id, entra.id, ["u0", "u1", "new", "p", "g", "h", "nobody"])
            assert await tx.count("User", entra.id) == 1
            return given

        assert await plane.write(acme.id, work) == 4
        assert await owned(plane, acme, okta, entra, ping) == [(1, 0), (1, 1), (1, 0)]
        reader = plane.reader(acme.id)
        listed = [
            [row.id for row in await reader.newest("User", state, one.id, None, 9)]
            for one in (okta, entra, ping)
            for state in ("active", "deleted")
        ]
        assert listed == [["u2"], [], ["u1"], ["new", "u0"], ["p"], []]
        assert [row.id for row in await reader.retained("User", entra.id, "x")] == ["new"]
        assert await told(plane, zoo) == other
