"""Bulk: one faulty operation fails by itself, and an operation waits for what its bulkIds refer to.

Pure planning only: what the operations do is for the use cases. Source: RFC 7644 §3.7.

    parse        message → one entry for each operation, in the order of the request
    order        operations → turns: dependencies first, else as requested; circles are cut
    references   path and data → bulkIds that an operation names, also in paths inside a PATCH
    substitute   the same places, with the ids that were assigned

A circle (two new groups that are members of each other, §3.7.1) is cut at its first operation in the
request, whose turn names the bulkIds that get their resource only later: the use case promises ids.
"""

import heapq
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from rosterd.scim import urns
from rosterd.scim.errors import Conflict, InvalidSyntax, InvalidValue, PayloadTooLarge, ScimError
from rosterd.scim.message import json_type, members, message

METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")
MAX_DEPTH: Final = 32
"""Levels of lists and objects in ``data``; a resource or PATCH has less than ten."""

_PREFIX: Final = "bulkid:"
# A reference as the literal of a filter, as in: members[value eq "bulkId:ytrewq"]
_IN_PATH: Final = re.compile(r'"bulkId:([^"\\]+)"', re.I)


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """An operation that is well-formed. ``data`` is a JSON object, ``None`` for DELETE."""

    index: int
    """Its place in the request, from 0."""
    method: str
    """POST, PUT, PATCH or DELETE."""
    path: str
    endpoint: str
    """The first segment of the path, e.g. ``Users``."""
    id: str | None
    """The second segment: a resource id or ``bulkId:…``; ``None`` for POST."""
    bulk_id: str | None
    version: str | None
    data: Mapping[str, object] | None
    references: frozenset[str] = field(default=frozenset(), compare=False)
    """The bulkIds (without ``bulkId:``) that it names in its path or anywhere in its data."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An operation that is not well-formed, with what its result needs."""

    index: int
    method: str | None
    bulk_id: str | None
    error: ScimError


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A BulkRequest message."""

    operations: tuple[BulkOperation | Refused, ...]
    fail_on_errors: int | None
    """Stop after this many errors; ``None``: never."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One operation in the order of execution."""

    operation: BulkOperation
    unresolved: frozenset[str] = frozenset()
    """Its bulkIds whose resource comes only later, as they are part of a circle."""


def parse(body: object, *, max_operations: int) -> BulkRequest:
    """Read a BulkRequest message.

    Raises ``InvalidSyntax`` or ``InvalidValue`` if the message as a whole is not valid, and
    ``PayloadTooLarge`` if it has too many operations (§3.7.4).
    """
    given = message(body, urns.BULK_REQUEST)
    operations = given.get("operations")
    if not isinstance(operations, list):
        raise InvalidSyntax(f"'Operations' must be a list, not {json_type(operations)}")
    if len(operations) > max_operations:
        raise PayloadTooLarge(
            f"The bulk message has {len(operations)} operations; at most {max_operations} are accepted. "
            "Send it in parts."
        )
    limit = given.get("failonerrors")
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise InvalidValue("'failOnErrors' must be an integer of at least 1")
    entries: list[BulkOperation | Refused] = []
    taken: set[str] = set()
    for index, data in enumerate(operations):
        entry = _entry(index, data, taken)
        if isinstance(entry, BulkOperation) and entry.method == "POST" and entry.bulk_id:
            taken.add(entry.bulk_id)
        entries.append(entry)
    return BulkRequest(tuple(_with_known_references(entry, taken) for entry in entries), limit)


def _entry(index: int, data: object, taken: Collection[str]) -> BulkOperation | Refused:
    where = f"operation {index + 1}"
    method: str | None = None
    bulk_id: str | None = None
    try:
        given = members(data, where)
        method = (_string(given, "method", where) or "").upper()
        bulk_id = _string(given, "bulkId", where)
        if method not in METHODS:
            raise InvalidValue(f"{where}: 'method' must be one of {', '.join(METHODS)}")
        path = _string(given, "path", where)
        endpoint, id = _target(path, method, where)
        if method == "POST" and not bulk_id:
            raise InvalidValue(f"{where}: a POST needs a 'bulkId', unique in the message")
        if method == "POST" and bulk_id in taken:
            raise InvalidValue(f"{where}: the bulkId '{bulk_id}' is that of an earlier POST operation")
        version = _string(given, "version", where)
        body = None if method == "DELETE" else _data(given.get("data"), method, where)
        named = references(id, body, where)
        return BulkOperation(index, method, path or "", endpoint, id, bulk_id, version, body, named)
    except ScimError as error:
        return Refused(index, method or None, bulk_id, error)


def _string(given: Mapping[str, object], name: str, where: str) -> str | None:
    value = given.get(name.casefold())
    if value is None or isinstance(value, str):
        return value
    raise InvalidSyntax(f"{where}: '{name}' must be a string, not {json_type(value)}")


def _target(path: str | None, method: str, where: str) -> tuple[str, str | None]:
    """Endpoint and id of a path such as ``/Users/2819c223``; slashes may be doubled or missing."""
    parts = [unquote(part) for part in (path or "").split("/") if part]
    wanted = 1 if method == "POST" else 2
    if len(parts) != wanted or "?" in (path or ""):
        example = "/Users" if wanted == 1 else "/Users/{id}"
        raise InvalidValue(f"{where}: the 'path' of a {method} must be like '{example}'")
    return parts[0], parts[1] if wanted == 2 else None


