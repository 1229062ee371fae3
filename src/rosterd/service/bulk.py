"""Bulk (RFC 7644 §3.7): many units in few durable transactions, each operation in its own savepoint.

All operations of a request have one budget (``scim.effort``); a transaction ends early if it has done much.

Operations run in the order of their references. Where references go in a circle, the id of the
resource still to come is promised beforehand: a group's members are pending until it appears.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from rosterd.scim import bulk, errors
from rosterd.scim.effort import PORTION, Budget
from rosterd.scim.render import etag
from rosterd.scim.schema import ResourceType
from rosterd.service.caller import WRITE, Caller
from rosterd.service.commands import Commands, Unit
from rosterd.service.connections import Outdated, Refusal
from rosterd.service.ports import OutcomeUnknown, Store, StoreUnavailable, Writer
from rosterd.service.view import location

MAX_OPERATIONS: Final = 1000
CHUNK: Final = 100
"""Operations per transaction, at most: enough to share an fsync, few enough for others to get a turn."""


@dataclass(slots=True)
class _Run:
    """How far a bulk request has come. Chunks copy it, because the store may run one again."""

    ids: dict[str, str] = field(default_factory=dict)
    """bulkId → id of what it made, or of what is promised under it."""
    failed: set[str] = field(default_factory=set)
    results: dict[int, dict[str, object]] = field(default_factory=dict)
    """By place in the request."""
    faults: int = 0
    done: int = 0
    """Turns."""
    budget: Budget = field(default_factory=Budget)

    def copy(self) -> "_Run":
        """For a transaction of its own."""
        budget = replace(self.budget, operation=0, turn=0)
        return _Run(dict(self.ids), set(self.failed), dict(self.results), self.faults, self.done, budget)


class Bulk:
    """Runs bulk requests."""

    def __init__(self, store: Store, commands: Commands, new_id: Callable[[], str]) -> None:
        self._store = store
        self._commands = commands
        self._new_id = new_id

    async def run(
        self, caller: Caller, body: Any, renewed: Callable[[Caller], Awaitable[Caller]]
    ) -> list[dict[str, object]]:
        """The results in the order of the request; operations after too many errors are left out.

        ``renewed`` gives the caller with the directory's schemas as they are now, and is asked if these have
        changed since. Raises for a message that is no bulk request at all, or too large a one, and
        ``StoreUnavailable`` if nothing was done; if it was in part, each operation tells what came of it.
        """
        request = bulk.parse(body, max_operations=MAX_OPERATIONS)
        run = _Run()
        for refused in request.operations:
            if isinstance(refused, bulk.Refused):
                run = self._failed(run, refused, refused.error)
        sound = [o for o in request.operations if isinstance(o, bulk.BulkOperation)]
        turns = bulk.order(sound)
        limit = request.fail_on_errors or len(request.operations) + 1
        while (start := run.done) < len(turns) and run.faults < limit:
            chunk = turns[start : start + CHUNK]
            try:
                try:
                    run = await self._store.write(caller.directory.id, self._chunk(caller, chunk, run, limit))
                except Outdated:
                    caller = await renewed(caller)
                    run = await self._last_try(caller, chunk, run, limit)
            except StoreUnavailable as error:
                later = turns[start + CHUNK :]
                if not start and not (later and isinstance(error, OutcomeUnknown)):
                    raise  # it is so for the whole request
                run = self._cut_off(run, chunk, error.told)
                run = self._cut_off(run, later, StoreUnavailable.told)
                break
        return [run.results[index] for index in sorted(run.results)]

    def _cut_off(self, run: _Run, turns: Sequence[bulk.Turn], detail: str) -> _Run:
        """The store went away in the middle: what was done before stays, and is told."""
        for turn in turns:
            run = self._failed(run, turn.operation, errors.Unavailable(detail))
        return run

    async def _last_try(self, caller: Caller, chunk: Sequence[bulk.Turn], run: _Run, limit: int) -> _Run:
        try:
            return await self._store.write(caller.directory.id, self._chunk(caller, chunk, run, limit))
        except Outdated as error:
            for turn in chunk:
                run = self._failed(run, turn.operation, error)
            run.done += len(chunk)
            return run

    def _chunk(
        self, caller: Caller, chunk: Sequence[bulk.Turn], before: _Run, limit: int
    ) -> Callable[[Writer], Awaitable[_Run]]:
        async def work(tx: Writer) -> _Run:
            run = before.copy()
            asker = replace(caller, budget=run.budget)
            for turn in chunk:
                if run.faults >= limit or run.budget.turn >= PORTION:
                    break
                for name in turn.unresolved:
                    run.ids.setdefault(name, self._new_id())
                run = await self._one(tx, asker, turn.operation, run)
                run.budget.settle()
                run.done += 1
            return run

        return work

    async def _one(self, tx: Writer, caller: Caller, operation: bulk.BulkOperation, run: _Run) -> _Run:
        try:
            resource_type, unit = self._unit(caller, operation, run)
            async with tx.savepoint():
                view = await unit(tx)
            if isinstance(view, Refusal):
                return self._failed(run, operation, view.error)
        except Outdated:  # which holds for the whole chunk
            raise
        except errors.ScimError as error:
            return self._failed(run, operation, error)
        if operation.method == "POST" and operation.bulk_id:
            run.ids[operation.bulk_id] = view.row.id
        gone = operation.method == "DELETE"
        run.results[operation.index] = bulk.operation_result(
            operation.method,
            {"POST": 201, "DELETE": 204}.get(operation.method, 200),
            bulk_id=operation.bulk_id,
            location=location(caller.base_url, resource_type, view.row.id),
            version=None if gone else etag(view.row.version),
        )
        return run

    def _failed(
        self, run: _Run, operation: bulk.BulkOperation | bulk.Refused, error: errors.ScimError
    ) -> _Run:
        if operation.bulk_id and operation.method == "POST":
            run.failed.add(operation.bulk_id)
        run.results[operation.index] = bulk.operation_result(
            operation.method, error.status, bulk_id=operation.bulk_id, error=error
        )
        run.faults += 1
        return run

    def _unit(self, caller: Caller, operation: bulk.BulkOperation, run: _Run) -> tuple[ResourceType, Unit]:
        resource_type = caller.model.by_endpoint.get(operation.endpoint.casefold())
        if resource_type is None:
            raise errors.InvalidPath(f"path: this directory has no endpoint '/{operation.endpoint}'.")
        caller.require(WRITE, resource_type.name)
        for name in operation.references:
            if name in run.failed:
                raise bulk.failed_reference(name)
        data: Any = operation.data
        id = operation.id or ""
        if operation.references:
            data, id = bulk.substitute(data, run.ids), str(bulk.substitute(id, run.ids))
        if operation.method == "POST":
            promised = run.ids.get(operation.bulk_id or "")
            return resource_type, self._commands.create(caller, resource_type, data, promised)
        if operation.method == "PUT":
            return resource_type, self._commands.replace(caller, resource_type, id, data, operation.version)
        if operation.method == "PATCH":
            return resource_type, self._commands.patch(caller, resource_type, id, data, operation.version)
        return resource_type, self._commands.delete(caller, resource_type, id, operation.version)
