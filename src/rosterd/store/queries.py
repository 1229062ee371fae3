"""SQL lives in ``.sql`` files, one a subject; here its statements get their names. Read once, at import.

-- name: get_resource
-- One sentence about it.
SELECT …;
"""

import re
from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Final

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


def sqlite_file(name: str) -> str:
    """The text of one of SQLite's ``.sql`` files."""
    return files("rosterd.store").joinpath("sql", "sqlite", name).read_text("utf-8")


def _all() -> Mapping[str, str]:
    """The statements of every file in ``queries``. Raises ``ValueError`` for a name given twice."""
    folder = files("rosterd.store").joinpath("sql", "sqlite", "queries")
    texts = [file.read_text("utf-8") for file in sorted(folder.iterdir(), key=lambda file: file.name)]
    return load("\n".join(texts))


SQLITE: Final = _all()
