"""After a restore nothing that is told has a number that was told before.

Receivers know an event by its number, and numbers behind the last one that is known here were given out: the
directory's order goes on far behind them, and an event says that they are undone. Everybody logs in again.
"""

import sqlite3
from typing import Any, Final

import orjson

from rosterd.service.audit import Entry
from rosterd.service.events import NOBODY
from rosterd.store.entries import write_entry
from rosterd.store.queries import SQLITE

SPACE: Final = 1000
"""Numbers to a millisecond: more than a directory gives out, so that a moment's numbers were never used."""


def start_anew(last: int, at: int) -> int:
    """The number that a directory goes on from, whose newest one was ``last``."""
    return max(last, at * SPACE) + 1


def told(id: int, name: str, last: int, start: int, at: int, entry: Entry) -> tuple[Any, ...]:
    """The row of the event that says so."""
    data = orjson.dumps({"until": f"{id}-{last}"}).decode()
    return (id, start, "directory.restored", "Directory", name, at, NOBODY, entry.actor.request_id, data)


def begin_anew(connection: sqlite3.Connection, at: int, entry: Entry) -> None:
    """Leave the hole at a time (ms), in the transaction that is open, and write the entry."""
    for id, name, *_ in connection.execute(SQLITE["directories"]).fetchall():
        last, _ = connection.execute(SQLITE["feed_edges"], (id,)).fetchone()
        start = start_anew(last, at)
        connection.execute(SQLITE["begin_anew"], (id, last, start))
        connection.execute(SQLITE["append_event"], told(id, name, last, start, at, entry))
    connection.execute(SQLITE["end_all_sessions"])
    write_entry(connection, entry)
