"""How a resource goes, whoever wants it: out of its groups, its members told, then retained or erased.

What is erased leaves traces behind, in events and in the request log; they are owed (``service.erasure``).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from rosterd.scim.effort import Budget
from rosterd.scim.index import index
from rosterd.scim.membership import has_members
from rosterd.scim.schema import ResourceType
from rosterd.service import changes
from rosterd.service.events import Cause
from rosterd.service.groups import Groups
from rosterd.service.past import Owed
from rosterd.service.ports import Stored, Writer

_NAMES: Final = ("userName", "displayName", "nickName", "externalId")
PORTION: Final = 500
"""Events that are read at a time."""
_MULTI: Final = ("emails", "phoneNumbers", "ims")


async def retire(
    tx: Writer, cause: Cause, resource_type: ResourceType, row: Stored, at: int, former: Stored | None = None,
    budget: Budget | None = None,
) -> None:  # fmt: skip
    """The live resource is deleted and retained, as ``former`` if that is given."""
    stored = orjson.loads(row.document)
    before = {k: stored[k] for k in ("userName", "displayName") if k in stored}
    if row.external_id is not None:
        before["externalId"] = row.external_id
    await _leave(tx, cause, resource_type, row, at, budget)
    await tx.retain(former or row, index(stored, resource_type), at)
    await _told(tx, cause, resource_type, row, at, before)


async def remove(
    tx: Writer, cause: Cause, resource_type: ResourceType, row: Stored, at: int, budget: Budget | None = None
) -> None:
    """The live or retained resource is gone for good; the rest of its erasure is owed."""
    if row.deleted is None:
        await _leave(tx, cause, resource_type, row, at, budget)
    await tx.erase(row.kind, row.id)
    name = index(orjson.loads(row.document), resource_type).search.get("userName")
    if isinstance(name, str) and await tx.adopted(name) == row.id:
        await tx.claimed(name)
    if row.deleted is None:
        await _told(tx, cause, resource_type, row, at, {})
    known, keys = await _names_ever(tx, row)
    await tx.drop_pending([row.id, *sorted(known - keys)])
    await tx.drop_pending(sorted(known & keys), row.connection)  # another connection means another by them
    found = tuple(sorted(known))
    await tx.owe(Owed(row.kind, row.id, row.connection, cause.request_id, found, await tx.last()))


async def _names_ever(tx: Writer, row: Stored) -> tuple[set[str], set[str]]:
    """The names that it has, or had as its events tell; and which of them were its externalIds only."""
    documents: list[Mapping[str, Any]] = [{**orjson.loads(row.document), "externalId": row.external_id}]
    after = 0
    while page := await tx.story(row.kind, row.id, 0, after, PORTION):
        for each in page:
            documents += [each.event.data.get(part) or {} for part in ("before", "after")]
        after = page[-1].seq
    others = {name for one in documents for name in names({**one, "externalId": None})}
    known = {name for one in documents for name in names(one)}
    return known, known - others


def names(document: Mapping[str, Any]) -> Iterator[str]:
    """The values in a document by which others may speak of who it is about."""
    formatted = document.get("name")
    single = [document.get(name) for name in _NAMES]
    if isinstance(formatted, Mapping):
        single.append(formatted.get("formatted"))
    for name in _MULTI:
        values = document.get(name)
        if isinstance(values, list):
            single += [value.get("value") for value in values if isinstance(value, Mapping)]
    yield from (value for value in single if isinstance(value, str) and value)


async def _leave(
    tx: Writer, cause: Cause, resource_type: ResourceType, row: Stored, at: int, budget: Budget | None
) -> None:
    groups = Groups()
    await groups.leave(tx, cause, row, at, budget)
    if has_members(resource_type):
        await groups.dissolve(tx, cause, row, at, budget)


async def _told(
    tx: Writer, cause: Cause, resource_type: ResourceType, row: Stored, at: int, before: Mapping[str, Any]
) -> None:
    type = f"{changes.noun(resource_type)}.deleted"
    await tx.append(cause.event(type, row.kind, row.id, at, {"before": before, "after": {}}))
