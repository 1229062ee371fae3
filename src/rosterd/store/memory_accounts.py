"""Accounts by state and by the beginning of their name, in the memory store."""

import json
from typing import Final

from rosterd.service.ports import Named, Stored
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


def named(
    state: State, kind: str, prefix: str, wanted: str | None, after: tuple[str, str]
) -> tuple[Named, ...]:
    """All that follow; see ``Reader.named``."""
    found = []
    for row in state.live(kind):
        name = str(json.loads(row.document).get(_NAMES[kind], "")).casefold()
        if name and name.startswith(prefix) and (name, row.id) > after:
            found.append(Named(name, row.id, row if wanted in (None, state_of(row)) else None))
    return tuple(sorted(found, key=lambda one: (one.value, one.id)))
