"""What identity providers do, many at once, against servers that may die: every request becomes an operation.

    may = await access(settings)
    async with Load(["http://127.0.0.1:8000"], may, seed=7) as load:
        await asyncio.sleep(5)              # or await load.reach(2000); meanwhile do harm
        history = await load.finish()       # the servers are up again
    assert problems(history, await end_state("http://127.0.0.1:8000", may)) == []

Any number of loads may run on one directory, also in processes of their own (``python -m faults.load
--help``, with ``tests`` in PYTHONPATH); give each its own ``tag``. The connection must have no fuse, and
reach what it makes.

    accounts   few names at a time, each wanted by all clients: create (also several at one moment), PATCH
               and PUT of attributes that always agree, with and without If-Match, PATCH of which the last
               operation must be refused, activate and deactivate, read, find, delete, create again (by
               externalId: the same account)
    crews      groups with teams of people, who are added and removed by one PATCH in the ways of Okta and
               Entra
    groups     that come with members, are renamed and go; their members may be accounts that are gone
    feed       one reader follows it from the beginning of the run
"""

import argparse
import asyncio
import itertools
import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

from faults.access import Access
from faults.asking import Client, Reply
from faults.following import follow
from faults.history import ANSWERED, UNKNOWN, History, Operation, Seen
from faults.messages import attributes, group_seen, patches, seen_of, spoilt, teams_of
from judges.harness import group, patch, user

TEAM: Final = 4
OPERATIONS_A_NAME: Final = 120
UNKNOWN_A_NAME: Final = 3
UNKNOWN_A_CREW: Final = 8
"""What so many operations may still happen to is left alone; the check would grow with each."""


@dataclass(slots=True)
class Slot:
    """A userName that clients work on, and what one of them saw last; it may be out of date."""

    name: str
    external: bool
    id: str | None = None
    version: int | None = None
    live: bool = False
    done: int = 0
    unknown: int = 0

    @property
    def key(self) -> str:
        """The name of its history."""
        return f"user:{self.name}"


@dataclass(slots=True)
class Crew:
    """A group that stays, with the teams that may be in it."""

    id: str
    teams: list[list[str]]
    unknown: int = 0

    @property
    def key(self) -> str:
        """The name of its history."""
        return f"crew:{self.id}"