def _data(data: object, method: str, where: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise InvalidValue(f"{where}: a {method} needs 'data', a JSON object, not {json_type(data)}")
    return data


def _with_known_references(entry: BulkOperation | Refused, taken: Collection[str]) -> BulkOperation | Refused:
    if isinstance(entry, Refused):
        return entry
    unknown = sorted(entry.references.difference(taken))
    if not unknown:
        return entry
    error = InvalidValue(
        f"operation {entry.index + 1} refers to the bulkId '{unknown[0]}', "
        "but no valid POST operation of this message has it"
    )
    return Refused(entry.index, entry.method, entry.bulk_id, error)


def failed_reference(bulk_id: str) -> Conflict:
    """The error of an operation that refers to a resource whose POST failed or was not run."""
    return Conflict(f"The operation refers to the bulkId '{bulk_id}', whose resource could not be created")


def references(
    id: str | None, data: Mapping[str, object] | None, where: str = "the operation"
) -> frozenset[str]:
    """What is named in a path, in data, and in filters of paths inside a PATCH.

    Raises ``InvalidValue`` for data that is nested too deep.
    """
    found: set[str] = set()
    if id and (bulk_id := _bulk_id(id)):
        found.add(bulk_id)
    level: list[Any] = [] if data is None else [data]
    for _ in range(MAX_DEPTH):  # all of a large message comes this way: few calls, and no generators
        inner: list[Any] = []
        texts: list[str] = []
        for node in level:
            if node.__class__ is dict:
                for name, item in node.items():
                    if item.__class__ is str and name.casefold() == "path":
                        found.update(_IN_PATH.findall(item))
                node = node.values()
            for item in node:
                kind = item.__class__
                if kind is dict or kind is list:
                    inner.append(item)
                elif kind is str and item[:1] in "bB":
                    texts.append(item)
        found.update(filter(None, map(_bulk_id, texts)))
        if not inner:
            return frozenset(found)
        level = inner
    raise InvalidValue(f"{where}: 'data' is nested more than {MAX_DEPTH} deep")


def _bulk_id(text: str) -> str | None:
    if text[: len(_PREFIX)].casefold() == _PREFIX:
        return text[len(_PREFIX) :] or None
    return None


def order(operations: Sequence[BulkOperation]) -> tuple[Turn, ...]:
    """The operations so that a POST comes before what refers to it.

    Operations that do not depend on each other keep their order, and so do those on one resource.
    """
    waits = _dependencies(operations)
    needs = {index: set(others) for index, others in waits.items()}
    followers: dict[int, list[int]] = {index: [] for index in waits}
    for index, others in waits.items():
        for other in others:
            followers[other].append(index)
    by_index = {operation.index: operation for operation in operations}
    ready = [index for index, others in needs.items() if not others]
    heapq.heapify(ready)
    turns: list[Turn] = []
    while needs:
        index = heapq.heappop(ready) if ready else _in_circle(needs)
        unmet = needs.pop(index)
        cut = {by_index[other].bulk_id or "" for other in unmet} & by_index[index].references
        turns.append(Turn(by_index[index], frozenset(cut)))
        for follower in followers[index]:
            if follower in needs:
                needs[follower].discard(index)
                if not needs[follower]:
                    heapq.heappush(ready, follower)
    return tuple(turns)


def _dependencies(operations: Sequence[BulkOperation]) -> dict[int, set[int]]:
    """Index → the indices of the operations that must come before."""
    makers = {op.bulk_id: op.index for op in operations if op.method == "POST"}
    last: dict[tuple[str, str], int] = {}
    waits: dict[int, set[int]] = {}
    for operation in operations:
        before = {makers[name] for name in operation.references if name in makers}
        if operation.id is not None:
            resource = (operation.endpoint.casefold(), operation.id)
            if resource in last:
                before.add(last[resource])
            last[resource] = operation.index
        # A resource that refers to itself waits for nobody, and is a circle of one.
        waits[operation.index] = before
    return waits


def _in_circle(needs: Mapping[int, Collection[int]]) -> int:
    """The first operation of a circle; there is one, as every operation left waits for another."""
    walk: dict[int, None] = {}
    index = min(needs)
    while index not in walk:
        walk[index] = None
        index = min(needs[index])
    steps = list(walk)
    return min(steps[steps.index(index) :])


def substitute(value: object, ids: Mapping[str, str]) -> object:
    """A copy of JSON data with each ``"bulkId:x"`` replaced by ``ids["x"]``; unknown ones stay."""
    return _substitute(value, ids, "")


def _substitute(value: object, ids: Mapping[str, str], key: str) -> object:
    if isinstance(value, str):
        if bulk_id := _bulk_id(value):
            return ids.get(bulk_id, value)
        if key == "path":
            return _IN_PATH.sub(
                lambda found: json.dumps(ids[found[1]]) if found[1] in ids else found[0], value
            )
        return value
    if isinstance(value, Mapping):
        return {name: _substitute(item, ids, name.casefold()) for name, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, ids, "") for item in value]
    return value


def operation_result(
    method: str | None,
    status: int,
    *,
    bulk_id: str | None = None,
    location: str | None = None,
    version: str | None = None,
    error: ScimError | None = None,
) -> dict[str, object]:
    """One element of ``Operations`` in a BulkResponse; ``response`` is there for an error only (§3.7.3)."""
    result = {
        "location": location,
        "method": method,
        "bulkId": bulk_id,
        "version": version,
        "status": str(status),
        "response": error.to_json() if error else None,
    }
    return {key: value for key, value in result.items() if value is not None}


def bulk_response(results: Sequence[object]) -> dict[str, object]:
    """A BulkResponse message."""
    return {"schemas": [urns.BULK_RESPONSE], "Operations": results}
