"""Erasure: nothing of an account is left but its id, whatever it went through."""

import json
import sqlite3
from collections.abc import AsyncIterator, Collection
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from service.world import GROUP, USER, World, group, run, user

from rosterd.scim import errors, urns
from rosterd.scim.schemas import CORE_MODEL
from rosterd.service import erasure as module
from rosterd.service.erasure import ERASED, Erasure
from rosterd.service.events import StoredEvent
from rosterd.service.past import Owed
from rosterd.service.ports import Reader
from rosterd.store import sqlite_reader
from rosterd.store.parts import index_portion, parts_text
from rosterd.testing.scenario import BY

DAY = 86_400_000
ANN: dict[str, Any] = {
    "userName": "ann.secret@old.example",
    "externalId": "EXT-ann",
    "name": {"givenName": "Annegret", "familyName": "Quux", "formatted": "Annegret Quux"},
    "displayName": "Annegret Q.",
    "emails": [{"value": "annegret@mail.example", "primary": True}],
    "phoneNumbers": [{"value": "+49 555 0199"}],
    urns.ENTERPRISE_USER: {"employeeNumber": "E-4711"},
}
TRACES = (
    "ann.secret", "ann.renamed", "EXT-ann", "Annegret", "Quux", "annegret@mail", "0199", "E-4711",
    "Chief Whatever",
)  # fmt: skip


class Log:
    """Where else something was kept; it remembers what it was asked to remove."""

    def __init__(self) -> None:
        self.scrubbed: list[tuple[int, str, frozenset[str]]] = []
        self.completed = 0

    async def complete(self, directory: int) -> None:
        self.completed += 1

    async def scrub(self, directory: int, resource: str, texts: Collection[str]) -> None:
        assert self.completed, "what others still write would stay"
        self.scrubbed.append((directory, resource, frozenset(texts)))


def erasure_of(world: World, log: Log | None = None) -> Erasure:
    def now() -> int:
        world.time[0] += 1
        return world.time[0]

    return Erasure(world.store, log or Log(), lambda _: CORE_MODEL, now)


async def erase(world: World, id: str, log: Log | None = None) -> bool:
    return await erasure_of(world, log).erase(world.caller.directory, "User", id, by=BY)


def dump(path: Path) -> str:
    """All that is in the database, as SQL."""
    with closing(sqlite3.connect(path / "test.db")) as stored, closing(sqlite3.connect(":memory:")) as copy:
        stored.backup(copy)
        copy.execute("DROP TABLE parts")  # pieces of three characters, which cannot be dumped
        return "\n".join(copy.iterdump())


def index_now(path: Path) -> None:
    """The index of parts of texts is up to date, as after a while in which nothing changes."""
    with closing(sqlite3.connect(path / "test.db", isolation_level=None)) as beside:
        index_portion(beside)
        assert beside.execute("SELECT count(*) FROM parts_due").fetchone() == (0,)


def pieces(path: Path) -> tuple[list[bytes], list[bytes]]:
    """The pages of the index of parts of texts, and what they are in one of those who are there."""
    with closing(sqlite3.connect(path / "test.db")) as stored, closing(sqlite3.connect(":memory:")) as copy:
        stored.backup(copy)
        made = copy.execute("SELECT sql FROM sqlite_schema WHERE name = 'parts'").fetchone()[0]
        copy.execute(made.replace("parts", "anew", 1))
        for directory, seq, search in copy.execute(
            "SELECT directory, seq, search FROM resource WHERE deleted IS NULL ORDER BY directory, seq"
        ).fetchall():
            row = (directory * 2**40 + seq, parts_text(json.loads(search)))
            copy.execute("INSERT INTO anew (rowid, text) VALUES (?, ?)", row)
        copy.execute("INSERT INTO anew (anew) VALUES ('optimize')")
        was, anew = (
            copy.execute("SELECT block FROM parts_data WHERE id > 10 ORDER BY id").fetchall(),
            copy.execute("SELECT block FROM anew_data WHERE id > 10 ORDER BY id").fetchall(),
        )
        return [page for (page,) in was], [page for (page,) in anew]


