"""The first sync of a whole company, as Okta does it, and a look whether it all arrived.

    Test credentials → Import → Assign people → Push groups → Update profiles → Deactivate
    → Reactivate → Change memberships → Check

``plan`` says, purely, what happens after the first sync; ``provision`` does it with bounded
concurrency and gives a ``Progress`` after each piece of work and a ``Summary`` at the end. A
refusal is counted and told, and the sync goes on, as Okta's does.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from rosterd.scim import urns
from rosterd.simulator import messages
from rosterd.simulator.app import OktaApp, Refused
from rosterd.simulator.checks import holds, members, status
from rosterd.simulator.client import OKTA, Client, Manner, Reply
from rosterd.simulator.company import Company
from rosterd.simulator.okta import Style
from rosterd.simulator.steps import Check, Request, Step, Verdict, run

SAMPLE: Final = 25
"""So many people and groups are read back at the end."""


@dataclass(frozen=True, slots=True)
class Move:
    """A membership change: indices of those who leave a group and who join it."""

    group: int
    leave: tuple[int, ...]
    join: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What happens after the first sync; all are indices in the company."""

    promoted: Mapping[int, str]
    """Who gets a new title."""
    leavers: tuple[int, ...]
    returners: tuple[int, ...]
    """Leavers who come back, under the same id."""
    moves: tuple[Move, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: ``done`` of ``total`` pieces of work of this phase, requests so far."""

    phase: str
    done: int
    total: int
    requests: int
    errors: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What was done, how fast, and whether it is so on the server."""

    people: int
    created: int
    linked: int
    updated: int
    deactivated: int
    reactivated: int
    groups: int
    memberships: int
    """Members in all pushed groups at the end."""
    membership_changes: int
    requests: int
    retries: int
    """Requests sent again after 429 or 503."""
    seconds: float
    rate: float
    """Requests per second."""
    p50_ms: float
    p99_ms: float
    errors: tuple[str, ...]
    checks: tuple[Verdict, ...]

    @property
    def ok(self) -> bool:
        """No refusal, and every check passed."""
        return not self.errors and all(verdict.ok for verdict in self.checks)


def plan(company: Company) -> Plan:
    """A tenth gets a new title, a twentieth leaves, a fifth of those returns, some change groups."""
    # Repeatable on purpose; nothing here is a secret.
    rng = random.Random(f"plan {company.seed}")  # noqa: S311
    everybody = range(len(company.people))
    promoted = sorted(rng.sample(everybody, max(1, len(everybody) // 10)))
    leavers = sorted(rng.sample(everybody, max(1, len(everybody) // 20)))
    returners = sorted(rng.sample(leavers, max(1, len(leavers) // 5)))
    with_members = [index for index, group in enumerate(company.groups) if group.members]
    moves = []
    for index in sorted(rng.sample(with_members, max(1, len(with_members) // 4))):
        inside = company.groups[index].members
        # Of a large group only a few thousand are looked at: the plan must stay cheap.
        outside = sorted(set(everybody[: len(inside) + 1000]).difference(inside))
        count = max(1, min(20, len(inside) // 20))
        leave = tuple(sorted(rng.sample(inside, min(count, len(inside)))))
        moves.append(Move(index, leave, tuple(sorted(rng.sample(outside, min(count, len(outside)))))))
    titles = {index: f"Senior {company.people[index].title}" for index in promoted}
    return Plan(titles, tuple(leavers), tuple(returners), tuple(moves))


async def provision(
    company: Company,
    base_url: str,
    token: str,
    *,
    style: Style = "patch",
    concurrency: int = 16,
    manner: Manner = OKTA,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Progress | Summary]:
    """Provision the company into a server; the last value is the ``Summary``."""
    meter = _Meter()
    async with Client(
        base_url, token, manner, connections=concurrency, on_reply=meter.note, sleep=sleep
    ) as client:
        sync = _Sync(company, plan(company), OktaApp(client, style))
        for phase, items, work in sync.phases():
            yield meter.progress(phase, 0, len(items), sync)
            done = 0
            async for _ in _each(items, sync.guarded(work), concurrency):
                done += 1
                yield meter.progress(phase, done, len(items), sync)
        seconds = meter.seconds
        requests, retries, latencies = len(meter.latencies), meter.retries, sorted(meter.latencies)
        steps = sync.checks()
        verdicts: list[Verdict] = []
        yield meter.progress("Check", 0, len(steps), sync)
        async for verdict in run(steps, client):
            verdicts.append(verdict)
            yield meter.progress("Check", len(verdicts), len(steps), sync)
    yield Summary(
        people=len(company.people),
        created=sync.created,
        linked=sync.linked,
        updated=sync.updated,
        deactivated=sync.deactivated,
        reactivated=sync.reactivated,
        groups=len(sync.groups),
        memberships=sum(len(sync.members[index]) for index in sync.groups),
        membership_changes=sync.membership_changes,
        requests=requests,
        retries=retries,
        seconds=seconds,
        rate=requests / seconds if seconds else 0.0,
        p50_ms=_quantile(latencies, 0.50),
        p99_ms=_quantile(latencies, 0.99),
        errors=tuple(sync.errors),
        checks=tuple(verdicts),
    )


_Work = Callable[[int], Awaitable[None]]


class _LeftOut(Exception):
    """This builds on somebody, or on a group, that the server refused."""


class _Known(dict[int, str]):
    """Index in the company → id on the server; raises ``_LeftOut`` for one that was refused."""

    def __missing__(self, index: int) -> str:
        raise _LeftOut


@dataclass(slots=True)
class _Meter:
    """Counts replies while they come in."""

    begin: float = field(default_factory=time.perf_counter)
    latencies: list[float] = field(default_factory=list)
    retries: int = 0

    def note(self, reply: Reply) -> None:
        self.latencies.append(reply.ms)
        self.retries += reply.attempts > 1

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.begin

    def progress(self, phase: str, done: int, total: int, sync: "_Sync") -> Progress:
        return Progress(phase, done, total, len(self.latencies), len(sync.errors), self.seconds)


class _Sync:
    """The work of each phase, and what is known meanwhile."""

    def __init__(self, company: Company, plan: Plan, app: OktaApp) -> None:
        self.company, self.plan, self.app = company, plan, app
        self.people = _Known()
        self.groups = _Known()
        self.members = {index: set(group.members) for index, group in enumerate(company.groups)}
        self.created = self.linked = self.updated = self.deactivated = self.reactivated = 0
        self.membership_changes = 0
        self.errors: list[str] = []

    def phases(self) -> Iterable[tuple[str, range | tuple[int, ...], _Work]]:
        people, groups = range(len(self.company.people)), range(len(self.company.groups))
        return (
            ("Test credentials", range(1), self._test),
            ("Import", range(1), self._import),
            ("Assign people", people, self._assign),
            ("Push groups", groups, self._push),
            ("Update profiles", tuple(self.plan.promoted), self._update),
            ("Deactivate", self.plan.leavers, self._deactivate),
            ("Reactivate", self.plan.returners, self._reactivate),
            ("Change memberships", range(len(self.plan.moves)), self._move),
        )

    def guarded(self, work: _Work) -> _Work:
        """The work, with a refusal noted instead of raised."""

        async def safe(item: int) -> None:
            try:
                await work(item)
            except Refused as refused:
                self.errors.append(str(refused))
            except _LeftOut:
                # Whoever could not be created was told already.
                return

        return safe

    def checks(self) -> tuple[Step, ...]:
        """Steps that read a sample back; those the plan touched come first."""
        away = set(self.plan.leavers).difference(self.plan.returners)
        touched = (*self.plan.leavers, *self.plan.promoted, *range(len(self.company.people)))
        moved = (*(move.group for move in self.plan.moves), *range(len(self.company.groups)))
        return (
            *(self._person(index, index not in away) for index in _sample(touched, self.people)),
            *(self._group(index) for index in _sample(moved, self.groups)),
        )

    def _user(self, index: int) -> dict[str, Any]:
        person = self.company.people[index]
        manager = None if person.manager is None else self.company.people[person.manager]
        user = messages.okta_user(person, manager)
        if index in self.plan.promoted and index in self.people:
            user["title"] = self.plan.promoted[index]
        return user

    def _member(self, index: int) -> dict[str, Any]:
        return messages.member(self.people[index], self.company.people[index].user_name)

    async def _test(self, item: int) -> None:
        await self.app.test_credentials()

    async def _import(self, item: int) -> None:
        for endpoint in ("/Users", "/Groups"):
            async for _ in self.app.walk(endpoint):
                pass

    async def _assign(self, index: int) -> None:
        assigned = await self.app.assign(self._user(index))
        self.people[index] = assigned.id
        self.linked += assigned.linked
        self.created += not assigned.linked

    async def _push(self, index: int) -> None:
        group = self.company.groups[index]
        id = self.groups[index] = await self.app.find_group(group.name) or await self.app.push_group(
            group.name
        )
        joining = [self._member(person) for person in group.members if person in self.people]
        if joining:
            await self.app.change_members(id, group.name, joining, add=joining)
        else:
            await self.app.push_now(id, group.name, ())
        self.membership_changes += len(joining)

    async def _update(self, index: int) -> None:
        person = self.company.people[index]
        department = {"department": person.department, "costCenter": f"{person.cost_center}-S"}
        changes = {"title": self.plan.promoted[index], urns.ENTERPRISE_USER: department}
        await self.app.update(self.people[index], changes)
        self.updated += 1

    async def _deactivate(self, index: int) -> None:
        await self.app.set_active(self.people[index], False)
        self.deactivated += 1

    async def _reactivate(self, index: int) -> None:
        id = await self.app.reassign(self._user(index))
        if id != self.people[index]:
            name = self.company.people[index].user_name
            self.errors.append(f"reactivate {name}: the id changed from {self.people[index]} to {id}")
        self.reactivated += 1

    async def _move(self, item: int) -> None:
        move = self.plan.moves[item]
        group, inside = self.company.groups[move.group], self.members[move.group]
        join = [person for person in move.join if person in self.people]
        after = inside.difference(move.leave).union(join)
        await self.app.change_members(
            self.groups[move.group],
            group.name,
            [self._member(person) for person in sorted(after) if person in self.people],
            add=[self._member(person) for person in join],
            remove=[self.people[person] for person in move.leave if person in self.people],
        )
        self.members[move.group] = after
        self.membership_changes += len(move.leave) + len(join)

    def _person(self, index: int, active: bool) -> Step:
        person, id = self.company.people[index], self.people[index]
        title = self.plan.promoted.get(index, person.title)
        looks: tuple[Check, ...] = (
            status(200),
            holds("id", value=id),
            holds("userName", value=person.user_name),
            holds("name", "familyName", value=person.family),
            holds("title", value=title),
            holds("active", value=active),
        )
        word = "as sent" if active else "inactive"
        return Step("Check", f"{person.display} is {word}", Request("GET", f"/Users/{id}"), looks)

    def _group(self, index: int) -> Step:
        group, id = self.company.groups[index], self.groups[index]
        ids = [self.people[person] for person in self.members[index] if person in self.people]
        looks = (status(200), holds("displayName", value=group.name), members(*ids))
        name = f"{group.name} has its {len(ids)} members"
        return Step("Check", name, Request("GET", f"/Groups/{id}"), looks)


async def _each(items: Iterable[int], work: _Work, at_once: int) -> AsyncIterator[None]:
    """Work on all items, so many at once; gives a value whenever one is done."""
    waiting = iter(items)
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            for item in islice(waiting, at_once - len(running)):
                running.add(asyncio.create_task(_as_coroutine(work, item)))
            if not running:
                return
            finished, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for task in finished:
                task.result()
                yield None
    finally:
        for task in running:
            task.cancel()


async def _as_coroutine(work: _Work, item: int) -> None:
    await work(item)


def _sample(wanted: Iterable[int], known: Mapping[int, str]) -> tuple[int, ...]:
    return tuple(islice((index for index in dict.fromkeys(wanted) if index in known), SAMPLE))


def _quantile(values: list[float], share: float) -> float:
    return values[min(len(values) - 1, int(len(values) * share))] if values else 0.0
