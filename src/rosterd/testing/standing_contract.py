"""The contract where the data and the control plane meet: standings, losses, and who owns how much."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from rosterd.service.control import Connection, Control, Directory, Policy
from rosterd.service.limits import Limits, Loss
from rosterd.service.ports import Store, Writer
from rosterd.service.standing import Standing
from rosterd.testing.control_contract import connected, define, token
from rosterd.testing.scenario import AT, ENTRY, add, indexed, put, refused, retain, scenario

PAUSED = Standing("paused", "ann", "läuft aus", AT)


class Both(Store, Control, Protocol):
    """A store with its control plane."""


async def standing(store: Store, connection: Connection) -> Standing:
    """How it stands, read in a transaction."""
    return await store.write(connection.directory, lambda tx: tx.standing(connection.id))


async def owned(store: Store, directory: Directory, *connections: int | None) -> list[int]:
    """How many live users each owns; ``None``: all."""
    return [await store.reader(directory.id).count("User", connection) for connection in connections]


class StandingContract:
    """What a ``Store`` and ``Control`` must do. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Both]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_limits_are_part_of_the_policy(self, store: Both) -> None:
        directory, okta = await connected(store)
        assert okta.policy.limits == Limits()
        limits = Limits(25, 0, 2, 100, 0, 60)
        entra = await store.create_connection(directory.id, "entra", "auto", Policy(limits=limits), AT, ENTRY)
        assert entra.policy.limits == limits
        changed = replace(okta, policy=Policy(limits=Limits(read_rate=5)))
        assert await store.update_connection(okta, changed, ENTRY)
        assert await store.connections(directory.id) == (entra, changed)
        await store.create_token(token(okta), ENTRY)
        credential = await store.credential("t1")
        assert credential is not None
        assert credential.connection == changed

    @scenario
    async def test_a_standing_is_read_with_the_credential_and_outlives_a_new_policy(
        self, store: Both
    ) -> None:
        directory, okta = await connected(store)
        await store.create_token(token(okta), ENTRY)
        assert (okta.standing, await standing(store, okta)) == (Standing(), Standing())
        for now in (PAUSED, Standing("disabled", "bob", "", AT + 1), Standing("active", "ann", "", AT + 2)):
            await store.write(directory.id, lambda tx, now=now: tx.set_standing(okta.id, now))  # type: ignore[misc]
            (known,) = await store.connections(directory.id)
            assert await store.update_connection(known, replace(known, profile="strict"), ENTRY)
            credential = await store.credential("t1")
            assert credential is not None
            assert credential.connection == replace(okta, profile="strict", standing=now)
            assert await store.connections(directory.id) == (credential.connection,)
            assert await standing(store, okta) == now

    @scenario
    async def test_definitions_are_replaced_and_move_the_revision(self, store: Both) -> None:
        directory, connection = await connected(store)
        await store.create_token(token(connection), ENTRY)
        wanted = replace(
            directory,
            schemas=({"id": "urn:x:y", "attributes": [{"name": "ä"}]},),
            resource_types=({"name": "Device"},),
            requirements={"User": {"required": ["title"], "canonicalValues": {"title": ["ß"]}}},
        )
        defined = await define(store, wanted)
        assert defined is not None
        assert defined == replace(wanted, revision=directory.revision + 1)
        assert await store.directories() == (defined,)
        credential = await store.credential("t1")
        assert credential is not None
        assert credential.directory == defined
        again = await define(store, replace(defined, schemas=(), resource_types=(), requirements={}))
        credential = await store.credential("t1")
        assert credential is not None
        assert credential.directory == again == replace(directory, revision=directory.revision + 2)

    @scenario
    async def test_a_definition_made_of_what_is_past_changes_nothing(self, store: Both) -> None:
        directory = await store.create_directory("acme", AT, ENTRY)
        one = await define(store, replace(directory, schemas=({"id": "urn:x:one"},)))
        assert await define(store, replace(directory, schemas=({"id": "urn:x:two"},))) is None
        assert await store.directories() == (one,)

    @scenario
    async def test_a_transaction_knows_the_revision_that_others_and_itself_defined(self, store: Both) -> None:
        directory, okta = await connected(store)

        async def work(tx: Writer) -> list[int]:
            seen = [await tx.revision()]
            await tx.standing(okta.id)
            seen.append(await tx.revision())
            for keeps in (False, True):
                with suppress(ValueError):
                    async with tx.savepoint():
                        assert await tx.define(replace(directory, schemas=({"id": "urn:x:one"},)))
                        seen.append(await tx.revision())
                        if not keeps:
                            raise ValueError
                await tx.standing(okta.id)
                seen.append(await tx.revision())
            return seen

        assert await store.write(directory.id, work) == [1, 1, 2, 1, 2, 2]
        (defined,) = await store.directories()
        assert (defined.revision, defined.schemas) == (2, ({"id": "urn:x:one"},))
        assert await store.write(directory.id, lambda tx: tx.revision()) == 2
        assert await store.write(99, lambda tx: tx.revision()) == 0

    @scenario
    async def test_a_standing_belongs_to_its_transaction(self, store: Both) -> None:
        directory, okta = await connected(store)

        async def half(tx: Writer) -> Standing:
            try:
                async with tx.savepoint():
                    await tx.set_standing(okta.id, PAUSED)
                    raise KeyError
            except KeyError:
                return await tx.standing(okta.id)

        async def none(tx: Writer) -> None:
            await tx.set_standing(okta.id, PAUSED)
            assert await tx.standing(okta.id) == PAUSED
            raise ZeroDivisionError

        assert await store.write(directory.id, half) == Standing()
        await refused(ZeroDivisionError, store.write(directory.id, none))
        assert await standing(store, okta) == Standing()
        assert (await store.connections(directory.id))[0].standing == Standing()

    @scenario
    async def test_losses_are_kept_until_the_connection_stands_otherwise(self, store: Both) -> None:
        directory, okta = await connected(store)

        async def work(tx: Writer) -> list[Loss | None]:
            seen = [await tx.loss(okta.id)]
            for loss in (Loss(AT, 1, 40), Loss(AT, 2, 41)):
                await tx.set_loss(okta.id, loss)
                seen.append(await tx.loss(okta.id))
            return seen

        assert await store.write(directory.id, work) == [None, Loss(AT, 1, 40), Loss(AT, 2, 41)]
        assert await store.write(directory.id, lambda tx: tx.loss(okta.id)) == Loss(AT, 2, 41)
        await store.write(directory.id, lambda tx: tx.set_standing(okta.id, PAUSED))
        assert await store.write(directory.id, lambda tx: tx.loss(okta.id)) is None

    @scenario
    async def test_nothing_stands_in_another_directory(self, store: Both) -> None:
        _, okta = await connected(store)
        other, _ = await connected(store, "other")
        for at, id in ((other.id, okta.id), (okta.directory, 99)):
            await refused(LookupError, store.write(at, lambda tx, id=id: tx.set_standing(id, PAUSED)))  # type: ignore[misc]
            await refused(LookupError, store.write(at, lambda tx, id=id: tx.set_loss(id, Loss(AT, 1, 1))))  # type: ignore[misc]
            assert await store.write(at, lambda tx, id=id: tx.standing(id)) == Standing()  # type: ignore[misc]
        assert await standing(store, okta) == Standing()

    @scenario
    async def test_the_live_resources_of_each_connection_are_counted(self, store: Both) -> None:
        directory, _ = await connected(store)
        here = directory.id
        a, b, c = [
            await store.write(here, put({"userName": name}, name, connection=connection))
            for name, connection in (("a", 1), ("b", 1), ("c", 2))
        ]
        await store.write(here, put({"displayName": "g"}, "g", "Group", connection=1))
        assert await owned(store, directory, None, 1, 2, 3) == [3, 2, 1, 0]
        await store.write(here, retain(a))
        assert await owned(store, directory, None, 1, 2) == [2, 1, 1]
        back = a._replace(connection=2, seq=9)
        await store.write(here, lambda tx: tx.revive(back, indexed(back)))
        assert await owned(store, directory, None, 1, 2) == [3, 1, 2]
        adopted = b._replace(connection=2)
        await store.write(here, lambda tx: tx.update(adopted, indexed(b), indexed(adopted)))
        assert await owned(store, directory, None, 1, 2) == [3, 0, 3]
        await store.write(here, lambda tx: tx.erase("User", c.id))
        await store.write(here, retain(back))
        await store.write(here, lambda tx: tx.erase("User", back.id))
        assert await owned(store, directory, None, 1, 2) == [1, 0, 1]

        async def undone(tx: Writer) -> None:
            await add(tx, {"userName": "z"}, "z", connection=1)
            raise ZeroDivisionError

        await refused(ZeroDivisionError, store.write(here, undone))
        assert await owned(store, directory, None, 1, 2) == [1, 0, 1]
