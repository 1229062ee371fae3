"""Accounts by state and by the beginning of their name, in the memory store."""

import json
from collections.abc import Sequence
from typing import Any, Final

from rosterd.service.ports import Awaiting, Named, Stored
from rosterd.store.memory_search import State

_NAMES: Final = {"User": "userName", "Group": "displayName"}


def state_of(row: Stored) -> str:
    """``active``, ``inactive`` or ``deleted``."""
    if row.deleted is not None:
        return "deleted"
    return "inactive" if json.loads(row.document).get("active") is False else "active"


def accounts(state: State, kind: str, wanted: str, after: int) -> tuple[Stored, ...]:
    """All that follow; see ``Reader.accounts``."""
    rows = [r for r in state.rows.values() if r.kind == kind and r.seq > after and state_of(r) == wanted]
    return tuple(sorted(rows, key=lambda row: row.seq))


def awaiting(state: State, values: Sequence[str]) -> tuple[Awaiting, ...]:
    """See ``Reader.awaiting``."""
    found = [
        Awaiting(value, group, json.loads(state.rows[group].document).get("displayName"))
        for group, waiting in state.pending.items()
        for value in waiting
        if value in values
    ]
    return tuple(sorted(found, key=lambda one: (one.value, one.group)))


def newest(
    state: State, kind: str, wanted: str, connection: int | None, before: int | None
) -> tuple[Stored, ...]:
    """All that follow; see ``Reader.newest``."""
    rows = [
        row
        for row in state.rows.values()
        if row.kind == kind
        and state_of(row) == wanted
        and connection in (None, row.connection)
        and (before is None or row.seq < before)
    ]
    return tuple(sorted(rows, key=lambda row: -row.seq))


def named(
    state: State, kind: str, prefix: str, wanted: str | None, after: tuple[str, str], attribute: str | None
) -> tuple[Named, ...]:
    """All that follow; see ``Reader.named``."""
    keys = (attribute or _NAMES[kind]).split(".")
    found: list[Named] = []
    for row in state.live(kind):
        shown = row if wanted in (None, state_of(row)) else None
        values = _values(json.loads(row.document), keys)
        found += [
            Named(value, row.id, shown)
            for value in values
            if value.startswith(prefix) and (value, row.id) > after
        ]
    return tuple(sorted(found, key=lambda one: (one.value, one.id)))


def _values(node: Any, keys: Sequence[str]) -> set[str]:
    """The texts below these keys, folded."""
    if isinstance(node, list):
        return {value for element in node for value in _values(element, keys)}
    if not keys:
        return {node.casefold()} if isinstance(node, str) and node else set()
    return _values(node[keys[0]], keys[1:]) if isinstance(node, dict) and keys[0] in node else set()
