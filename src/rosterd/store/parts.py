"""SQLite's index of parts of texts: changes are noted with the change, and put into the index behind it.

A search asks the index and looks at what is still due besides, so it finds what was committed a moment ago.
The index only narrows: the filter itself is applied to what comes out of it.
"""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from rosterd.scim.index import SEARCHED
from rosterd.store.queries import SQLITE
from rosterd.store.rows import MOST

PORTION: Final = 500
PORTION_TEXT: Final = 65_536
"""Characters that go out of the index or into it in one transaction, some 30 ms; one resource always."""
MERGED: Final = 64
"""Pages of the index that are written anew in one transaction, which takes some 10 ms."""
MOST_LEVELS: Final = 1000
"""To merge all there is makes the index a level or two deeper for good; SQLite takes none of above 2,000."""
_COOKIE: Final = 4
_SECOND_FORM: Final = b"\xff\x00\x00\x01"
_FLAT: Final = bytes(3)
"""No levels, no segments, and nothing written."""
PROBED: Final = 5000
"""As many resources as the index may name; looking at more of them one by one costs more than it spares."""

TRIGRAM: Final = 3
_MOST: Final = 8


@dataclass(frozen=True, slots=True)
class Together:
    """All of these are among the texts of a resource."""

    parts: "tuple[Parts, ...]"


@dataclass(frozen=True, slots=True)
class Either:
    """One of these is."""

    parts: "tuple[Parts, ...]"


Parts = str | Together | Either
"""Parts of folded texts that a search asks for, each of at least ``TRIGRAM`` characters."""


def parts_text(search: Mapping[str, Any]) -> str | None:
    """What the index has of a folded document: its searched texts, each once."""
    return _longer("", map(search.get, SEARCHED)) or None


def has_same_parts(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the index has the same of two folded documents, as the same is searched, in the same order."""
    searched, others = list(map(one.get, SEARCHED)), list(map(other.get, SEARCHED))
    return searched == others and orjson.dumps(searched) == orjson.dumps(others)


def parts_question(parts: Parts) -> str:
    """What to ask the index, in FTS5's words."""
    if not isinstance(parts, str):
        word = " AND " if isinstance(parts, Together) else " OR "
        return f"({word.join(map(parts_question, parts.parts))})"
    last = len(parts) - TRIGRAM
    places = (*range(0, last, TRIGRAM)[:_MOST], last)  # side by side; more hardly narrow it further
    quoted = (parts[n : n + TRIGRAM].replace('"', '""') for n in places)
    return "({})".format(" AND ".join(f'"{part}"' for part in quoted))


def index_portion(connection: sqlite3.Connection) -> bool:
    """Put a portion of what is due into the index, in a transaction of its own; whether more may be due."""
    if _end(connection, 1) is None:
        return False
    connection.execute("BEGIN IMMEDIATE")
    try:
        more = put_portion(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return more


def put_portion(connection: sqlite3.Connection) -> bool:
    """The same in the transaction that is open."""
    end = _end(connection, PORTION)
    if end is None:
        return False
    for name in ("drop_parts", "put_parts", "pay_parts"):
        connection.execute(SQLITE[name], end)
    return _end(connection, 1) is not None


def _end(connection: sqlite3.Connection, most: int) -> Any:
    """The directory and ``seq`` that a portion of ``most`` resources ends with, if anything is due."""
    return connection.execute(SQLITE["parts_portion"], (most, PORTION_TEXT)).fetchone()


def merge_portion(connection: sqlite3.Connection, pages: int) -> bool:
    """Write so many pages of the index anew, as one without what was taken out; whether there may be more.

    What is taken out is only marked so in the index until then. A number below zero begins with all there is.
    """
    before = connection.total_changes
    connection.execute(SQLITE["merge_parts"], (pages,))
    return connection.total_changes - before > 1


def renew_worn(connection: sqlite3.Connection) -> bool:
    """Begin the index anew if it has become too deep, in the transaction that is open; whether it was.

    All that lives is due then, also of deleted directories, until it is taken away. So an erasure in several
    hundreds takes longer, and no other.
    """
    record = _structure(connection)
    if _levels(record) < MOST_LEVELS:
        return False
    connection.execute(SQLITE["flatten_parts"], (record[:_COOKIE] + _FLAT,))
    connection.execute(SQLITE["clear_parts"])
    connection.execute(SQLITE["pay_parts"], (MOST, MOST))
    for directory, *_ in connection.execute(SQLITE["every_directory"]).fetchall():
        live = connection.execute(SQLITE["live_searches"], (directory,))
        texts = ((directory, seq, None, parts_text(orjson.loads(search))) for seq, search in live)
        connection.executemany(SQLITE["owe_parts"], (row for row in texts if row[-1] is not None))
    return True


def _structure(connection: sqlite3.Connection) -> bytes:
    """The structure record of the index."""
    record: bytes = connection.execute(SQLITE["parts_structure"]).fetchone()[0]
    return record


def _levels(record: bytes) -> int:
    """How deep the index is, by its structure record (fts5_index.c, "STRUCTURE RECORD").

    A cookie of 4 bytes, in some releases of SQLite 4 more that tell so, and then a varint, of which each byte
    has 7 bits, those of most weight first, and says by its highest bit whether another one follows.
    """
    form = record[_COOKIE : _COOKIE + len(_SECOND_FORM)]
    levels = 0
    for byte in record[_COOKIE + (len(form) if form == _SECOND_FORM else 0) :]:
        levels = levels << 7 | byte & 0x7F
        if byte < 0x80:
            break
    return levels


def _longer(text: str, values: Iterable[Any]) -> str:
    """A text with those among the values that it lacks, each in a line."""
    for value in values:
        kind = value.__class__
        if kind is str:
            if value not in text:
                text = f"{text}\n{value}"
        elif kind is dict:
            text = _longer(text, value.values())
        elif kind is list:
            text = _longer(text, value)
    return text
