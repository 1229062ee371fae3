"""SQL lives in ``.sql`` files, one a subject; here its statements get their names. Read once, at import.

-- name: get_resource
-- One sentence about it.
SELECT …;
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

_ROW: Final = re.compile(r"(VALUES |WHERE )(\([^()]*\?[^()]*\))")
_STATEMENT: Final = re.compile(r"^-- name: (\w+)\n(-- .+\n)+((?:(?!--).*\n)+)", re.M)


def load(text: str) -> Mapping[str, str]:
    """The statements of a file by name. Raises ``ValueError`` if one has no sentence or is not alone."""
    found: dict[str, str] = {}
    for match in _STATEMENT.finditer(text):
        name, statement = match[1], match[3].strip()
        if name in found or not statement.endswith(";") or ";" in statement[:-1]:
            raise ValueError(f"query {name}: there must be one, ended by one semicolon")
        found[name] = statement
    if len(found) != text.count("-- name:"):
        raise ValueError("a query has no name, no sentence or no statement")
    return MappingProxyType(found)


def schema(engine: str) -> str:
    """The text that makes the tables of an engine's new file."""
    return files("rosterd.store").joinpath("sql", engine, "schema.sql").read_text("utf-8")


def own(engine: str) -> Mapping[str, str]:
    """The statements of an engine's files. Raises ``ValueError`` for a name given twice."""
    folder = files("rosterd.store").joinpath("sql", engine, "queries")
    texts = [file.read_text("utf-8") for file in sorted(folder.iterdir(), key=lambda file: file.name)]
    return load("\n".join(texts))


@cache
def of_rows(name: str, count: int) -> str:
    """One of SQLite's statements that write a row of parameters, for so many rows.

    The row is ``VALUES (?1, …)``, or what is written is ``WHERE (column = ?1 AND …)``. If a row cannot be
    written, those before it are, for somebody else to undo: SQLite would copy each page before it changes it.
    """
    if count == 1:
        return SQLITE[name]
    head, word, row, tail = _ROW.split(SQLITE[name])
    glue = ", " if word == "VALUES " else " OR "
    head = re.sub(r"^(INSERT|UPDATE)", r"\1 OR FAIL", head)
    return head + word + glue.join([re.sub(r"\?\d+", "?", row)] * count) + tail


def _translated(statements: Mapping[str, str]) -> dict[str, str]:
    """Statements as PostgreSQL numbers their parameters."""
    return {name: re.sub(r"\?(\d+)", r"$\1", statement) for name, statement in statements.items()}


SQLITE: Final = own("sqlite")
WALKS: Final = own("walks")
"""Those of the file of bookmarks that workers on SQLite share."""
POSTGRES: Final = MappingProxyType({**_translated({**SQLITE, **WALKS}), **own("postgres")})
"""SQLite's statements, but for those that PostgreSQL says otherwise or has for itself."""
