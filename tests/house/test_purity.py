"""scim/ and service/ are pure: what import-linter cannot see is looked for in the syntax tree."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "rosterd"
PURE = [p for part in ("scim", "service") for p in sorted((PACKAGE / part).rglob("*.py"))]

ALLOWED = {"scim": ("rosterd.scim",), "service": ("rosterd.scim", "rosterd.service", "orjson")}

# Parts of packages of which other parts are pure (urllib.parse); import-linter knows whole ones only.
FOREIGN = ("urllib.request", "urllib.robotparser")

# Names that reach for the clock, the file system or the terminal without an import of their own.
IMPURE_METHODS = {"now", "utcnow", "today", "fromtimestamp", "getenv", "urandom"}
IMPURE_BUILTINS = {"open", "print", "input", "eval", "exec", "breakpoint", "__import__"}


def name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "rosterd":
                yield from (f"rosterd.{alias.name}" for alias in node.names)
            else:
                yield node.module or ""


@pytest.mark.parametrize("path", PURE, ids=name)
def test_imports_only_the_standard_library_and_what_lies_below(path: Path) -> None:
    below = ALLOWED[path.relative_to(PACKAGE).parts[0]]
    foreign = [
        module
        for module in imports(ast.parse(path.read_text()))
        if module.startswith(FOREIGN)
        or (
            module.split(".")[0] not in sys.stdlib_module_names
            and not any(module == b or module.startswith(b + ".") for b in below)
        )
    ]
    assert foreign == []


@pytest.mark.parametrize("path", PURE, ids=name)
def test_nothing_reaches_for_clock_files_or_terminal(path: Path) -> None:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name) and node.func.id in IMPURE_BUILTINS:
            found.append(f"line {node.lineno}: {node.func.id}()")
        if isinstance(node.func, ast.Attribute) and node.func.attr in IMPURE_METHODS:
            found.append(f"line {node.lineno}: .{node.func.attr}()")
    assert found == []