@dataclass
class Load:
    """The load; ``urls`` are origins of servers on the same data. See the law above."""

    urls: Sequence[str]
    access: Access
    seed: int = 0
    tag: str = "a"
    clients: int = 8
    names: int = 8
    crews: int = 2
    teams: int = 60
    """Teams of ``TEAM`` people; each may be in any crew."""
    history: History = field(default_factory=History)

    async def __aenter__(self) -> Self:
        """Make people and crews, then begin. Raises ``AssertionError`` if the servers are not there."""
        self._chance = random.Random(self.seed)
        self._numbers = itertools.count(1)
        self._stop = asyncio.Event()
        self._lines = [Client(number, self.urls, self.access.token) for number in range(self.clients)]
        self._slots = [self._slot() for _ in range(self.names)]
        self._groups: list[tuple[str, str]] = []
        self._people = await self._made_people()
        crews = [await self._made_crew(self._lines[0]) for _ in range(self.crews)]
        self._crews = [crew for crew in crews if crew is not None]
        assert self._crews, "no group could be made"
        self._tasks = [asyncio.create_task(self._work(line)) for line in self._lines]
        self._reader = asyncio.create_task(
            follow(self.urls, self.access.key, self.history.followed, self._over)
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, whatever happened."""
        self._stop.set()
        tasks = [*self._tasks, self._reader]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for line in self._lines:
            await line.close()

    async def reach(self, operations: int) -> None:
        """Wait until so many operations are done since the beginning."""

        def over() -> bool:
            return len(self.history.operations) >= operations or any(task.done() for task in self._tasks)

        while not over():  # noqa: ASYNC110 - no event says so, and it need not be exact
            await asyncio.sleep(0.02)

    async def finish(self, within: float = 60.0) -> History:
        """Let what is under way end, read the feed to its end, and give the history.

        The servers must answer again. Raises ``TimeoutError``, and what went wrong in the load itself.
        """
        self._stop.set()
        async with asyncio.timeout(within):
            await asyncio.gather(*self._tasks)
            await self._reader
        assert self.history.followed, "who followed the feed got nothing"
        return self.history

    def _over(self) -> bool:
        return all(task.done() for task in self._tasks)

    # --- the clients

    async def _work(self, line: Client) -> None:
        while not self._stop.is_set():
            await self._chance.choices(
                [self._account, self._team, self._look, self._group], weights=[68, 16, 6, 10]
            )[0](line)

    def _note(self, line: Client, key: str, kind: str, reply: Reply, **more: Any) -> None:
        note = (
            reply.note
            if reply.outcome != ANSWERED or (reply.status or 0) >= 300
            else reply.note.split(" ")[0]
        )
        self.history.operations.append(
            Operation(
                line.number,
                key,
                kind,
                reply.began,
                reply.ended,
                reply.outcome,
                reply.status,
                note=note,
                **more,
            )
        )

    def _slot(self) -> Slot:
        number = next(self._numbers)
        return Slot(f"{self.tag}-{self.seed}-{number}", external=number % 2 == 0)

    # --- accounts

    async def _account(self, line: Client) -> None:
        place = self._chance.randrange(len(self._slots))
        slot = self._slots[place]
        if slot.done > OPERATIONS_A_NAME or slot.unknown >= UNKNOWN_A_NAME:
            slot = self._slots[place] = self._slot()
        slot.done += 1
        if slot.id is None:
            kind = self._chance.choices(["race", "create", "find"], weights=[2, 1, 1])[0]
        elif slot.live:
            kind = self._chance.choices(
                ["write", "switch", "held", "spoil", "delete", "read", "find", "create"],
                weights=[30, 8, 14, 6, 7, 22, 8, 5],
            )[0]
        else:
            kind = self._chance.choices(["race", "create", "read", "write", "find"], weights=[3, 4, 2, 2, 2])[
                0
            ]
        match kind:
            case "race":
                others = self._chance.sample(self._lines, min(3, len(self._lines)))
                await asyncio.gather(*(self._create(each, slot) for each in others))
            case "create":
                await self._create(line, slot)
            case "read":
                id = slot.id  # another client may find a newer account meanwhile
                reply = await line.ask("GET", f"/Users/{id}")
                self._saw(line, slot, "read", reply, id=id)
            case "find":
                await self._find(line, slot)
            case "delete":
                id = slot.id
                match = slot.version if self._chance.random() < 0.3 else None
                reply = await line.ask("DELETE", f"/Users/{id}", match=match)
                self._saw(line, slot, "delete", reply, id=id, match=match)
            case _:
                await self._change(line, slot, kind)

    async def _create(self, line: Client, slot: Slot) -> None:
        mark = self._mark()
        body = user(slot.name, **attributes(mark), active=True)
        if slot.external:
            body["externalId"] = f"x-{slot.name}"
        reply = await line.ask("POST", "/Users", body)
        self._saw(line, slot, "create", reply, mark=mark, external=slot.external)

    async def _find(self, line: Client, slot: Slot) -> None:
        wanted = quote(f'userName eq "{slot.name}"')
        reply = await line.ask("GET", f"/Users?filter={wanted}")
        if reply.status == 200:
            found = reply.body.get("Resources", [])
            reply.body = found[0] if found else None
        self._saw(line, slot, "find", reply)

    async def _change(self, line: Client, slot: Slot, kind: str) -> None:
        id, mark = slot.id, None if kind == "switch" else self._mark()
        active = self._chance.random() < 0.6 if kind == "switch" or self._chance.random() < 0.2 else None
        match = slot.version if kind == "held" else None
        method, path = "PATCH", f"/Users/{id}"
        if kind == "spoil":
            body = patch(*spoilt(mark or "", self._people[0][1]))
        elif kind == "write" and self._chance.random() < 0.4:
            more = {} if active is None else {"active": active}
            external = {"externalId": f"x-{slot.name}"} if slot.external else {}
            method, body = "PUT", user(slot.name, **attributes(mark or ""), **more, **external)
        else:
            body = patch(*patches(self._chance, mark, active))
        reply = await line.ask(method, path, body, match)
        name = "spoil" if kind == "spoil" else "write"
        self._saw(line, slot, name, reply, id=id, mark=mark, active=active, match=match)

    def _saw(self, line: Client, slot: Slot, kind: str, reply: Reply, **more: Any) -> None:
        """Note the operation, and what it shows of the account."""
        seen = seen_of(reply.body) if reply.outcome == ANSWERED and (reply.status or 0) < 300 else None
        self._note(line, slot.key, kind, reply, seen=seen, **more)
        if reply.outcome == UNKNOWN and kind not in ("read", "find"):
            slot.unknown += 1
        if reply.outcome != ANSWERED:
            return
        if seen is not None:
            slot.id, slot.version, slot.live = seen.id, seen.version, True
        elif kind == "find" or (slot.id == more.get("id") and (kind == "delete" or reply.status == 404)):
            slot.live = False

    def _mark(self) -> str:
        return f"m{self.tag}-{next(self._numbers)}"

    # --- groups

    async def _made_people(self) -> list[tuple[str, str]]:
        """The people of the teams: (id, userName)."""
        names = [f"{self.tag}-{self.seed}-person-{number}" for number in range(self.teams * TEAM)]
        todo = iter(names)
        made: list[tuple[str, str]] = []

        async def make(line: Client) -> None:
            for name in todo:
                mark = self._mark()
                reply = await line.ask("POST", "/Users", user(name, **attributes(mark), active=True))
                assert reply.status == 201, reply
                seen = seen_of(reply.body)
                self._note(line, f"user:{name}", "create", reply, mark=mark, seen=seen)
                made.append((reply.body["id"], name))

        await asyncio.gather(*(make(line) for line in self._lines))
        return made

    async def _made_crew(self, line: Client) -> Crew | None:
        reply = await line.ask("POST", "/Groups", group(f"{self.tag}-{self.seed}-crew"))
        if reply.status != 201:
            return None
        ids = [id for id, _ in self._people]
        crew = Crew(reply.body["id"], [ids[at : at + TEAM] for at in range(0, len(ids), TEAM)])
        self.history.crews[crew.key] = crew.teams
        return crew

    async def _team(self, line: Client) -> None:
        place = self._chance.randrange(len(self._crews))
        crew = self._crews[place]
        if crew.unknown >= UNKNOWN_A_CREW:
            crew.unknown = 0
            self._crews[place] = await self._made_crew(line) or crew
            return
        # Half of it is about few teams, so that clients meet.
        team = self._chance.randrange(self.teams if self._chance.random() < 0.5 else min(4, self.teams))
        kind = self._chance.choices(["join", "leave", "spoil"], weights=[9, 7, 2])[0]
        body = patch(*teams_of(self._chance, kind, crew.teams[team], crew.id))
        reply = await line.ask("PATCH", f"/Groups/{crew.id}", body)
        self._note(line, crew.key, kind, reply, team=team)
        crew.unknown += reply.outcome == UNKNOWN

    async def _look(self, line: Client) -> None:
        crew = self._chance.choice(self._crews)
        reply = await line.ask("GET", f"/Groups/{crew.id}")
        seen = group_seen(reply.body, crew.teams) if reply.status == 200 else None
        self._note(line, crew.key, "look", reply, seen=seen)

    async def _group(self, line: Client) -> None:
        """A group that comes, is renamed, takes a member and goes, by one client after another."""
        step = self._chance.choices(["create", "write", "member", "read", "delete"], weights=[3, 3, 5, 2, 2])[
            0
        ]
        if step == "create" or len(self._groups) < 3:
            name, mark = f"{self.tag}-{self.seed}-{next(self._numbers)}", self._mark()
            some = [id for id, _ in self._chance.sample(self._people, 2)]
            reply = await line.ask("POST", "/Groups", group(mark, *some, externalId=name))
            seen = _named(reply)
            self._note(line, f"group:{name}", "create", reply, mark=mark, seen=seen)
            if seen is not None and seen.id is not None:
                self._groups.append((seen.id, name))
            return
        id, name = self._chance.choice(self._groups)
        key = f"group:{name}"
        match step:
            case "write":
                mark = self._mark()
                change = patch({"op": "replace", "path": "displayName", "value": mark})
                reply = await line.ask("PATCH", f"/Groups/{id}", change)
                self._note(line, key, step, reply, id=id, mark=mark, seen=_named(reply))
            case "member":
                who = [slot.id for slot in self._slots if slot.id] or [self._people[0][0]]
                reply = await line.ask("PATCH", f"/Groups/{id}", patch(
                    {"op": self._chance.choice(["add", "add", "remove"]), "path": "members",
                     "value": [{"value": each} for each in self._chance.sample(who, min(3, len(who)))]}
                ))  # fmt: skip
                # Of the group itself it changes nothing but the version, which is not looked at.
                self._note(line, key, "write", reply, id=id, seen=_named(reply))
            case "read":
                reply = await line.ask("GET", f"/Groups/{id}?excludedAttributes=members")
                self._note(line, key, step, reply, id=id, seen=_named(reply))
            case "delete":
                with suppress(ValueError):
                    self._groups.remove((id, name))
                reply = await line.ask("DELETE", f"/Groups/{id}")
                self._note(line, key, step, reply, id=id)


def _named(reply: Reply) -> Seen | None:
    """What a reply shows of a group that comes and goes, but the version, which moves with its members."""
    if reply.outcome != ANSWERED or not isinstance(reply.body, dict) or (reply.status or 0) >= 300:
        return None
    return Seen(reply.body.get("id"), mark=reply.body.get("displayName"))


async def _main() -> None:
    parser = argparse.ArgumentParser(description="Run the load against servers and write its history.")
    parser.add_argument(
        "--url", action="append", required=True, help="origin of a server; several are allowed"
    )
    parser.add_argument("--token", required=True, help="a connection's token")
    parser.add_argument("--key", required=True, help="an API key that may read the directory's events")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tag", default="a", help="begins every name; each load needs one of its own")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("history", type=Path, help="the file to write")
    said = parser.parse_args()
    async with Load(said.url, Access(said.token, said.key), said.seed, said.tag, said.clients) as load:
        await asyncio.sleep(said.seconds)
        history = await load.finish()
    history.write(said.history)
    print(f"{len(history.operations)} operations, {history.count(UNKNOWN)} unknown")


if __name__ == "__main__":
    asyncio.run(_main())
