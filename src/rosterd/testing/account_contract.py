"""The contract of a store, as tests: accounts by state and by name, pages of pending values and histories."""

# ruff: noqa: D102 - the name of a test is its sentence

from contextlib import AbstractAsyncContextManager
from pathlib import Path

from rosterd.scim.membership import Member
from rosterd.service.ports import Awaiting, Reader, Store, Stored, Writer
from rosterd.testing.scenario import CONNECTION, DIRECTORY, add, event, group, indexed, put, retain, scenario


async def _states(store: Store) -> dict[str, Stored]:
    """Users a (active), b (inactive), c (deleted), d (says nothing: active), by id."""
    made = {}
    for id, more in (("a", {"active": True}), ("b", {"active": False}), ("c", {"active": False}), ("d", {})):
        made[id] = await store.write(DIRECTORY, put({"userName": f"{id}@x", **more}, id))
    await store.write(DIRECTORY, retain(made["c"]))
    return made


async def _walk_names(reader: Reader, prefix: str, state: str | None = None) -> list[str | None]:
    """The ids of a whole walk two at a time, ``None`` for those that are in another state."""
    ids: list[str | None] = []
    after: tuple[str, str] | None = None
    while page := await reader.named("User", prefix, state, after, 2):
        ids += [one.row.id if one.row else None for one in page]
        after = (page[-1].value, page[-1].id)
    return ids


