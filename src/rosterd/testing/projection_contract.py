"""The contract of mappings, projections and adopted users in a store, as tests."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

from rosterd.service.mapping import Rules, Value
from rosterd.service.ports import Store, Writer
from rosterd.service.projections import Mapped
from rosterd.testing.scenario import DIRECTORY, add, refused, scenario

RULES = Rules((("name", "user.userName"),), (("admin", "'Admins' in groups"), ("admin", "user.ok")))
MAPPED = Mapped(RULES, 3, 17, 5)
ANN: Value = {"fields": {"näme": "Änn", "n": 1, "list": [True, None]}, "roles": ["admin"]}


class ProjectionContract:
    """What every ``Store`` must do with them. Override ``open_store``; name the subclass ``Test…``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Store]:
        """Open one that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_a_mapping_is_kept_for_its_directory(self, store: Store) -> None:
        reader = store.reader(DIRECTORY)
        assert await reader.mapping() is None
        await store.write(DIRECTORY, lambda tx: tx.set_mapping(MAPPED))
        assert await reader.mapping() == MAPPED
        assert await store.reader(DIRECTORY + 1).mapping() is None
        done = replace(MAPPED, walk=None)
        await store.write(DIRECTORY, lambda tx: tx.set_mapping(done))
        assert await reader.mapping() == done

    @scenario
    async def test_projections_are_kept_replaced_and_forgotten(self, store: Store) -> None:
        reader = store.reader(DIRECTORY)

        async def work(tx: Writer) -> None:
            await tx.project("a", ANN)
            await tx.project("b", {**ANN, "roles": []})
            await tx.project("c", ANN)
            await tx.project("b", ANN)
            await tx.project("c", None)
            assert await tx.projections(["a"]) == {"a": ANN}

        await store.write(DIRECTORY, work)
        assert await reader.projections(["a", "b", "c", "d"]) == {"a": ANN, "b": ANN}
        assert await store.reader(DIRECTORY + 1).projections(["a"]) == {}

    @scenario
    async def test_what_was_made_of_a_user_is_erased_with_it(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            await add(tx, {"userName": "ann"}, "a")
            await tx.project("a", ANN)

        await store.write(DIRECTORY, work)
        assert await store.write(DIRECTORY, lambda tx: tx.erase("User", "a"))
        assert await store.reader(DIRECTORY).projections(["a"]) == {}

    @scenario
    async def test_a_transaction_that_fails_leaves_neither(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            await tx.set_mapping(MAPPED)
            await tx.project("a", ANN)
            raise KeyError

        await refused(KeyError, store.write(DIRECTORY, work))
        assert await store.reader(DIRECTORY).mapping() is None
        assert await store.reader(DIRECTORY).projections(["a"]) == {}

    @scenario
    async def test_an_adopted_user_waits_under_its_name_until_it_is_claimed(self, store: Store) -> None:
        await store.write(DIRECTORY, lambda tx: tx.adopt("ann", "a"))
        assert await store.write(DIRECTORY, lambda tx: tx.adopted("ann")) == "a"
        assert await store.write(DIRECTORY + 1, lambda tx: tx.adopted("ann")) is None
        await store.write(DIRECTORY, lambda tx: tx.adopt("ann", "b"))
        assert await store.write(DIRECTORY, lambda tx: tx.adopted("ann")) == "b"
        await store.write(DIRECTORY, lambda tx: tx.claimed("ann"))
        assert await store.write(DIRECTORY, lambda tx: tx.adopted("ann")) is None