async def lived(world: World) -> tuple[str, str]:
    """An account with a past, known under several names and waited for under each; its id and a group's."""
    waiting = await world.create(group("Staff", "ann.secret@old.example", "EXT-ann", "annegret@mail.example"))
    ann = await world.create({"schemas": [urns.USER, urns.ENTERPRISE_USER], **ANN})
    await world.create(group("Late", "ann.renamed@new.example", "Annegret Q."))
    bob = await world.create(user("bob"))
    await world.patch(waiting, {"op": "add", "path": "members", "value": [{"value": bob.row.id}]})
    for path, value in (
        ("userName", "ann.renamed@new.example"), ("title", "Chief Whatever"), ("active", False),
        ("active", True),
    ):  # fmt: skip
        await world.patch(ann, {"op": "replace", "path": path, "value": value})
    return ann.row.id, waiting.row.id


@pytest.mark.parametrize("indexed", [False, True])
@pytest.mark.parametrize("first", ["nothing", "deleted", "deleted and revived"])
def test_an_erased_account_leaves_no_trace_but_its_id(tmp_path: Path, first: str, indexed: bool) -> None:
    async def test(world: World) -> None:
        id, staff = await lived(world)
        if indexed:
            index_now(tmp_path)
        if first != "nothing":
            await world.commit(world.commands.delete(world.caller, USER, id))
        if first == "deleted and revived":
            again = {**ANN, "userName": "ann.renamed@new.example"}
            made = await world.create({"schemas": [urns.USER, urns.ENTERPRISE_USER], **again})
            assert made.row.id == id
        for trace in TRACES:
            assert trace in dump(tmp_path), "the trace is one that is left otherwise"
        log = Log()
        assert await erase(world, id, log) is (first != "deleted")
        left = dump(tmp_path)
        assert [trace for trace in TRACES if trace in left] == []
        indexed_now, others = pieces(tmp_path)
        assert indexed_now == others
        reader = world.store.reader(1)
        assert await reader.get("User", id) is None
        assert await reader.find_deleted("User", id) is None
        own = [e.event for e in await reader.story("User", id, 0, 0, 100)]
        assert {e.type for e in own} >= {"user.created", "user.updated", "user.deactivated", "user.deleted"}
        assert [dict(e.data) for e in own] == [ERASED] * len(own)
        assert (own[-1].type, own[-1].connection) == ("user.erased", 0)
        assert [m.value for m in await reader.members(staff)] == ["id-0004"], "bob stays"
        assert len(log.scrubbed) == 1
        directory, resource, texts = log.scrubbed[0]
        assert (directory, resource) == (1, id)
        assert texts >= {
            "ann.secret@old.example",
            "ann.renamed@new.example",
            "EXT-ann",
            "annegret@mail.example",
        }
        entries = [e.entry for e in await world.store.audit_page(1, None, 1)]
        assert [(e.action, e.target, e.before, e.after) for e in entries] == [
            ("account.erased", f"User {id}", {}, {})
        ]
        assert await reader.owed(10) == ()

    run(tmp_path, test)


def test_two_who_settle_at_once_tell_of_the_end_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann"))
        pages, others = module._pages, [erasure_of(world)]

        async def settled_by_another(reader: Reader, owed: Owed) -> AsyncIterator[tuple[StoredEvent, ...]]:
            if others:
                assert await others.pop().settle(world.caller.directory) == 1
            async for page in pages(reader, owed):
                yield page

        monkeypatch.setattr(module, "_pages", settled_by_another)
        await erase(world, ann.row.id)
        told = [type for type, id, _ in await world.events() if id == ann.row.id]
        assert told == ["user.created", "user.deleted", "user.erased"]
        assert await world.store.reader(1).owed(10) == ()

    run(tmp_path, test)