class AccountContract:
    """What the application's reads need. Override ``open_store``."""

    def open_store(self, folder: Path) -> AbstractAsyncContextManager[Store]:
        """Open a store that keeps what it keeps in ``folder``, which is empty the first time."""
        raise NotImplementedError

    @scenario
    async def test_accounts_are_listed_by_state(self, store: Store) -> None:
        made = await _states(store)
        reader = store.reader(DIRECTORY)
        for state, ids in (("active", ["a", "d"]), ("inactive", ["b"]), ("deleted", ["c"])):
            assert [row.id for row in await reader.accounts("User", state, 0, 10)] == ids
            assert await reader.accounts("Group", state, 0, 10) == ()
            assert await store.reader(2).accounts("User", state, 0, 10) == ()
        assert [r.id for r in await reader.accounts("User", "active", made["a"].seq, 10)] == ["d"]
        assert [r.id for r in await reader.accounts("User", "active", 0, 1)] == ["a"]

    @scenario
    async def test_an_account_moves_with_its_state(self, store: Store) -> None:
        made = await _states(store)
        former = made["a"]
        now = former._replace(document=b'{"userName": "a@x", "active": false}', version=2)

        async def work(tx: Writer) -> None:
            await tx.update(now, indexed(former), indexed(now))
            revived = made["c"]._replace(seq=await tx.next_seq(), document=b'{"userName": "c@x"}')
            await tx.revive(revived, indexed(revived))
            await tx.erase("User", "d")

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        assert [r.id for r in await reader.accounts("User", "active", 0, 10)] == ["c"]
        assert [r.id for r in await reader.accounts("User", "inactive", 0, 10)] == ["a", "b"]
        assert await reader.accounts("User", "deleted", 0, 10) == ()

    @scenario
    async def test_users_are_found_by_the_beginning_of_their_name(self, store: Store) -> None:
        await _states(store)
        for id in ("ann", "Anna", "änne", "bert", "a_x", "a%x"):
            await store.write(DIRECTORY, put({"userName": id, "active": id != "Anna"}, id))
        reader = store.reader(DIRECTORY)
        assert await _walk_names(reader, "an") == ["ann", "Anna"]
        assert await _walk_names(reader, "an", "active") == ["ann", None]
        assert await _walk_names(reader, "an", "inactive") == [None, "Anna"]
        assert await _walk_names(reader, "a") == ["a%x", "a", "a_x", "ann", "Anna"]
        assert await _walk_names(reader, "ä") == ["änne"]
        for nothing in ("c", "%", "an%", "zz", "a\0"):
            assert await _walk_names(reader, nothing) == []
        assert await store.reader(2).named("User", "a", None, None, 10) == ()

    @scenario
    async def test_groups_of_one_name_are_found_by_it(self, store: Store) -> None:
        for id, name in (("g2", "Sales"), ("g1", "sales"), ("g3", "Sales EU"), ("g4", "Staff")):
            await group(store, id, name)
        reader = store.reader(DIRECTORY)
        found = await reader.named("Group", "sales", None, None, 10)
        assert [one.id for one in found] == ["g1", "g2", "g3"]
        after = (found[0].value, found[0].id)
        assert [one.id for one in await reader.named("Group", "sales", "active", after, 1)] == ["g2"]

    @scenario
    async def test_users_are_found_by_the_beginning_of_other_values(self, store: Store) -> None:
        for id, display, family, *emails in (
            ("a", "Ann Lee", "Lee", "ann@x", "lee@y"),
            ("b", "Lee Ann", "Ann", "lee@x"),
            ("c", "", "", "c@x"),
        ):
            document = {
                "userName": id,
                **({"displayName": display, "name": {"familyName": family}} if display else {}),
                "emails": [{"value": email} for email in emails],
            }
            await store.write(DIRECTORY, put(document, id))
        reader = store.reader(DIRECTORY)
        for attribute, prefix, ids in (
            ("displayName", "lee", ["b"]),
            ("name.familyName", "le", ["a"]),
            ("emails.value", "lee", ["b", "a"]),
            ("emails.value", "", ["a", "c", "b", "a"]),
            ("displayName", "c", []),
        ):
            found = await reader.named("User", prefix, None, None, 10, attribute)
            assert [one.id for one in found] == ids
            if len(found) > 1:
                after = (found[0].value, found[0].id)
                rest = await reader.named("User", prefix, None, after, 10, attribute)
                assert rest == found[1:]

    @scenario
    async def test_the_newest_come_first_of_all_or_of_a_connection(self, store: Store) -> None:
        made = await _states(store)
        await store.write(DIRECTORY, put({"userName": "e"}, "e", connection=CONNECTION + 1))
        reader = store.reader(DIRECTORY)
        for state, connection, before, ids in (
            ("active", None, None, ["e", "d", "a"]),
            ("active", CONNECTION, None, ["d", "a"]),
            ("active", CONNECTION + 1, None, ["e"]),
            ("active", None, made["d"].seq, ["a"]),
            ("inactive", CONNECTION, None, ["b"]),
            ("inactive", CONNECTION + 1, None, []),
            ("deleted", None, None, ["c"]),
        ):
            found = await reader.newest("User", state, connection, before, 10)
            assert [row.id for row in found] == ids
        assert [row.id for row in await reader.newest("User", "active", None, None, 1)] == ["e"]
        assert await store.reader(2).newest("User", "active", None, None, 10) == ()

    @scenario
    async def test_pending_values_come_in_pages(self, store: Store) -> None:
        await group(store, "g")
        later = [Member(value, None, None) for value in ("x", "y", "z")]
        await store.write(DIRECTORY, lambda tx: tx.add_members("g", later))
        reader = store.reader(DIRECTORY)
        assert await reader.pending("g", limit=2) == tuple(later[:2])
        assert await reader.pending("g", "y", 2) == tuple(later[2:])
        assert await reader.pending("g", "z") == ()

    @scenario
    async def test_groups_are_found_by_the_values_they_wait_for(self, store: Store) -> None:
        await group(store, "g1", "Sales")
        await group(store, "g2", "Staff")

        async def work(tx: Writer) -> None:
            await tx.add_members("g1", [Member(value, None, None) for value in ("x", "y")])
            await tx.add_members("g2", [Member("x", None, None)])

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        both = (Awaiting("x", "g1", "Sales"), Awaiting("x", "g2", "Staff"))
        assert await reader.awaiting(["x", "z"], 10) == both
        assert await reader.awaiting(["x", "y"], 3) == (*both, Awaiting("y", "g1", "Sales"))
        assert await reader.awaiting(["x"], 1) == both[:1]
        assert await reader.awaiting(["z"], 10) == ()
        assert await store.reader(2).awaiting(["x"], 10) == ()

    @scenario
    async def test_a_history_comes_in_pages(self, store: Store) -> None:
        async def work(tx: Writer) -> None:
            await add(tx, {"userName": "u"}, "u")
            for n in range(4):
                await tx.append(event("u", n=n))

        await store.write(DIRECTORY, work)
        reader = store.reader(DIRECTORY)
        first = await reader.history("User", "u", 3)
        assert [e.event.data["n"] for e in first] == [3, 2, 1]
        rest = await reader.history("User", "u", 3, first[-1].seq)
        assert [e.event.data["n"] for e in rest] == [0]
