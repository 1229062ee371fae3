"""SQLite's index of parts of texts: changes are noted with the change, and put into the index behind it.

A search asks the index and looks at what is still due besides, so it finds what was committed a moment ago.
The index only narrows: the filter itself is applied to what comes out of it.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rosterd.store.queries import SQLITE

SEARCHED: Final = ("userName", "displayName", "name", "emails")
"""The attributes whose texts are in it, those of their sub-attributes included."""

PORTION: Final = 500
TRIGRAM: Final = 3
MOST: Final = 16
"""So many parts of a text are asked for; more hardly narrow it further."""


def parts_text(search: Mapping[str, Any]) -> str | None:
    """What the index has of a folded document: its searched texts, each once."""
    text = ""
    for name in SEARCHED:
        if name in search:
            for value in _texts(search[name]):
                if value not in text:
                    text += f"\n{value}"
    return text or None


def parts_question(literal: str) -> str:
    """What to ask the index for texts with a part of at least three characters, in FTS5's words."""
    parts = dict.fromkeys(literal[n : n + TRIGRAM] for n in range(len(literal) - TRIGRAM + 1))
    return " AND ".join('"{}"'.format(part.replace('"', '""')) for part in list(parts)[:MOST])


def index_portion(connection: sqlite3.Connection) -> bool:
    """Put a portion of what is due into the index, in a transaction; whether more may be due."""
    end = connection.execute(SQLITE["parts_portion"], (PORTION,)).fetchone()
    if end is None:
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        for name in ("drop_parts", "put_parts", "pay_parts"):
            connection.execute(SQLITE[name], end)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return True


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
