"""SQL is in .sql files by name, or put together in one place; nothing forgets the directory."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rosterd.store.queries import SQLITE

PACKAGE = Path(__file__).parents[2] / "src" / "rosterd"
STORE = PACKAGE / "store"
SOURCES = sorted(PACKAGE.rglob("*.py"))

# The modules that put statements together, from templates that are literals and bound parameters.
ASSEMBLERS = {
    f"store/{name}.py"
    for name in ("compile", "dialect", "dialect_postgres", "fragment", "listing", "portable")
}
# What must work on a file that has no tables of ours, or older ones; and what reads the files that make them.
BOOTSTRAP = {"store/migrate.py", "store/postgres_migrate.py", "store/steps.py"}

STATEMENT = re.compile(
    r"\b(?:SELECT\s.+\sFROM|INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|(?:CREATE|DROP|ALTER)\s+(?:TABLE|INDEX|TRIGGER))\b",
    re.S,
)
SQL_WORD = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|WHERE|ATTACH|VACUUM|LIMIT|ORDER BY)\b")

# Tables of a directory's data. A statement that names one must say which directory it means.
SCOPED = (
    "resource",
    "unique_value",
    "parts_due",
    "attribute_value",
    "member",
    "pending_member",
    "event",
    "counter",
    "fuse_window",
    "adoption",
    "mapping",
    "projection",
    "webhook_line",
    "webhook_dead",
    "set_ack",
    "erasure",
    "request",
    "request_hour",
)


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every string that is not a docstring."""
    prose = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


@pytest.mark.parametrize("path", [p for p in SOURCES if name(p) not in ASSEMBLERS | BOOTSTRAP], ids=name)
def test_no_statement_outside_sql_files(path: Path) -> None:
    tree = ast.parse(path.read_text())
    found = [f"line {s.lineno}" for s in strings(tree) if STATEMENT.search(s.value)]
    found += [
        f"line {node.lineno}: an f-string"
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) and SQL_WORD.search(ast.unparse(node))
    ]
    assert found == []


@pytest.mark.parametrize("query", SQLITE)
def test_query_is_used(query: str) -> None:
    word = re.compile(rf'["\']{query}["\']')
    users = [name(p) for p in STORE.rglob("*.py") if word.search(p.read_text())]
    assert users, f"no module of the store uses the query {query}"


@pytest.mark.parametrize("query", SQLITE)
def test_query_says_which_directory(query: str) -> None:
    statement = SQLITE[query]
    tables = re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)", statement)
    if any(table in SCOPED for table in tables):
        assert re.search(r"\bdirectory\b", statement), f"{query} forgets the directory"


@pytest.mark.parametrize("path", sorted(STORE.rglob("*.sql")), ids=name)
def test_sql_file_opens_with_its_law(path: Path) -> None:
    assert re.match(r"-- \S.+\.", path.read_text()), f"{name(path)} must open with a sentence"


def test_migrations_are_numbered_without_gaps() -> None:
    for engine in sorted(p.parent for p in STORE.rglob("schema.sql")):
        numbers = [int(p.name[:4]) for p in sorted((engine / "migrations").glob("*.sql"))]
        assert numbers == list(range(1, len(numbers) + 1))