def test_the_events_of_others_stay_as_they_were(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        waiting = await world.create(group("Staff", "ann", "bob"))
        ann = await world.create(user("ann", "x"))
        before = await world.events()
        await erase(world, ann.row.id)
        after = await world.events()
        told = [e for e in after if e[1] == waiting.row.id]
        assert told[0] == before[0]
        assert told[1][2] == {"members": [], "count": 0, "pending": ["bob"]}
        assert told[2][2] == {"members": [ann.row.id], "count": 1, "resolved": []}
        assert told[3][0] == "group.member_removed"
        assert [m.value for m in await world.store.reader(1).pending(waiting.row.id)] == ["bob"]

    run(tmp_path, test)


def test_the_name_of_an_erased_account_is_free_and_gets_a_new_id(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann", "x"))
        await world.delete(ann)
        await erase(world, ann.row.id)
        again = await world.create(user("ann", "x"))
        assert again.row.id != ann.row.id
        with pytest.raises(errors.NotFound):
            await erase(world, ann.row.id)

    run(tmp_path, test)


def test_a_live_account_is_deleted_before_and_its_groups_lose_it(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        ann = await world.create(user("ann"))
        team = await world.create(group("Team", ann.row.id))
        assert await erase(world, ann.row.id) is True
        assert [e[0] for e in await world.events()][-3:] == [
            "group.member_removed",
            "user.deleted",
            "user.erased",
        ]
        assert (await world.read(team)).get("members") is None

    run(tmp_path, test)


def test_an_account_with_thousands_of_events_goes_in_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PORTION", 7)
    monkeypatch.setattr(sqlite_reader, "WINDOW", 5)

    async def test(world: World) -> None:
        staff = await world.create(group("Staff"))
        ann = await world.create(user("ann"))
        for number in range(30):
            await world.patch(ann, {"op": "replace", "path": "title", "value": f"Chief {number}"})
            await world.patch(staff, {"op": "add", "path": "members", "value": [{"value": f"ann{number}"}]})
            await world.patch(ann, {"op": "replace", "path": "userName", "value": f"ann{number}"})
        await erase(world, ann.row.id)
        left = dump(tmp_path)
        assert "Chief" not in left
        assert "ann" not in left

    run(tmp_path, test)


class Crash(Exception):
    """The process is gone."""


def test_an_erasure_that_was_broken_off_anywhere_is_finished_by_the_upkeep(tmp_path: Path) -> None:
    async def broken_off(world: World, steps: int) -> bool:
        """Erase an account, with so many transactions until the crash; whether it came."""
        id, _ = await lived(world)
        write, left = world.store.write, [steps]

        async def counted(directory: int, work: Any) -> Any:
            if left[0] == 0:
                raise Crash
            left[0] -= 1
            return await write(directory, work)

        world.store.write = counted  # type: ignore[method-assign]
        try:
            await erase(world, id)
        except Crash:
            return True
        finally:
            world.store.write = write  # type: ignore[method-assign]
            await erasure_of(world).settle(world.caller.directory)
            await erasure_of(world).settle(world.caller.directory)
            erased = [e for e in await world.events() if e[0] == "user.erased"]
            if steps:
                assert len(erased) == 1
        return False

    crashes = 0
    for steps in range(1, 20):
        folder = tmp_path / str(steps)
        folder.mkdir()
        crashed: list[bool] = []

        async def test(world: World, steps: int = steps, crashed: list[bool] = crashed) -> None:
            crashed.append(await broken_off(world, steps))

        run(folder, test)
        left = dump(folder)
        assert [trace for trace in TRACES if trace in left] == [], steps
        if not crashed[0]:
            break
        crashes += 1
    assert crashes >= 3


def test_a_delete_under_the_policy_erase_is_settled_too(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        id, _ = await lived(world)
        hr = world.with_policy(on_delete="erase")
        await world.commit(world.commands.delete(hr, USER, id), hr)
        assert await erasure_of(world).settle(world.caller.directory) == 1
        left = dump(tmp_path)
        assert [trace for trace in TRACES if trace in left] == []
        assert (await world.events())[-1][:2] == ("user.erased", id)

    run(tmp_path, test)


def test_accounts_are_erased_so_many_days_after_their_deletion(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        people = [await world.create(user(f"user{n}", f"x{n}")) for n in range(4)]
        team = await world.create(group("Team"))
        await world.commit(world.commands.delete(world.caller, GROUP, team.row.id))
        for one in people[:2]:
            await world.delete(one)
        world.time[0] += 10 * DAY
        await world.delete(people[2])
        home, erasure = world.caller.directory, erasure_of(world)
        assert await erasure.expire(home, "User", 11) == 0
        assert await erasure.expire(home, "User", 10) == 2
        assert await erasure.expire(home, "User", 10) == 0
        assert await erasure.settle(home) == 2
        reader = world.store.reader(1)
        assert [r.id for r in await reader.accounts("User", "deleted", 0, 9)] == [people[2].row.id]
        assert [r.id for r in await reader.accounts("User", "active", 0, 9)] == [people[3].row.id]
        assert [r.id for r in await reader.accounts("Group", "deleted", 0, 9)] == [team.row.id]
        entries = [e.entry for e in await world.store.audit_page(1, None, 9, "account.")]
        assert [(e.action, str(e.actor)) for e in entries] == [("account.erased", "rosterd")] * 2

    run(tmp_path, test)


async def members(world: World, team: Any) -> list[str]:
    return [member.value for member in await world.store.reader(1).members(team.row.id)]


async def pending(world: World, team: Any) -> list[str]:
    return [member.value for member in await world.store.reader(1).pending(team.row.id)]


def told(events: list[tuple[str, str, dict[str, Any]]], team: Any) -> list[list[str]]:
    """What the events of a group tell as pending, in their order."""
    return [data["pending"] for _, id, data in events if id == team.row.id and "pending" in data]


def test_who_is_called_so_later_is_awaited_and_told(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        hr = world.with_policy(on_delete="erase")
        ann = await world.create(user("ann", "x1"), hr)
        before = await world.create(group("before", "bob"))
        await world.delete(ann, hr)
        after = await world.create(group("after", "ann", "x1", "bob"))
        assert await erasure_of(world).settle(world.caller.directory) == 1
        assert await pending(world, after) == ["ann", "bob", "x1"]
        assert sorted(told(await world.events(), after)[0]) == ["ann", "bob", "x1"]
        assert await pending(world, before) == ["bob"]
        again = await world.create(user("ann", "x1"), hr)
        assert again.row.id != ann.row.id
        assert await members(world, after) == [again.row.id]

    run(tmp_path, test)


def test_nobody_waits_for_a_person_who_is_erased_but_by_another_connections_id(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        hr, okta = world.caller, world.other()
        ann = await world.create(user("ann", "1001"), hr)
        own = await world.create(group("own", "bob"), hr)
        other = await world.create(group("other", "1001", "1002"), okta)
        assert await pending(world, other) == ["1001", "1002"]
        await erase(world, ann.row.id)
        assert await pending(world, own) == ["bob"]
        assert await pending(world, other) == ["1001", "1002"]
        bob = await world.create(user("bob", "1001"), okta)
        assert await members(world, other) == [bob.row.id]

    run(tmp_path, test)


def test_two_erasures_at_once_leave_neither_name(tmp_path: Path) -> None:
    async def test(world: World) -> None:
        team = await world.create(group("team", "ann", "bob", "carl"))
        people = [await world.create(user(name, f"x-{name}")) for name in ("ann", "bob")]
        slow, quick = erasure_of(world), erasure_of(world)
        rewrite, begun = slow._rewrite, [False]

        async def held(*given: Any) -> None:
            """Another erasure runs to its end between the look and the write."""
            if not begun[0]:
                begun[0] = True
                await quick.erase(world.caller.directory, "User", people[1].row.id, by=BY)
            await rewrite(*given)

        slow._rewrite = held  # type: ignore[method-assign]
        await slow.erase(world.caller.directory, "User", people[0].row.id, by=BY)
        assert told(await world.events(), team)[0] == ["carl"]
        assert await pending(world, team) == ["carl"]

    run(tmp_path, test)
