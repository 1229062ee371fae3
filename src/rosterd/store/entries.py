"""How an entry of the audit log is written in a row, in whatever transaction it is of, and read back."""

import sqlite3
from collections.abc import Sequence
from typing import Any

import orjson

from rosterd.scim import errors
from rosterd.service.audit import Actor, Entry, StoredEntry
from rosterd.store.queries import SQLITE


def entry_row(entry: Entry) -> tuple[Any, ...]:
    """An entry as the columns of its row."""
    actor = entry.actor
    data = orjson.dumps({"before": entry.before, "after": entry.after}).decode()
    return (
        entry.directory, entry.at, actor.kind, actor.name, actor.id, actor.address, actor.request_id,
        entry.action, entry.target, data,
    )  # fmt: skip


def deleted() -> errors.NotFound:
    """The error of a change of a directory that was deleted before it could be made."""
    return errors.NotFound("The directory was deleted meanwhile. Nothing was changed.")


def write_entry(connection: sqlite3.Connection, entry: Entry, *, gone: bool = False) -> None:
    """Write an entry in the transaction that is open.

    Raises ``NotFound`` if its directory was deleted, so that nothing is changed of one, unless it may be
    ``gone``.
    """
    looks = entry.directory is not None and not gone
    if looks and connection.execute(SQLITE["is_removed"], (entry.directory,)).fetchone():
        raise deleted()
    connection.execute(SQLITE["insert_audit"], entry_row(entry))


def entry_of(row: Sequence[Any]) -> StoredEntry:
    """An entry from a row of its columns."""
    seq, directory, at, kind, name, id, address, request_id, action, target, data = row
    actor = Actor(kind, name, id, address, request_id)
    return StoredEntry(seq, Entry(actor, at, action, target, directory, **orjson.loads(data)))
